import { Button, Group, NumberInput, PasswordInput, Select, Text, TextInput } from '@mantine/core'
import { ErrorPanel } from '../widgets/ProblemList'
import { connectionAdvice, judgePresets } from './judgePresets'
import type { Judge } from './useJudge'

/** Where the judge runs, and how it is asked. */
export function JudgeServer({ judge }: { readonly judge: Judge }) {
  return (
    <>
      <Select
        label="Server"
        data={judgePresets.map((one) => ({ value: one.name, label: one.title }))}
        value={judge.preset.name}
        onChange={(value) => {
          judge.choosePreset(value ?? judge.preset.name)
        }}
      />
      <TextInput
        label="Address"
        value={judge.settings.baseUrl}
        error={judge.settings.baseUrl === '' ? null : judge.addressProblem}
        placeholder="https://host/v1"
        inputMode="url"
        autoComplete="off"
        onChange={(event) => {
          judge.change({ baseUrl: event.currentTarget.value })
        }}
      />
      <TextInput
        label="Model"
        value={judge.settings.model}
        placeholder="as the server names it"
        autoComplete="off"
        onChange={(event) => {
          judge.change({ model: event.currentTarget.value })
        }}
      />
      <PasswordInput
        label="Key"
        size="xs"
        description={
          judge.preset.needsKey
            ? 'It stays in this tab’s memory. It is never stored, exported, logged or put in an address.'
            : 'Most local servers need none. It stays in this tab’s memory.'
        }
        value={judge.settings.apiKey}
        autoComplete="off"
        name="hone-judge-key"
        data-1p-ignore
        data-lpignore="true"
        visibilityToggleButtonProps={{ 'aria-label': 'Show or hide the key' }}
        onChange={(event) => {
          judge.change({ apiKey: event.currentTarget.value })
        }}
      />
      <Group grow gap={8}>
        <NumberInput
          label="Repeats"
          description="of each question"
          min={1}
          max={9}
          value={judge.settings.repeats}
          onChange={(value) => {
            judge.change({ repeats: Math.max(1, Math.min(9, Number(value) || 1)) })
          }}
        />
        <NumberInput
          label="Temperature"
          description="of the judge"
          min={0}
          max={2}
          step={0.1}
          decimalScale={2}
          value={judge.settings.temperature}
          onChange={(value) => {
            judge.change({ temperature: Number(value) || 0 })
          }}
        />
      </Group>
      <ConnectionTest judge={judge} />
    </>
  )
}

function ConnectionTest({ judge }: { readonly judge: Judge }) {
  const { test } = judge
  return (
    <>
      <Group gap={8}>
        <Button onClick={judge.runTest} disabled={!judge.canTest} data-testid="judge-test">
          {test.isPending ? 'Testing' : 'Test connection'}
        </Button>
        <Text size="xs" role="status">
          {test.data === undefined ? '' : `✓ ${test.data}`}
        </Text>
      </Group>
      {test.error !== null && (
        <ErrorPanel title="The server could not be used." details={test.error}>
          <ul style={{ margin: 0, paddingLeft: 18 }}>
            {connectionAdvice(judge.preset, judge.settings.baseUrl, location.protocol).map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        </ErrorPanel>
      )}
    </>
  )
}

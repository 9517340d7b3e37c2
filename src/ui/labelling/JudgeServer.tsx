import { DEFAULT_JUDGE_TOKENS } from '../../annotation/judge'
import { Button, Group, PasswordInput, Select, Text, TextInput } from '@mantine/core'
import { ErrorPanel } from '../widgets/ProblemList'
import { NumberField } from '../widgets/NumberField'
import { connectionAdvice, judgePresets, testProblem } from './judgePresets'
import type { Judge } from './useJudge'

const REPEATS = { isWhole: true, minimum: 1, maximum: 20 }
const TEMPERATURE = { minimum: 0, maximum: 2 }
const TOKENS = { isWhole: true, minimum: 1 }

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
            : judge.preset.name === 'gateway'
              ? 'Empty: the token of the address that npm start printed, if this page was opened by it.'
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
      <Group grow gap={8} align="flex-start">
        <NumberField
          name="judge-repeats"
          label="Repeats"
          description="of each question"
          value={judge.settings.repeats}
          fallback={1}
          rule={REPEATS}
          onChange={(repeats = 1) => {
            judge.change({ repeats })
          }}
        />
        <NumberField
          name="judge-temperature"
          label="Temperature"
          description="of the judge"
          value={judge.settings.temperature}
          fallback={0}
          rule={TEMPERATURE}
          onChange={(temperature = 0) => {
            judge.change({ temperature })
          }}
        />
        <NumberField
          name="judge-max-tokens"
          label="Token limit"
          description="of an answer and its thoughts"
          value={judge.settings.maxTokens}
          fallback={DEFAULT_JUDGE_TOKENS}
          rule={TOKENS}
          onChange={(maxTokens = DEFAULT_JUDGE_TOKENS) => {
            judge.change({ maxTokens })
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
        <ErrorPanel title={testProblem(test.errorCode)}>
          {test.error}
          <ul style={{ margin: 0, paddingLeft: 18 }}>
            {connectionAdvice(test.errorCode, { preset: judge.preset, baseUrl: judge.settings.baseUrl, page: location }).map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        </ErrorPanel>
      )}
    </>
  )
}

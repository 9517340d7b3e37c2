/** The one place where a model behind a server is chosen, tested and priced. */
import { Button, Group, PasswordInput, Select, SimpleGrid, Text, TextInput } from '@mantine/core'
import { useEffect, useId } from 'react'
import { useReportProblem } from '../widgets/fieldProblems'
import { NumberField } from '../widgets/NumberField'
import { ErrorPanel } from '../widgets/ProblemList'
import { connectionAdvice, serverPresets, testProblem, type ServerPreset } from './serverPresets'
import type { ServerForm, ServerTest } from './useServer'

const COUNT = { isWhole: true, minimum: 1 }
const PRICE = { minimum: 0 }
/** The studio's own. */
const AT_ONCE = 4

interface ServerFieldsProps {
  readonly server: ServerForm
  readonly test: ServerTest
  /** Of an answer, unless another number is given; absent: the benchmark decides. */
  readonly tokens?: number
  /** Fields of the role itself, before the test. */
  readonly children?: React.ReactNode
}

export function ServerFields({ server, test, tokens, children }: ServerFieldsProps) {
  useMissingServer(server)
  return (
    <>
      <AddressFields server={server} />
      {children}
      <LimitFields server={server} tokens={tokens} />
      <PriceFields server={server} />
      <ConnectionTest server={server} test={test} />
    </>
  )
}

/** Reports what is missing, so that a form with an incomplete server cannot be started. */
function useMissingServer({ addressProblem, model }: ServerForm): void {
  const id = useId()
  const report = useReportProblem()
  const problem = model !== null ? null : (addressProblem ?? 'Give the name by which the server knows the model.')
  useEffect(() => {
    report(id, problem === null ? null : { name: 'Server', problem })
    return () => {
      report(id, null)
    }
  }, [report, id, problem])
}

function AddressFields({ server }: { readonly server: ServerForm }) {
  const { role, preset, settings, change } = server
  return (
    <>
      <Select
        label="Server"
        allowDeselect={false}
        data={serverPresets.map((one) => ({ value: one.name, label: one.title }))}
        value={preset.name}
        onChange={(value) => {
          server.choosePreset(value ?? preset.name)
        }}
      />
      <TextInput
        label="Address"
        value={settings.baseUrl}
        error={settings.baseUrl === '' ? null : server.addressProblem}
        placeholder="https://host/v1"
        inputMode="url"
        autoComplete="off"
        onChange={(event) => {
          change({ baseUrl: event.currentTarget.value })
        }}
      />
      <TextInput
        label={role === 'agent' ? 'Name of the model' : 'Model'}
        value={settings.model}
        placeholder="as the server names it"
        autoComplete="off"
        onChange={(event) => {
          change({ model: event.currentTarget.value })
        }}
      />
      <PasswordInput
        label="Key"
        size="xs"
        description={keyNote(preset)}
        value={settings.apiKey}
        autoComplete="off"
        name={`hone-${role}-key`}
        data-1p-ignore
        data-lpignore="true"
        visibilityToggleButtonProps={{ 'aria-label': 'Show or hide the key' }}
        onChange={(event) => {
          change({ apiKey: event.currentTarget.value })
        }}
      />
    </>
  )
}

function keyNote({ name, needsKey }: ServerPreset): string {
  if (needsKey) return 'It stays in this tab’s memory. It is never stored, exported, logged or put in an address.'
  return name === 'gateway'
    ? 'Empty: the token of the address that npm start printed, if this page was opened by it.'
    : 'Most local servers need none. It stays in this tab’s memory.'
}

function LimitFields({ server: { role, settings, change }, tokens }: { readonly server: ServerForm; readonly tokens: number | undefined }) {
  return (
    <SimpleGrid cols={2} spacing={8}>
      <NumberField
        name={`${role}-concurrency`}
        label="Requests at a time"
        description="that the server is sent"
        value={settings.concurrency}
        fallback={AT_ONCE}
        rule={COUNT}
        onChange={(concurrency) => {
          change({ concurrency })
        }}
      />
      <NumberField
        name={`${role}-max-tokens`}
        label="Token limit"
        description="of an answer and its thoughts"
        value={settings.maxTokens}
        {...(tokens === undefined ? { placeholder: 'as the benchmark says' } : { fallback: tokens })}
        rule={COUNT}
        onChange={(maxTokens) => {
          change({ maxTokens })
        }}
      />
    </SimpleGrid>
  )
}

function PriceFields({ server: { role, settings, change } }: { readonly server: ServerForm }) {
  const { price } = settings
  const set = (patch: { readonly input?: number | undefined; readonly output?: number | undefined }): void => {
    const { input, output } = { ...price, ...patch }
    change({ price: input === undefined && output === undefined ? undefined : { input: input ?? 0, output: output ?? 0 } })
  }
  return (
    <SimpleGrid cols={2} spacing={8}>
      <NumberField
        name={`${role}-price-input`}
        label="Price of prompts"
        description="dollars per million tokens"
        placeholder="not given"
        value={price?.input}
        rule={PRICE}
        onChange={(input) => {
          set({ input })
        }}
      />
      <NumberField
        name={`${role}-price-output`}
        label="Price of answers"
        description="dollars per million tokens"
        placeholder="not given"
        value={price?.output}
        rule={PRICE}
        onChange={(output) => {
          set({ output })
        }}
      />
    </SimpleGrid>
  )
}

function ConnectionTest({ server, test }: { readonly server: ServerForm; readonly test: ServerTest }) {
  return (
    <>
      <Group gap={8}>
        <Button onClick={test.run} disabled={!test.canTest} data-testid={`${server.role}-test`}>
          {test.isPending ? 'Testing' : 'Test connection'}
        </Button>
        <Text size="xs" role="status">
          {test.data === undefined ? '' : `✓ ${test.data}`}
        </Text>
      </Group>
      {test.error !== null && (
        <ErrorPanel title={testProblem(test.errorCode, server.role)}>
          {test.error}
          <ul style={{ margin: 0, paddingLeft: 18 }}>
            {connectionAdvice(test.errorCode, { preset: server.preset, baseUrl: server.settings.baseUrl, page: location }).map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        </ErrorPanel>
      )}
    </>
  )
}

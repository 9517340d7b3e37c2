/** Which model is evaluated: one that is here, with or without an adapter and in which call format, or one behind a server. */
import { Select, Text } from '@mantine/core'
import { useMemo } from 'react'
import { formatCount } from '../format'
import { useTestServer } from '../queries/models'
import { useRunNames } from '../queries/runs'
import { CallFormatField } from '../models/CallFormatField'
import { ServerFields } from '../servers/ServerFields'
import { hostOf } from '../servers/serverPresets'
import { testOf, type ServerForm } from '../servers/useServer'
import { useDescription } from '../stores/studio'
import { choices } from '../widgets/choices'
import type { EvaluationForm } from './useEvaluationForm'

/** No id of a model looks like this. */
const BEHIND_SERVER = 'a model behind a server'

export function EvaluatedModel({ form }: { readonly form: EvaluationForm }) {
  const { request, change, models, server, chooseServer } = form
  return (
    <>
      <Select
        label="Model"
        allowDeselect={false}
        value={server === null ? request.model : BEHIND_SERVER}
        data={[
          ...choices(models.map((one) => ({ value: one.model_id, label: one.title }))),
          { value: BEHIND_SERVER, label: 'A model behind a server…' },
        ]}
        onChange={(value) => {
          chooseServer(value === BEHIND_SERVER)
          if (value !== BEHIND_SERVER) change({ model: value ?? '', adapterOf: null, callFormat: null })
        }}
        data-testid="evaluated-model"
      />
      {server === null ? <LocalFields form={form} /> : <AgentServer server={server} />}
    </>
  )
}

function LocalFields({ form: { request, change, models } }: { readonly form: EvaluationForm }) {
  const model = models.find((one) => one.model_id === request.model)
  const runNames = useRunNames()
  return (
    <>
      <Select
        label="Adapter"
        value={request.adapterOf ?? ''}
        data={choices([
          { value: '', label: 'none: the base model' },
          ...(model?.adapters ?? []).map((one) => ({ value: one.run_id, label: runNames.get(one.run_id) ?? one.title })),
        ])}
        onChange={(value) => {
          change({ adapterOf: value === '' ? null : value })
        }}
      />
      {model && (
        <CallFormatField
          model={model.model_id}
          value={request.callFormat ?? null}
          onChange={(callFormat) => {
            change({ callFormat })
          }}
        />
      )}
    </>
  )
}

function AgentServer({ server }: { readonly server: ServerForm }) {
  const command = useTestServer()
  const { callFormats } = useDescription()
  const { model } = server
  const asked = useMemo(() => (model === null ? null : { server: model, asksForCall: true }), [model])
  return (
    <ServerFields server={server} test={testOf(command, asked)}>
      <Select
        label="Calls"
        description="Servers give a model’s calls apart from its text. For one that does not, Hone reads them out of the text."
        allowDeselect={false}
        value={server.settings.textFormat ?? ''}
        data={[
          { value: '', label: 'as the server gives them' },
          ...callFormats.map(({ name, title }) => ({ value: name, label: `read out of the text: ${title}` })),
        ]}
        onChange={(value) => {
          server.change({ textFormat: value === '' || value === null ? undefined : value })
        }}
      />
    </ServerFields>
  )
}

/** Where the questions go and how many requests that is at most, before anything is sent. */
export function ServerCalls({ form: { request, benchmark } }: { readonly form: EvaluationForm }) {
  if (request.server === undefined || !benchmark) return null
  const size = benchmark.splits[request.split] ?? 0
  const questions = Math.min(request.limit ?? size, size)
  const calls = request.maxCalls ?? benchmark.callBudget
  return (
    <Text size="xs" data-testid="server-calls">
      Goes to {hostOf(request.server.baseUrl)}: {formatCount(questions)} questions
      {calls !== null && `, at most ${formatCount(questions * (calls + 1))} requests`}. The run’s notes say how many tokens it took
      {request.server.price === undefined ? '' : ' and what it cost at your prices'}.
    </Text>
  )
}

import { Group, Text } from '@mantine/core'
import { useState } from 'react'
import type { ToolSpec } from '../../records/trajectory'
import type { GivenWorld } from '../../worker/protocol'
import { useStudio } from '../stores/studio'
import { Observation } from '../trajectory/StepCard'
import { VisibleText } from '../trajectory/VisibleText'
import { Panel, PrimaryButton } from '../widgets/Panel'
import { ArgumentField } from './ArgumentField'
import { readArguments, toolArguments } from './toolArguments'
import classes from './tools.module.css'

interface Call {
  readonly id: number
  readonly args: string
  readonly ok: boolean
  readonly text: string
}
const KEPT = 20

interface ToolConsoleProps {
  readonly environment: string
  /** Whether the same call gives the same reply, in a sentence. */
  readonly repeats: string
  readonly given: GivenWorld
  readonly tool: ToolSpec
}

/** One tool: what it says of itself, and a call to try it. */
export function ToolConsole({ environment, repeats, given, tool }: ToolConsoleProps) {
  const studio = useStudio()
  const [typed, setTyped] = useState<Readonly<Record<string, string>>>({})
  const [problems, setProblems] = useState<Readonly<Record<string, string>>>({})
  const [calls, setCalls] = useState<readonly Call[]>([])
  const [busy, setBusy] = useState(false)
  const call = async (): Promise<void> => {
    const reading = readArguments(tool, typed)
    setProblems(reading.ok ? {} : reading.problems)
    if (!reading.ok) return
    setBusy(true)
    const reply = await studio.environments.callTool(environment, tool.name, reading.args, given)
    setCalls((list) =>
      [
        { id: (list[0]?.id ?? 0) + 1, args: JSON.stringify(reading.args), ok: reply.ok, text: reply.ok ? reply.value : reply.message },
        ...list,
      ].slice(0, KEPT),
    )
  }
  const submit = (): void => {
    call()
      .catch((reason: unknown) => {
        setCalls((list) => [{ id: (list[0]?.id ?? 0) + 1, args: '', ok: false, text: String(reason) }, ...list])
      })
      .finally(() => {
        setBusy(false)
      })
  }
  return (
    <div style={{ display: 'grid', gridTemplateColumns: 'minmax(0, 1fr)', gap: 12 }}>
      <Panel title={<VisibleText text={tool.name} />}>
        <p className={classes.signature}>
          <VisibleText text={tool.name} />(
          <VisibleText
            text={tool.parameters.map((parameter) => `${parameter.name}${parameter.required ? '' : '?'}: ${parameter.type}`).join(', ')}
          />
          )
        </p>
        <Text mb={8}>
          <VisibleText text={tool.description === '' ? 'This tool says nothing about itself.' : tool.description} />
        </Text>
        {tool.parameters.length > 0 && (
          <table className={classes.parameters}>
            <thead>
              <tr>
                <th scope="col">Parameter</th>
                <th scope="col">Type</th>
                <th scope="col">Needed</th>
                <th scope="col">Meaning</th>
              </tr>
            </thead>
            <tbody>
              {tool.parameters.map((parameter) => (
                <tr key={parameter.name}>
                  <td className={classes.mono}>
                    <VisibleText text={parameter.name} />
                  </td>
                  <td className={classes.mono}>
                    <VisibleText text={parameter.type} />
                  </td>
                  <td>{parameter.required ? 'yes' : 'no'}</td>
                  <td>
                    <VisibleText text={parameter.description} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Panel>
      <Panel title="Try a call">
        <form
          onSubmit={(event) => {
            event.preventDefault()
            submit()
          }}
        >
          <div style={{ display: 'grid', gap: 8, gridTemplateColumns: 'repeat(auto-fill, minmax(min(100%, 220px), 1fr))' }}>
            {toolArguments(tool).map((argument) => (
              <ArgumentField
                key={argument.name}
                argument={argument}
                text={typed[argument.name] ?? ''}
                problem={problems[argument.name]}
                onChange={(text) => {
                  setTyped({ ...typed, [argument.name]: text })
                }}
              />
            ))}
          </div>
          <Group mt={8} gap={8}>
            <PrimaryButton type="submit" loading={busy} data-testid="tool-call">
              Call
            </PrimaryButton>
            <Text size="xs" c="dimmed">
              {repeats}
            </Text>
          </Group>
        </form>
        {calls.map((one) => (
          <div key={one.id} className={classes.reply} data-ok={one.ok} data-testid="tool-reply">
            <div className={classes.mono} style={{ padding: '4px 10px' }}>
              <VisibleText text={`${tool.name}(${one.args})`} />
            </div>
            <Observation text={one.text} />
          </div>
        ))}
      </Panel>
    </div>
  )
}

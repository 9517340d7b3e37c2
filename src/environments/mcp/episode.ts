/** An episode on a tool server: budgets, recorded replies first where the mode says so, and a typed reply for every failure. */
import type { ToolCall, ToolSpec } from '../../records/trajectory'
import { cancellable, type Cancellable, type Episode, type Query, type ToolErrorKind, type ToolReply } from '../environment'
import type { KeptConnection } from './openConnection'
import { isRecordable, type ToolRecording } from './recording'
import { observation, readToolResult } from './resultText'
import type { McpSettings } from './settings'
import { ToolConnectionError, type ToolConnectionProblem } from '../toolConnection'

export interface McpEpisodeParts {
  readonly query: Query | null
  readonly tools: readonly ToolSpec[]
  readonly settings: McpSettings
  readonly connection: KeptConnection | null
  readonly recording: ToolRecording | null
  /** How many calls may still be sent, by all episodes together. */
  readonly budget: { live: number }
  /** Hears that the episode is over, and saves what was recorded. */
  readonly ended: () => Promise<void>
  readonly now?: () => number
}

interface State {
  readonly calls: number
  readonly hasEnded: boolean
}

const noQuery: Query = { query_id: '', index: 0, text: '', group: '', split: '', goldTools: [], entities: [] }

export function openMcpEpisode(parts: McpEpisodeParts, state: State): Episode {
  const { tools, settings, now } = parts
  let { calls, hasEnded } = state
  async function reply(call: ToolCall, cancel: Cancellable): Promise<ToolReply> {
    if (hasEnded) return fail('ended', 'The episode has ended.')
    if (call.error !== undefined) return fail('bad-call', call.error)
    if (!tools.some(({ name }) => name === call.name)) return fail('unknown-tool', unknownTool(call.name, tools))
    if (calls >= settings.callsPerEpisode) return fail('quota', `This episode has used its ${settings.callsPerEpisode} calls.`)
    calls += 1
    const recorded =
      settings.mode === 'replay' || settings.mode === 'replay-else-live' ? parts.recording?.find(call.name, call.arguments) : null
    if (recorded) return { text: recorded.response, error: recorded.error === '' ? null : recorded.error, truth: null, elapsedMs: null }
    const from = now?.() ?? null
    const live = await ask(call, parts, cancel)
    return { ...live, elapsedMs: from === null || now === undefined ? null : now() - from }
  }
  return {
    query: parts.query ?? noQuery,
    tools,
    call: async (given, options = {}) => {
      await cancellable(Promise.resolve(), options.signal)
      const replies: ToolReply[] = []
      // One after another: a later call may need what an earlier one did on the server.
      for (const call of given) replies.push(await reply(call, options))
      return replies
    },
    finish: async (answer) => {
      hasEnded = true
      await parts.ended()
      // A tool server does not know what the right answer is.
      return { status: answer === null ? 'unsolved' : 'unsure', truth: { succeeded: false, needed: true } }
    },
    copy: () =>
      changesNothing(parts)
        ? { ok: true, episode: openMcpEpisode(parts, { calls, hasEnded }) }
        : {
            ok: false,
            reason: 'A tool server cannot be put back into an earlier state, and not all of its tools say that they only read.',
          },
    // What could not be saved now is saved with the next episode, or the environment says so when it is closed.
    close: () => parts.ended().catch(() => undefined),
  }
}

const changesNothing = ({ settings, tools }: McpEpisodeParts): boolean =>
  settings.mode === 'replay' || settings.stateless || tools.every(({ annotations }) => annotations?.readOnlyHint === true)

async function ask(
  call: ToolCall,
  { settings, connection, recording, budget }: McpEpisodeParts,
  { signal }: Cancellable,
): Promise<ToolReply> {
  if (connection === null)
    return fail('no-result', `This call of ${call.name} was not recorded, and the server is not asked in the mode "replay".`)
  if (budget.live <= 0) return fail('quota', `The ${settings.liveCalls} calls that may be sent to the server are used up.`)
  budget.live -= 1
  const limits = { timeoutMs: settings.timeoutSeconds * 1000, ...(signal ? { signal } : {}) }
  const attempt = async (): Promise<ToolReply> => {
    const opened = await connection.get(limits)
    const read = readToolResult(await opened.call(call.name, call.arguments, limits))
    if (read === null) return fail('failed', `${opened.server.name} answered this call with something that is no result of a tool.`)
    return kept({ text: read.text, error: read.isError ? 'failed' : null, truth: null, elapsedMs: null }, call, recording)
  }
  try {
    return await attempt().catch((error: unknown) => {
      // The call was not made: it is made in a new session.
      if (error instanceof ToolConnectionError && error.problem === 'session-over') return attempt()
      throw error
    })
  } catch (error) {
    if (!(error instanceof ToolConnectionError)) throw error
    const failed = fail(KINDS[error.problem], error.message)
    // The server answered, with an error; a time-out or an ended connection may be over the next time.
    return error.problem === 'arguments' || error.problem === 'refused' ? kept(failed, call, recording) : failed
  }
}

function kept(reply: ToolReply, call: ToolCall, recording: ToolRecording | null): ToolReply {
  if (isRecordable(reply.error)) recording?.add(call.name, call.arguments, { error: reply.error ?? '', response: reply.text })
  return reply
}

const KINDS: Readonly<Record<ToolConnectionProblem, ToolErrorKind>> = {
  timeout: 'timeout',
  closed: 'unavailable',
  'session-over': 'unavailable',
  unreachable: 'unavailable',
  protocol: 'failed',
  arguments: 'bad-arguments',
  refused: 'failed',
}

const fail = (error: ToolErrorKind, message: string): ToolReply => ({
  text: observation(JSON.stringify({ error: message })),
  error,
  truth: null,
  elapsedMs: null,
})

const NAMED = 20

function unknownTool(name: string, tools: readonly ToolSpec[]): string {
  const more = tools.length > NAMED ? `, and ${tools.length - NAMED} more` : ''
  return `There is no tool ${name}; there is ${tools
    .slice(0, NAMED)
    .map((tool) => tool.name)
    .join(', ')}${more}.`
}

/** One attempt at a multi-turn item: the user speaks several times, functions may be documented later, and the package's rules judge it. */
import type { ToolCall, ToolSpec } from '../../records/trajectory'
import type { Cancellable, Episode, Query, ToolErrorKind, ToolReply, Verdict } from '../environment'
import { functionTool } from '../toolSchema'
import type { MultiTurnItem } from './items'
import type { JudgeSession, MultiTurnJudge } from './judge'

/** The package ends an attempt that needs more steps for one turn. */
export const STEPS_PER_TURN = 20

/** One step as the package's result files have it. */
type Step = readonly Readonly<Record<string, Readonly<Record<string, unknown>>>>[]

interface State {
  /** Steps by turn; the last one is the turn that runs. */
  readonly turns: readonly (readonly Step[])[]
  readonly tools: readonly ToolSpec[]
  readonly hasEnded: boolean
  /** Calls so far, as Python expressions. */
  readonly history: readonly string[]
}

export interface EpisodeParts {
  readonly item: MultiTurnItem
  readonly query: Query
  readonly judge: MultiTurnJudge
  readonly now?: (() => number) | undefined
}

export const initialState = ({ tools }: MultiTurnItem): State => ({ turns: [[]], tools, hasEnded: false, history: [] })

export function openEpisode(parts: EpisodeParts, state: State): Episode {
  const { item, query, judge, now } = parts
  const session: JudgeSession = judge.openSession(item, state.history)
  const turns: Step[][] = state.turns.map((steps) => [...steps])
  let { tools, hasEnded } = state
  const known = new Set([...item.tools, ...[...item.later.values()].flat()].map(({ name }) => name))
  const stepsOfTurn = (): Step[] => turns[turns.length - 1] ?? []

  async function perform(calls: readonly ToolCall[], options: Cancellable): Promise<ToolReply[]> {
    const readable = calls.filter(isCallable)
    if (readable.length > 0) stepsOfTurn().push(readable.map(({ name, arguments: given }) => ({ [name]: given })))
    const started = now?.()
    const result = await session.perform(readable, options)
    const elapsedMs = started === undefined || !now ? null : now() - started
    const replies = result.ok ? [...result.performed] : []
    return calls.map((call) => {
      if (!isCallable(call)) return failure('bad-call', call.error ?? `A call needs a name and names of arguments, found ${call.name}.`)
      if (!result.ok) return failure(result.kind === 'timeout' ? 'timeout' : 'unavailable', `Error during execution: ${result.message}`)
      const [, text = ''] = replies.shift() ?? []
      return { text, error: errorKind(call, text, known), truth: null, elapsedMs }
    })
  }

  return {
    query,
    get tools() {
      return tools
    },
    async call(calls, options = {}) {
      options.signal?.throwIfAborted()
      if (hasEnded) return calls.map(() => failure('ended', 'The episode has ended.'))
      if (stepsOfTurn().length >= STEPS_PER_TURN) {
        hasEnded = true
        return calls.map(() => failure('quota', `The episode has ended: a turn has at most ${STEPS_PER_TURN} steps.`))
      }
      return perform(calls, options)
    },
    userTurn(_said, options = {}) {
      options.signal?.throwIfAborted()
      const next = item.turns[turns.length]
      if (hasEnded || next === undefined) return Promise.resolve(null)
      const added = item.later.get(turns.length) ?? []
      tools = [...tools, ...added]
      turns.push([])
      return Promise.resolve([next ?? '', announcement(added)].filter((part) => part !== '').join('\n\n'))
    },
    async finish(_answer, options = {}): Promise<Verdict> {
      options.signal?.throwIfAborted()
      const isStopped = hasEnded
      hasEnded = true
      const isSolved = !isStopped && (await judge.judge(item, turns, options)).valid
      return { status: isSolved ? 'solved' : 'unsolved', truth: { succeeded: isSolved, needed: true } }
    },
    copy: () => ({ ok: true, episode: openEpisode(parts, { turns, tools, hasEnded, history: session.history }) }),
    close: () => session.close(),
  }
}

const failure = (error: ToolErrorKind, text: string): ToolReply => ({ text, error, truth: null, elapsedMs: null })

/** Names become parts of a Python expression. */
const isName = (name: string): boolean => /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$/.test(name)
const isCallable = ({ name, arguments: given, error }: ToolCall): boolean =>
  error === undefined && isName(name) && Object.keys(given).every((key) => isName(key))

function errorKind({ name }: ToolCall, text: string, known: ReadonlySet<string>): ToolErrorKind | null {
  if (text.startsWith('Error during execution:')) return known.has(name) ? 'bad-arguments' : 'unknown-tool'
  return /^\{"error": /.test(text) ? 'failed' : null
}

/** The functions themselves stand in the message, since not every call format can add tools to a conversation that has begun. */
function announcement(tools: readonly ToolSpec[]): string {
  if (tools.length === 0) return ''
  return `From now on you can also call ${tools.length === 1 ? 'this function' : 'these functions'}. Please go on with what I asked for.\n${tools
    .map((tool) => JSON.stringify(functionTool(tool).function))
    .join('\n')}`
}

/** One attempt at a question of ToolHop: at most nine turns, each call ten seconds. */
import { z } from 'zod'
import type { ToolCall } from '../../records/trajectory'
import type { Episode, Query, ToolErrorKind, ToolReply } from '../environment'
import type { PythonSandbox } from '../pythonSandbox'
import { isRightOriginally, isRightStrictly } from './answers'
import type { ToolHopItem } from './items'
import type { ToolHopSettings } from './settings'

export const MOST_TURNS = 9
const CALL_TIMEOUT_MS = 10_000

const replyOfTool = z.tuple([z.string(), z.enum(['bad-arguments', 'failed', 'unknown-tool']).nullable()])

export interface EpisodeParts {
  readonly item: ToolHopItem
  readonly query: Query
  readonly scoring: ToolHopSettings['scoring']
  readonly python: PythonSandbox
  readonly now?: (() => number) | undefined
}

interface State {
  readonly turns: number
  readonly lastReply: string | null
  readonly hasEnded: boolean
}

export function openEpisode(parts: EpisodeParts, state: State = { turns: 0, lastReply: null, hasEnded: false }): Episode {
  const { item, query, scoring, python, now } = parts
  let { turns, lastReply, hasEnded } = state

  async function reply(call: ToolCall, signal: AbortSignal | undefined): Promise<ToolReply> {
    const { name, arguments: given, error: unreadable } = call
    if (unreadable !== undefined) return refusal('bad-call', unreadable)
    const started = now?.()
    const limits = { timeoutMs: CALL_TIMEOUT_MS, ...(signal ? { signal } : {}) }
    const result = await python.call('call_tool', [item.functions, name, JSON.stringify(given)], limits)
    const elapsedMs = started === undefined || !now ? null : now() - started
    const [text, error]: [string, ToolErrorKind | null] = result.ok
      ? replyOfTool.parse(result.value)
      : [errorText(name, result.message), result.kind === 'timeout' ? 'timeout' : 'failed']
    return { text, error, truth: null, elapsedMs }
  }

  return {
    query,
    tools: item.tools,
    async call(calls, { signal } = {}) {
      signal?.throwIfAborted()
      if (hasEnded) return calls.map(() => refusal('ended', 'The episode has ended.'))
      const replies: ToolReply[] = []
      for (const call of calls) replies.push(await reply(call, signal))
      lastReply = replies.at(-1)?.text ?? lastReply
      turns++
      if (turns >= MOST_TURNS) hasEnded = true
      return replies
    },
    isOver: () => hasEnded,
    finish(answer, { signal } = {}) {
      signal?.throwIfAborted()
      hasEnded = true
      const said = answer ?? ''
      const isRight = scoring === 'strict' ? isRightStrictly(item.answer, said) : isRightOriginally(item.answer, said, lastReply)
      const isSolved = answer !== null && isRight
      return Promise.resolve({ status: isSolved ? 'solved' : 'unsolved', truth: { succeeded: isSolved, needed: true } })
    },
    copy: () => ({ ok: true, episode: openEpisode(parts, { turns, lastReply, hasEnded }) }),
    close: () => Promise.resolve(),
  }
}

const refusal = (error: ToolErrorKind, text: string): ToolReply => ({ text, error, truth: null, elapsedMs: null })

/** The benchmark's own words, with its spelling. */
const errorText = (name: string, message: string): string => `an error occured when call ${name}: ${message}`

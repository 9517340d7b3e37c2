/** Runs and judges multi-turn items in a Python interpreter that holds the benchmark's classes. */
import { z } from 'zod'
import { EnvironmentError } from '../environment'
import type { OpenPython, PythonCallOptions, PythonResult } from '../pythonSandbox'
import type { MultiTurnData, MultiTurnItem } from './items'
import judgeSource from './judge.py?raw'
import mpmathSource from './mpmath.py?raw'

const verdict = z.discriminatedUnion('valid', [
  z.object({ valid: z.literal(true), error: z.null() }),
  z.object({ valid: z.literal(false), error: z.object({ type: z.string(), message: z.string() }) }),
])
export type MultiTurnVerdict = z.output<typeof verdict>

/** The call as a Python expression, and the text of its reply. */
export type PerformedCall = readonly [expression: string, reply: string]
const performedCalls = z.array(z.tuple([z.string(), z.string()])).nullable()

/** What a session needs of an item. */
export type SessionItem = Pick<MultiTurnItem, 'id' | 'entryText'>

export interface JudgeSession {
  /** The calls so far, as Python expressions. */
  readonly history: readonly string[]
  /** The replies to the calls of one step, or why there are none: they took too long or too much memory, and their effects are undone. */
  perform(
    calls: readonly { readonly name: string; readonly arguments: Readonly<Record<string, unknown>> }[],
    options?: PythonCallOptions,
  ): Promise<{ readonly ok: true; readonly performed: readonly PerformedCall[] } | Extract<PythonResult, { ok: false }>>
  close(): Promise<void>
}

export interface MultiTurnJudge {
  /** @param answer a list of turns, each a list of steps: lists of calls as expressions or `{name: arguments}`, or text that lists calls. */
  judge(item: MultiTurnItem, answer: unknown, options?: PythonCallOptions): Promise<MultiTurnVerdict>
  /** The item's classes in their initial state, or in the one after the calls of a `history`. */
  openSession(item: SessionItem, history?: readonly string[]): JudgeSession
  close(): Promise<void>
}

const JUDGE_TIMEOUT_MS = 60_000

/** Rejects with an Error of one sentence if the interpreter cannot be started or cannot read the classes. */
export async function openMultiTurnJudge(openPython: OpenPython, { sources }: MultiTurnData): Promise<MultiTurnJudge> {
  const texts = JSON.stringify({ mpmath: mpmathSource, ...sources })
  const python = await openPython({ setup: `${judgeSource}\nadd_sources(json.loads(${JSON.stringify(texts)}))\n` })
  let sessions = 0

  function failed(result: Extract<PythonResult, { ok: false }>, item: SessionItem): never {
    throw new EnvironmentError(result.kind === 'timeout' ? 'timeout' : 'unavailable', `${item.id}: ${result.message}`)
  }

  function openSession(item: SessionItem, before: readonly string[] = []): JudgeSession {
    const key = `${item.id}/${sessions++}`
    const history = [...before]
    let isOpen = false
    const open = async (): Promise<void> => {
      const opened = await python.call('open_session', [key, item.entryText, history], { timeoutMs: JUDGE_TIMEOUT_MS })
      if (!opened.ok) failed(opened, item)
      isOpen = true
    }
    return {
      history,
      async perform(calls, options) {
        const asked = calls.map(({ name, arguments: given }) => [name, JSON.stringify(given)])
        // An interpreter that was replaced has no sessions; what was called before is called again in a new one.
        for (let attempt = 0; attempt < 2; attempt++) {
          if (!isOpen || attempt > 0) await open()
          const result = await python.call('perform_calls', [key, asked], options)
          if (!result.ok) return result
          const performed = performedCalls.parse(result.value)
          if (performed === null) continue
          history.push(...performed.map(([expression]) => expression))
          return { ok: true, performed }
        }
        throw new EnvironmentError('unavailable', `${item.id}: its state in the Python interpreter was lost.`)
      },
      async close() {
        if (isOpen) await python.call('close_session', [key])
        isOpen = false
      },
    }
  }

  return {
    async judge(item, answer, options = {}) {
      const asked = [item.entryText, JSON.stringify(answer), item.truthText]
      const result = await python.call('judge', asked, { timeoutMs: JUDGE_TIMEOUT_MS, ...options })
      return result.ok ? verdict.parse(result.value) : failed(result, item)
    },
    openSession,
    close: () => python.close(),
  }
}

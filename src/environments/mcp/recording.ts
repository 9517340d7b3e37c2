/**
 * Recorded replies of a tool server, so that the same calls get the same replies without it. They are keyed as StableToolBench keys its cache: for each
 * tool, Python's `str(dict)` of the arguments; a reply is `{ error, response }`, and a call that succeeded has the error "".
 */
import { z } from 'zod'
import { parsePythonLiteral } from '../../base/pythonLiteral'
import { reprPython } from '../../base/pythonRepr'
import { plainFromPython, pythonFromPlain } from '../../base/pythonValue'
import { sha256 } from '../../base/sha256'
import { toolSpec, type ToolSpec } from '../../records/trajectory'
import { EnvironmentError, type ToolErrorKind } from '../environment'
import { MAX_OBSERVATION_CHARS } from './resultText'
import type { ToolServer } from '../toolConnection'

const FORMAT = 'hone tool recording'

/** The errors that a server gives again for the same call. Others, such as a time-out, are not recorded. */
const recordedErrors = ['bad-arguments', 'failed', 'no-result'] as const satisfies readonly ToolErrorKind[]

const recordedReply = z.object({ error: z.enum(['', ...recordedErrors]), response: z.string().max(2 * MAX_OBSERVATION_CHARS) })
export type RecordedReply = z.output<typeof recordedReply>

export const isRecordable = (error: ToolErrorKind | null): error is null | (typeof recordedErrors)[number] =>
  error === null || recordedErrors.some((kind) => kind === error)

const recordingFile = z.object({
  format: z.literal(FORMAT),
  version: z.literal(1),
  server: z.object({ name: z.string(), version: z.string(), instructions: z.string().optional() }),
  tools: z.array(toolSpec),
  replies: z.record(z.string(), z.record(z.string(), recordedReply)),
})

export interface ToolRecording {
  readonly server: ToolServer
  readonly tools: readonly ToolSpec[]
  /** How many calls are recorded. */
  size(): number
  /** A call with the same arguments in another order is the same call, unless that order is recorded too. */
  find(tool: string, args: Readonly<Record<string, unknown>>): RecordedReply | null
  /** A reply to the same call before is replaced. */
  add(tool: string, args: Readonly<Record<string, unknown>>, reply: RecordedReply): void
  /** Adds the replies of another recording to calls that this one does not have. */
  addMissing(other: ToolRecording): void
  /** Every recorded call, by the names of the tools. */
  entries(): readonly (readonly [tool: string, args: Readonly<Record<string, unknown>>, reply: RecordedReply])[]
  /** Grows with every reply that is added. */
  revision(): number
  /** The file, which `readRecording` reads. */
  text(): string
  /** SHA-256 of tools and replies, whatever the order in which these were recorded. */
  sha256(): string
}

/** The key of StableToolBench's caches. */
const callKey = (args: Readonly<Record<string, unknown>>): string => reprPython(pythonFromPlain(args))

interface ToolReplies {
  readonly byKey: Map<string, RecordedReply>
  readonly argumentsOf: Map<string, Readonly<Record<string, unknown>>>
  /** From the arguments as JSON with sorted keys to the newest key. */
  readonly keys: Map<string, string>
}

export function createRecording(server: ToolServer, tools: readonly ToolSpec[]): ToolRecording {
  const replies = new Map<string, ToolReplies>()
  let revision = 0
  const repliesOf = (tool: string): ToolReplies => {
    const known: ToolReplies = replies.get(tool) ?? { byKey: new Map(), argumentsOf: new Map(), keys: new Map() }
    replies.set(tool, known)
    return known
  }
  const sorted = (): [string, [string, RecordedReply][]][] =>
    [...replies].sort(byName).map(([tool, { byKey }]) => [tool, [...byKey].sort(byName)])
  const made: ToolRecording = {
    server,
    tools,
    size: () => [...replies.values()].reduce((sum, { byKey }) => sum + byKey.size, 0),
    find: (tool, args) => {
      const known = replies.get(tool)
      return known?.byKey.get(callKey(args)) ?? known?.byKey.get(known.keys.get(sortedJson(args)) ?? '') ?? null
    },
    add: (tool, args, reply) => {
      const { byKey, keys, argumentsOf } = repliesOf(tool)
      const key = callKey(args)
      byKey.set(key, reply)
      argumentsOf.set(key, args)
      revision += 1
      keys.set(sortedJson(args), key)
    },
    addMissing: (other) => {
      for (const [tool, args, reply] of other.entries()) if (!replies.get(tool)?.byKey.has(callKey(args))) made.add(tool, args, reply)
    },
    entries: () =>
      [...replies].flatMap(([tool, { byKey, argumentsOf }]) =>
        [...byKey].map(([key, reply]) => [tool, argumentsOf.get(key) ?? {}, reply] as const),
      ),
    revision: () => revision,
    text: () => {
      const listed = Object.fromEntries(sorted().map(([tool, entries]) => [tool, Object.fromEntries(entries)]))
      return `${JSON.stringify({ format: FORMAT, version: 1, server, tools, replies: listed }, null, 1)}\n`
    },
    sha256: () => sha256(JSON.stringify({ tools, replies: sorted() })),
  }
  return made
}

/** Whether a file that begins so is a recording. */
export const isRecording = (beginning: string): boolean => /^\s*\{\s*"format"\s*:\s*"hone tool recording"/.test(beginning)

/** Throws EnvironmentError with one sentence that names the file. */
export function readRecording(text: string, file: string): ToolRecording {
  const fail = (what: string): EnvironmentError => new EnvironmentError('protocol', `${file} is no recording of a tool server: ${what}`)
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw fail(text.trimStart().startsWith('{') ? 'its JSON breaks off or is damaged.' : 'expected JSON that begins with "{".')
  }
  const parsed = recordingFile.safeParse(json)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw fail(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}.`)
  }
  const { server, tools, replies } = parsed.data
  const { name, version, instructions } = server
  const recording = createRecording({ name, version, ...(instructions === undefined ? {} : { instructions }) }, tools)
  for (const [tool, entries] of Object.entries(replies))
    for (const [key, reply] of Object.entries(entries)) recording.add(tool, argumentsFrom(key, `${file}: the key ${key} of ${tool}`), reply)
  return recording
}

function argumentsFrom(key: string, place: string): Record<string, unknown> {
  try {
    return z.record(z.string(), z.unknown()).parse(plainFromPython(parsePythonLiteral(key, { nonFinite: true })))
  } catch {
    throw new EnvironmentError('protocol', `${place} should be the arguments of a call as a Python dict, such as {'city': 'Paris'}.`)
  }
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : a > b ? 1 : 0)

function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item as Record<string, unknown>).sort(byName))
      : item,
  )
}

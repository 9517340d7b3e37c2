/** Recorded replies of an API: method, path template and parameters → status and text. Keys of the API are never in it. */
import { z } from 'zod'
import { excerpt } from '../../base/excerpt'
import { EnvironmentError } from '../environment'

const recordedReply = z.object({
  method: z.string(),
  template: z.string(),
  parameters: z.record(z.string(), z.unknown()),
  status: z.int(),
  reply: z.string(),
})
export type RecordedReply = z.output<typeof recordedReply>
export type Request = Pick<RecordedReply, 'method' | 'template' | 'parameters'>

const cassetteFile = z.object({ version: z.literal(1), replies: z.array(recordedReply) })

export interface Cassette {
  /** null when the request was not recorded. */
  find(request: Request): RecordedReply | null
  /** Replaces an earlier reply to the same request. */
  add(reply: RecordedReply): void
  /** As a file, in the order of the requests' keys. */
  text(): string
}

/** The same request whatever the order of its parameters. */
const keyOf = ({ method, template, parameters }: Request): string =>
  JSON.stringify([method, template, Object.entries(parameters).sort(([a], [b]) => (a < b ? -1 : 1))])

export function createCassette(replies: readonly RecordedReply[] = []): Cassette {
  const known = new Map(replies.map((reply) => [keyOf(reply), reply]))
  return {
    find: (request) => known.get(keyOf(request)) ?? null,
    add: (reply) => void known.set(keyOf(reply), reply),
    text: () => {
      const sorted = [...known].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, reply]) => reply)
      return `${JSON.stringify({ version: 1, replies: sorted }, null, 1)}\n`
    },
  }
}

/** Throws EnvironmentError that names the file and the key. */
export function readCassette(text: string, file: string): RecordedReply[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new EnvironmentError('unavailable', `${file}: expected recorded replies as JSON, found ${excerpt(text)}.`)
  }
  const parsed = cassetteFile.safeParse(value)
  if (parsed.success) return parsed.data.replies
  const [issue] = parsed.error.issues
  throw new EnvironmentError(
    'unavailable',
    `${file}, key ${(issue?.path ?? []).map(String).join('.')}: ${issue?.message ?? 'another format'}.`,
  )
}

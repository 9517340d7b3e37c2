/** Calls of operations: from the recording, or from the API itself, whose replies are then recorded. */
import { createSerialQueue } from '../../base/serialQueue'
import { bounded, moreText, oneLine } from '../../base/visibleText'
import type { ToolCall } from '../../records/trajectory'
import type { Cancellable, ToolErrorKind, ToolReply } from '../environment'
import type { Recordings, WorldParts } from '../worldParts'
import type { Cassette, RecordedReply, Request } from './cassette'
import type { OpenApi, Operation } from './openApi'

export const RECORDING = 'tmdb'

export interface ServerParts {
  readonly api: OpenApi
  readonly cassette: Cassette
  readonly mode: 'replay' | 'live' | 'replay-else-live'
  /** Characters of a reply that the agent reads. */
  readonly replyLimit: number
  /** null: none was given. */
  readonly key: string | null
  /** How a key is given here, for messages. */
  readonly keyHint: string
  readonly fetch?: WorldParts['fetch'] | undefined
  readonly recordings?: Recordings | undefined
  readonly now?: (() => number) | undefined
}

export type CallOperation = (call: ToolCall, options?: Cancellable) => Promise<ToolReply>

export function createServer(parts: ServerParts): CallOperation {
  const { api, cassette, mode, recordings, now } = parts
  const operations = new Map(api.operations.map((one) => [one.tool.name, one]))
  const writes = createSerialQueue()

  async function replyTo(request: Request, operation: Operation, options: Cancellable): Promise<RecordedReply | ToolReply> {
    const recorded = mode === 'live' ? null : cassette.find(request)
    if (recorded) return recorded
    const asked = `${request.method} ${request.template} with ${JSON.stringify(request.parameters)}`
    if (mode === 'replay') return failure('unavailable', `There is no recorded reply to ${asked}.`)
    const live = await ask(parts, request, operation, options)
    if ('text' in live) return live
    // A refusal for the moment is no reply to keep.
    if (live.status < 500 && ![401, 403, 429].includes(live.status)) {
      cassette.add(live)
      await writes.run(async () => recordings?.update(RECORDING, () => cassette.text()))
    }
    return live
  }

  return async (call, options = {}) => {
    options.signal?.throwIfAborted()
    if (call.error !== undefined) return failure('bad-call', call.error)
    const operation = operations.get(call.name)
    if (!operation) return failure('unknown-tool', `There is no tool ${oneLine(call.name)}.`)
    const request = requestOf(operation, call.arguments)
    if ('text' in request) return request
    const started = now?.()
    const reply = await replyTo(request, operation, options)
    if ('text' in reply) return reply
    const { shown, more } = bounded(reply.reply, parts.replyLimit)
    const elapsedMs = started === undefined || !now ? null : now() - started
    return { text: shown + moreText(more), error: errorOf(reply.status), truth: null, elapsedMs }
  }
}

const failure = (error: ToolErrorKind, text: string): ToolReply => ({ text, error, truth: null, elapsedMs: null })

function errorOf(status: number): ToolErrorKind | null {
  if (status < 400) return null
  if (status === 404) return 'no-result'
  if (status === 429) return 'quota'
  return status === 400 || status === 422 ? 'bad-arguments' : status >= 500 ? 'unavailable' : 'failed'
}

/** The request of a call, or what is wrong with its arguments. */
function requestOf({ method, template, inPath, inQuery, tool }: Operation, given: ToolCall['arguments']): Request | ToolReply {
  const known = new Set([...inPath, ...inQuery])
  const unknown = Object.keys(given).filter((name) => !known.has(name))
  if (unknown.length > 0) return failure('bad-arguments', `${tool.name} has no parameter ${oneLine(unknown.join(', '))}.`)
  const parameters = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null && value !== undefined && value !== ''))
  const missing = tool.parameters.filter(({ name, required }) => required && !(name in parameters)).map(({ name }) => name)
  if (missing.length > 0) return failure('bad-arguments', `${tool.name} needs ${missing.join(', ')}.`)
  return { method, template, parameters }
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(textOf).join(',')
  return typeof value === 'string' ? value : JSON.stringify(value)
}

async function ask(
  { api, key, keyHint, fetch }: ServerParts,
  request: Request,
  { inPath, inQuery }: Operation,
  { signal }: Cancellable,
): Promise<RecordedReply | ToolReply> {
  if (!fetch) return failure('unavailable', 'There is no network here, and the reply is not recorded.')
  if (api.key && key === null) return failure('unavailable', `The reply is not recorded, and the API needs a key: ${keyHint}.`)
  const path = inPath.reduce(
    (text, name) => text.replace(`{${name}}`, encodeURIComponent(textOf(request.parameters[name]))),
    request.template,
  )
  const url = new URL(`${api.server}${path}`)
  for (const name of inQuery) if (name in request.parameters) url.searchParams.set(name, textOf(request.parameters[name]))
  const headers: Record<string, string> = { accept: 'application/json' }
  if (api.key && key !== null) {
    if (api.key.in === 'header') headers[api.key.name] = key
    else url.searchParams.set(api.key.name, key)
  }
  try {
    const response = await fetch(url.href, { method: request.method, headers, ...(signal ? { signal } : {}) })
    return { ...request, status: response.status, reply: await response.text() }
  } catch (error) {
    signal?.throwIfAborted()
    const said = error instanceof Error ? error.message : String(error)
    return failure('unavailable', `The API could not be reached: ${oneLine(key === null ? said : said.replaceAll(key, '…'))}`)
  }
}

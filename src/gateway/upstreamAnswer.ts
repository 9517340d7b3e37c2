/**
 * What a model server answers, as the page gets it: JSON or an event stream and nothing else, so that nothing a server sends is ever a document,
 * script or style of this origin; and without the key, wherever and however the server repeats it.
 */
import { maskJson, maskLoosely, type Mask } from '../base/maskSecret'
import { failure } from './failure'
import { joined, timer } from './requestBody'

export interface AnswerParts {
  readonly host: string
  readonly mask: Mask
  /** For which the server may say nothing. */
  readonly silenceMs: number
}

const MAX_ANSWER_BYTES = 32 * 2 ** 20
/** The maximum length of a line of an event stream. */
const MAX_LINE_CHARS = 2 ** 20
/** The maximum length of an error's sentence that is passed on. */
const MAX_SENTENCE_CHARS = 300

export async function answerOf(response: Response, parts: AnswerParts): Promise<Response> {
  const { host } = parts
  const type = (response.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
  const { status } = response
  if (response.type === 'opaqueredirect' || (status >= 300 && status < 400)) {
    await response.body?.cancel()
    return failure(
      502,
      'upstream_redirects',
      `The model server at ${host} redirects requests elsewhere: set OPENAI_BASE_URL to where it leads.`,
    )
  }
  const headers = passedHeaders(response, parts.mask)
  if (type === 'text/event-stream' && response.body) {
    return new Response(maskedEvents(response.body, parts), {
      status,
      headers: { ...headers, 'content-type': 'text/event-stream; charset=utf-8' },
    })
  }
  const text = await wholeText(response, parts)
  if (text === null) return failure(502, 'upstream_too_much', `The model server at ${host} sent too much, or stopped in the middle.`)
  const json = type === 'application/json' || type.endsWith('+json') ? maskJson(text, parts.mask) : null
  if (json !== null) return new Response(json, { status, headers: { ...headers, 'content-type': 'application/json; charset=utf-8' } })
  return wordsOf(text, { ok: response.ok, status, type, headers }, parts)
}

/** An error in words becomes an error of the gateway that quotes them; anything else that is not JSON stays behind. */
function wordsOf(
  text: string,
  { ok, status, type, headers }: { ok: boolean; status: number; type: string; headers: Readonly<Record<string, string>> },
  { host, mask }: AnswerParts,
): Response {
  const said = type === 'text/plain' ? maskLoosely(text, mask).trim().slice(0, MAX_SENTENCE_CHARS) : ''
  const kind = /^[\w.+-]+\/[\w.+-]+$/.test(type) ? mask(type) : 'something unnamed'
  const refused = ok
    ? failure(502, 'upstream_not_json', `The model server at ${host} answered with ${kind} instead of JSON. Check OPENAI_BASE_URL.`)
    : failure(status, 'upstream_error', said === '' ? `The model server at ${host} answered with status ${status}.` : said)
  for (const [name, value] of Object.entries(headers)) refused.headers.set(name, value)
  return refused
}

/** Of the server's headers only these reach the page. */
function passedHeaders({ headers }: Response, mask: Mask): Record<string, string> {
  const retryAfter = headers.get('retry-after') ?? ''
  const requestId = maskLoosely(headers.get('x-request-id') ?? '', mask)
  return {
    ...(/^\d{1,9}$/.test(retryAfter) || !Number.isNaN(Date.parse(retryAfter)) ? { 'retry-after': mask(retryAfter) } : {}),
    ...(/^[\x21-\x7e]{1,200}$/.test(requestId) ? { 'x-request-id': requestId } : {}),
  }
}

/** Null when it is too much, breaks off, or stops coming. */
async function wholeText({ body }: Response, { silenceMs }: AnswerParts): Promise<string | null> {
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of chunksOf(body, silenceMs)) {
      size += chunk.byteLength
      if (size > MAX_ANSWER_BYTES) return null
      chunks.push(chunk)
    }
  } catch {
    return null
  }
  return new TextDecoder().decode(joined(chunks, size))
}

/** Lets the connection go when the loop is left. Throws when nothing comes for too long. */
async function* chunksOf(body: ReadableStream<Uint8Array> | null, silenceMs: number): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader()
  if (!reader) return
  try {
    for (;;) {
      const late = timer(silenceMs)
      const next = await Promise.race([reader.read(), late.passed])
      late.clear()
      if (next === 'late') throw new Error('silent')
      if (next.done) return
      yield next.value
    }
  } finally {
    void reader.cancel().catch(() => undefined)
  }
}

/** An event stream line by line: a key may be cut by the packets it comes in, never by a line. */
function maskedEvents(body: ReadableStream<Uint8Array>, { mask, silenceMs }: AnswerParts): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  const lines = maskedLines(chunksOf(body, silenceMs), mask)
  return new ReadableStream({
    async pull(controller) {
      const next = await lines.next().catch(() => ({ value: undefined }))
      if (next.value === undefined) controller.close()
      else controller.enqueue(encoder.encode(next.value))
    },
    async cancel() {
      await lines.return(undefined)
    },
  })
}

async function* maskedLines(chunks: AsyncGenerator<Uint8Array>, mask: Mask): AsyncGenerator<string, undefined> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > MAX_LINE_CHARS) return undefined
    if (lines.length > 0) yield lines.map((line) => `${maskedLine(line, mask)}\n`).join('')
  }
  rest += decoder.decode()
  if (rest !== '') yield maskedLine(rest, mask)
  return undefined
}

function maskedLine(line: string, mask: Mask): string {
  const [, field = '', value = line] = /^(data: ?)(.*)$/s.exec(line) ?? []
  return field + (maskJson(value, mask) ?? maskLoosely(value, mask))
}

/** The body of a request: JSON of a sane size, which arrives in time. */
import { failure } from './failure'

export interface BodyLimits {
  readonly bytes: number
  /** For the whole body. */
  readonly ms: number
}

/** Only JSON, and exactly that: other types can be sent across origins without asking first. */
const JSON_TYPE = /^application\/json(?:\s*;\s*charset="?utf-8"?)?\s*$/i

/**
 * The text, or the refusal. No more than the limit is ever kept, whatever Content-Length says or leaves out; what is left unread is thrown away
 * by the server, which closes the connection where it is much.
 */
export async function readBody(request: Request, limits: BodyLimits): Promise<string | Response> {
  if (!JSON_TYPE.test(request.headers.get('content-type')?.trim() ?? ''))
    return failure(415, 'not_json', 'The request must have the content type application/json.')
  const tooLarge = (): Response => failure(413, 'too_large', `The request is larger than ${limits.bytes / 2 ** 20} MB.`)
  if (Number(request.headers.get('content-length') ?? 0) > limits.bytes) return tooLarge()
  const reader = request.body?.getReader()
  if (!reader) return ''
  const late = timer(limits.ms)
  try {
    const chunks: Uint8Array[] = []
    let size = 0
    for (;;) {
      const next = await Promise.race([reader.read(), late.passed])
      if (next === 'late') return failure(408, 'too_slow', `The body of the request did not arrive within ${limits.ms / 1000} s.`)
      if (next.done) return new TextDecoder().decode(joined(chunks, size))
      size += next.value.byteLength
      if (size > limits.bytes) return tooLarge()
      chunks.push(next.value)
    }
  } catch {
    return failure(400, 'broken_body', 'The body of the request broke off.')
  } finally {
    late.clear()
  }
}

/** Resolves to 'late' after a time, unless it is cleared before. */
export function timer(ms: number): { readonly passed: Promise<'late'>; clear(): void } {
  let handle: ReturnType<typeof setTimeout> | undefined
  const passed = new Promise<'late'>((resolve) => {
    handle = setTimeout(() => {
      resolve('late')
    }, ms)
  })
  return {
    passed,
    clear: () => {
      clearTimeout(handle)
    },
  }
}

export function joined(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.byteLength
  }
  return whole
}

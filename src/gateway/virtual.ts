/**
 * `POST /virtual`, as StableToolBench's server offers it. `hone serve` offers it only when it was given tools or a cache.
 *
 * Its clients send no token of ours: they know `toolbench_key` alone. The token protects keys and the conversations sent with them. Here a
 * request names an API and its arguments, nothing else; it reaches the recorded replies, and the model and the real APIs that were named
 * when the server was started. So every program of this computer may ask, and pages of other origins may not.
 */
import { readBody } from './requestBody'

/** Answers the text of a request's body with a status and a JSON text. */
export type VirtualHandler = (body: string, signal: AbortSignal) => Promise<{ readonly status: number; readonly body: string }>

const MAX_BODY_BYTES = 8 * 2 ** 20

export async function virtualAnswer(handler: VirtualHandler, request: Request, { bodyMs }: { readonly bodyMs: number }): Promise<Response> {
  const body = await readBody(request, { bytes: MAX_BODY_BYTES, ms: bodyMs })
  if (body instanceof Response) return body
  const { status, body: text } = await handler(body, request.signal)
  return new Response(text, { status, headers: { 'content-type': status === 500 ? 'text/plain' : 'application/json' } })
}

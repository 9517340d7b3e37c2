/** What the gateway says when it does not do what was asked. */

/** The error shape OpenAI clients read. */
export function failure(status: number, code: string, message: string): Response {
  return Response.json({ error: { message, type: 'gateway_error', code } }, { status })
}

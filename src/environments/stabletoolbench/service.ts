/** How an episode asks its tools: a tool server of its own, or one elsewhere that speaks `POST /virtual`. */
import { EnvironmentError } from '../environment'
import { dictOf } from './folderFile'
import type { AskService } from './step'
import { errorReply, readToolInput, TIMED_OUT, type ToolServer } from './toolServer'
import { INPUT_PARSE_ERROR } from './virtualApi'

const STRIP = 'truncate'

export const ownService =
  (server: ToolServer, signal: AbortSignal | undefined): AskService =>
  async ({ category, tool, api }, text) => {
    const input = readToolInput(text)
    if (input === null) return { status: 200, reply: errorReply(INPUT_PARSE_ERROR), source: null }
    const { reply, source, status } = await server.call({ category, toolName: tool, apiName: api, input, strip: STRIP }, signal)
    return source === 'none' && reply.get('error') === TIMED_OUT ? 'timeout' : { status, reply, source }
  }

export interface RemoteServiceParts {
  readonly url: string
  readonly fetch: (url: string, init?: RequestInit) => Promise<Response>
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

/** As StepTool's environment asks: the key stands in a header and in the body, and is empty where the server needs none. */
export const remoteService =
  ({ url, fetch, timeoutMs, signal }: RemoteServiceParts): AskService =>
  async ({ category, tool, api }, input) => {
    const late = AbortSignal.timeout(timeoutMs)
    const body = { category, tool_name: tool, api_name: api, tool_input: input, strip: STRIP, toolbench_key: '' }
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', toolbench_key: '' },
        body: JSON.stringify(body),
        signal: signal ? AbortSignal.any([late, signal]) : late,
      })
      const text = await response.text()
      return { status: response.status, reply: dictOf(text), source: null }
    } catch (error) {
      signal?.throwIfAborted()
      if (late.aborted) return 'timeout'
      const said = error instanceof Error ? error.message.replace(/\.$/, '') : String(error)
      throw new EnvironmentError(
        'unavailable',
        `The tool server at ${url} could not be reached: ${said}. Start it, or clear service_url to use the folder’s own cache.`,
      )
    }
  }

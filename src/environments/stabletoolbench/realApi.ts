/** The real APIs behind ToolBench's server. They are asked only with the key that the user set. */
import { dumpsPython } from '../../base/pythonJson'
import { dict, dictOf } from './folderFile'
import type { RealApi } from './toolServer'

export interface RealApiParts {
  readonly url: string
  /** It is sent to this address alone. */
  readonly key: string
  readonly fetch: (url: string, init?: RequestInit) => Promise<Response>
}

export const realApi =
  ({ url, key, fetch }: RealApiParts): RealApi =>
  async ({ category, toolName, apiName, input, strip }, { signal }) => {
    const body = dict({ category, tool_name: toolName, api_name: apiName, tool_input: input, strip, toolbench_key: key })
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', toolbench_key: key },
      body: dumpsPython(body),
      // The key must not be sent to the target of a redirect.
      redirect: 'error',
      ...(signal ? { signal } : {}),
    })
    return { status: response.status, reply: dictOf(await response.text()) }
  }

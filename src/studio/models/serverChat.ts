/** Models behind servers, as judges, simulators and agents use them. The key stays in memory. */
import { createOpenaiChat } from '../../agents/openaiChat'
import type { ChatModel } from '../../agents/chatModel'
import { normaliseBaseUrl } from '../../base/serverAddress'
import type { FetchLedger } from '../../network/fetchLedger'
import type { ServerModel } from '../../records/requests'
import type { Reply } from '../../worker/protocol'
import { accept, refuse, sentenceOf } from '../failure'

export interface ServerChatParts {
  readonly ledger: Pick<FetchLedger, 'fetch' | 'allow'>
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
  readonly nowMs: () => number
}

/** Requests to a server at a time, unless its settings say otherwise. */
export const REQUESTS_AT_ONCE = 4

/** Opens no connection. Naming a server is what allows it. Refuses an address that is none, and a model without a name. */
export function openServerChat(
  { baseUrl, model, apiKey }: Pick<ServerModel, 'baseUrl' | 'model' | 'apiKey'>,
  { ledger, sleep, nowMs }: ServerChatParts,
): Reply<ChatModel & { readonly host: string }> {
  if (model.trim() === '') return refuse('settings', 'The server needs the name of a model.')
  try {
    const address = normaliseBaseUrl(baseUrl)
    ledger.allow(address)
    const chat = createOpenaiChat({
      ...{ baseUrl: address, model: model.trim(), apiKey: apiKey.trim() },
      ...{ fetch: ledger.fetch, sleep, now: nowMs },
    })
    return accept({ ...chat, host: new URL(address).host })
  } catch (error) {
    return refuse('settings', sentenceOf(error))
  }
}

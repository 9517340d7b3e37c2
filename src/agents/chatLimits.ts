/** Requests to a server: so many at a time, and the sum of what they used. */
import type { ChatModel, ChatReply } from './chatModel'

export interface ChatUsage {
  requests: number
  /** As far as the server counts them. */
  promptTokens: number
  completionTokens: number
  /** Answers of which the server did not say how many tokens they had. */
  uncounted: number
}

export interface MeteredChat extends ChatModel {
  readonly usage: Readonly<ChatUsage>
}

/** @param atOnce requests that are under way together; the others wait in the order in which they came. */
export function limitChat(chat: ChatModel, atOnce: number): MeteredChat {
  const usage: ChatUsage = { requests: 0, promptTokens: 0, completionTokens: 0, uncounted: 0 }
  const waiting: (() => void)[] = []
  let free = atOnce
  const count = (reply: ChatReply): void => {
    usage.requests += 1
    if (!reply.ok) return
    const { promptTokens, completionTokens } = reply.value
    if (promptTokens === null || completionTokens === null) usage.uncounted += 1
    usage.promptTokens += promptTokens ?? 0
    usage.completionTokens += completionTokens ?? 0
  }
  return {
    model: chat.model,
    host: chat.host,
    usage,
    async complete(request) {
      if (free > 0) free -= 1
      else await new Promise<void>((resolve) => waiting.push(resolve))
      try {
        if (request.signal?.aborted) return { ok: false, code: 'aborted', message: 'The request was cancelled.' }
        const reply = await chat.complete(request)
        count(reply)
        return reply
      } finally {
        const next = waiting.shift()
        if (next) next()
        else free += 1
      }
    },
  }
}

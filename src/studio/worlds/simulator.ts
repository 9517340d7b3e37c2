/** A chat model behind a server that plays a tool server. */
import { limitChat } from '../../agents/chatLimits'
import type { Simulate } from '../../environments/worldParts'
import type { ServerModel } from '../../records/requests'
import type { Reply } from '../../worker/protocol'
import { accept } from '../failure'
import { openServerChat, REQUESTS_AT_ONCE, type ServerChatParts } from '../models/serverChat'

/** Refuses settings that do not fit. The simulator rejects with the server's own sentence. */
export function openSimulator(settings: ServerModel, parts: ServerChatParts): Reply<Simulate> {
  const opened = openServerChat(settings, parts)
  if (!opened.ok) return opened
  const chat = limitChat(opened.value, settings.concurrency ?? REQUESTS_AT_ONCE)
  return accept(async (messages, { maxTokens, ...options }) => {
    const reply = await chat.complete({ messages: messages.map(({ role, content }) => ({ role, content })), maxTokens, ...options })
    if (!reply.ok) throw new Error(reply.message)
    return reply.value.text
  })
}

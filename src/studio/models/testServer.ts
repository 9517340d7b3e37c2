/** Whether a model behind a server answers, and whether it calls tools: one small question, before hundreds are asked. */
import type { ChatTool } from '../../agents/chatModel'
import type { ServerModel } from '../../records/requests'
import type { Reply } from '../../worker/protocol'
import { accept, refuse } from '../failure'
import { openServerChat, type ServerChatParts } from './serverChat'

const add: ChatTool = {
  name: 'add',
  description: 'Adds two numbers.',
  parameters: { type: 'object', properties: { a: { type: 'number' }, b: { type: 'number' } }, required: ['a', 'b'] },
}
/** Enough for a model that thinks before it answers. */
const MOST_TOKENS = 1024

/** @param asksForCall whether the model will act with tools, and so has to call one. */
export async function testServer(settings: ServerModel, asksForCall: boolean, parts: ServerChatParts): Promise<Reply<string>> {
  const opened = openServerChat(settings, parts)
  if (!opened.ok) return opened
  const { model } = settings
  const reply = await opened.value.complete({
    messages: [{ role: 'user', content: asksForCall ? 'Add 17 and 25 with the tool add.' : 'Answer with the word ready.' }],
    ...(asksForCall ? { tools: [add] } : {}),
    ...{ temperature: 0, maxTokens: settings.maxTokens ?? MOST_TOKENS },
    ...(settings.stream ? { onText: () => undefined } : {}),
  })
  if (!reply.ok) return refuse(reply.code, reply.message)
  const { toolCalls, text, finishReason } = reply.value
  if (toolCalls.length > 0) return accept(`${model} answered, and called the tool that it was asked to call.`)
  if (finishReason === 'length') return refuse('cut-off', `${model} reached the token limit before its answer was complete.`)
  if (asksForCall && settings.textFormat === undefined)
    return refuse('no-call', `${model} answered without calling the tool that it was asked to call.`)
  if (text.trim() === '') return refuse('prose', `${model} answered with an empty text.`)
  return accept(asksForCall ? `${model} answered with text. Calls are read out of it.` : `${model} answered.`)
}

/** A model behind a server as an agent: the conversation is a list of messages, and calls come as the server's own `tool_calls`. */
import type { ConversationMessage } from '../environments/conversation'
import { argumentsSchema } from '../environments/toolSchema'
import type { ToolCall, ToolSpec } from '../records/trajectory'
import { AgentError, type AgentLimits, type AgentSession, type SampledTurn } from './agent'
import type { CallFormat, NextMessage, ParsedTurn } from './callFormats/callFormat'
import type { ChatAnswer, ChatErrorCode, ChatMessage, ChatModel, ChatTokens, ChatTool, ChatToolCall } from './chatModel'

export interface ServerAgentOptions extends AgentLimits {
  readonly chat: ChatModel
  readonly topP?: number
  readonly seed?: number
  /** Asks for token ids and log-probabilities, and fails with a sentence where the server does not give them. */
  readonly wantsTokens?: boolean
  /** Reads calls out of the text of servers that do not do it themselves; when absent, such a text is an answer. */
  readonly textFormat?: Pick<CallFormat, 'parse'>
  /** Receives the text piece by piece; when absent, answers come at once. */
  readonly onText?: (piece: string) => void
  readonly signal?: AbortSignal
}

/** Refusals that every other request would meet too. */
const FATAL: ReadonlySet<ChatErrorCode> = new Set(['unauthorised', 'forbidden', 'not-found', 'redirected', 'host-not-allowed', 'aborted'])
const IS_TOO_LONG =
  /context (?:length|window|size)|maximum (?:context|model|input)|too (?:long|many tokens)|exceed\w* .{0,40}(?:context|tokens)|n_ctx/i

interface Conversation {
  readonly tools: readonly ChatTool[]
  readonly messages: readonly ChatMessage[]
  /** Calls of the last turn that have no reply yet. */
  readonly open: readonly ChatToolCall[]
  /** Ids of everything so far; null where they are not known. */
  readonly ids: readonly number[] | null
}

const nothingSaid: Conversation = { tools: [], messages: [], open: [], ids: [] }

export const openServerAgent = (options: ServerAgentOptions): AgentSession => sessionFrom(nothingSaid, options, options.seed)

function sessionFrom(start: Conversation, options: ServerAgentOptions, seed: number | undefined): AgentSession {
  let past = start
  const sample = async (added: readonly ChatMessage[], tools: readonly ChatTool[]): Promise<SampledTurn | null> => {
    const messages = [...past.messages, ...added]
    const { chat, temperature, topP, maxNewTokens, wantsTokens, onText, signal } = options
    const reply = await chat.complete({
      messages,
      ...(tools.length === 0 ? {} : { tools }),
      ...{ temperature, maxTokens: maxNewTokens },
      ...(topP === undefined ? {} : { topP }),
      ...(seed === undefined ? {} : { seed }),
      ...(wantsTokens ? { wantsTokens } : {}),
      ...(onText ? { onText } : {}),
      ...(signal ? { signal } : {}),
    })
    if (!reply.ok) {
      signal?.throwIfAborted()
      if (reply.code === 'bad-request' && IS_TOO_LONG.test(reply.message)) return null
      throw new AgentError(reply.code, reply.message, FATAL.has(reply.code))
    }
    const turn = turnOf(reply.value, added, past.ids, options)
    past = {
      tools,
      messages: [...messages, { role: 'assistant', content: reply.value.text, toolCalls: reply.value.toolCalls }],
      open: reply.value.toolCalls,
      ids: reply.value.tokens ? [...reply.value.tokens.promptIds, ...reply.value.tokens.ids] : null,
    }
    return turn
  }
  return {
    open: ({ tools, conversation }) => sample(conversation.map(openingMessage), tools.map(chatTool)),
    next: (messages) => sample(answersTo(past.open, messages), past.tools),
    append(said, turn) {
      const added = 'tools' in said ? said.conversation.map(openingMessage) : answersTo(past.open, said)
      if ('tools' in said) past = { ...past, tools: said.tools.map(chatTool) }
      const text = textOf(added)
      // Ids are known only where the turn read the same words.
      past = withTurn(text === turn.prompt ? past : { ...past, ids: null }, added, turn)
      return { text, ids: null }
    },
    fork: (branch) => Promise.resolve(sessionFrom(past, options, seed === undefined ? undefined : seed + branch)),
    close: () => undefined,
  }
}

/** The conversation after a turn that another session sampled. */
function withTurn(past: Conversation, added: readonly ChatMessage[], { parsed, tokens }: SampledTurn): Conversation {
  const place = past.messages.length + added.length
  const toolCalls = parsed.calls.map(({ name, arguments: given }, at) => ({
    ...{ id: `call-${place}-${at}`, name },
    arguments: JSON.stringify(given),
  }))
  return {
    tools: past.tools,
    messages: [...past.messages, ...added, { role: 'assistant', content: parsed.content, toolCalls }],
    open: toolCalls,
    ids: past.ids && tokens ? [...past.ids, ...tokens.prompt_ids, ...tokens.completion_ids] : null,
  }
}

const textOf = (messages: readonly ChatMessage[]): string => messages.map(({ content }) => content).join('\n\n')

const openingMessage = ({ role, content }: ConversationMessage): ChatMessage => ({ role, content })

const chatTool = (tool: ToolSpec): ChatTool => ({ name: tool.name, description: tool.description, parameters: argumentsSchema(tool) })

/** Replies belong to the calls in their order; a reply to a call that was only written as text comes as words of the user. */
function answersTo(calls: readonly ChatToolCall[], messages: readonly NextMessage[]): ChatMessage[] {
  let at = 0
  return messages.map(({ role, content }) => {
    const call = role === 'tool' ? calls[at++] : undefined
    return call ? { role: 'tool', toolCallId: call.id, content } : { role: 'user', content }
  })
}

function turnOf(
  answer: ChatAnswer,
  added: readonly ChatMessage[],
  past: readonly number[] | null,
  { wantsTokens, textFormat }: ServerAgentOptions,
): SampledTurn {
  const { text, toolCalls, reasoning } = answer
  const said = (role: 'system' | 'user'): string[] => added.filter((one) => one.role === role).map(({ content }) => content)
  const [system, user] = [said('system'), said('user')]
  return {
    parsed: parsedTurn(answer, textFormat),
    prompt: textOf(added),
    completion: [reasoning, text, ...toolCalls.map(({ name, arguments: given }) => `${name}(${given})`)]
      .filter((part) => part !== '')
      .join('\n'),
    said: { ...(system.length === 0 ? {} : { system: system.join('\n\n') }), ...(user.length === 0 ? {} : { user: user.join('\n\n') }) },
    tokens: wantsTokens ? newTokens(answer.tokens, past) : null,
    isTruncated: answer.finishReason === 'length',
  }
}

function parsedTurn({ text, toolCalls, reasoning }: ChatAnswer, textFormat: ServerAgentOptions['textFormat']): ParsedTurn {
  if (toolCalls.length > 0) return { content: text, reasoning, calls: toolCalls.map(callOf) }
  if (!textFormat) return { content: text, reasoning, calls: [], answer: text }
  const read = textFormat.parse(text)
  return reasoning === '' ? read : { ...read, reasoning: [reasoning, read.reasoning].filter((part) => part !== '').join('\n') }
}

/** Arguments that are no JSON object make a call with an error, which the environment answers. */
function callOf({ name, arguments: text }: ChatToolCall): ToolCall {
  const value = jsonOf(text)
  // Some proxies encode the arguments twice.
  const given = typeof value === 'string' ? jsonOf(value) : value
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return { name, arguments: given as Record<string, unknown> }
  return { name, arguments: {}, error: `expected a JSON object as arguments, found ${JSON.stringify(text.slice(0, 80))}` }
}

function jsonOf(text: string): unknown {
  try {
    return text.trim() === '' ? {} : JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The ids that this turn added. Throws an AgentError if they are not known, or if the server changed the conversation before them. */
function newTokens(tokens: ChatTokens | null, past: readonly number[] | null): SampledTurn['tokens'] {
  if (!tokens || !past)
    throw new AgentError(
      'no-tokens',
      'The server does not give token ids and log-probabilities, which reinforcement learning needs. vLLM does from version 0.10.2 on (return_token_ids).',
      true,
    )
  if (past.some((id, at) => tokens.promptIds[at] !== id))
    throw new AgentError(
      'changed-tokens',
      'The server’s chat template writes earlier turns in another way than the model did, so its token ids cannot be trained on. Use a template that keeps them.',
      true,
    )
  return {
    prompt_ids: tokens.promptIds.slice(past.length),
    completion_ids: tokens.ids,
    completion_logprobs: tokens.logprobs,
    policy_version: 0,
  }
}

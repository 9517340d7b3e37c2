/** A chat completion as it is sent: the request in OpenAI's format, and the answer in the formats of compatible servers. */
import { z } from 'zod'
import type { ChatAnswer, ChatMessage, ChatRequest, ChatToolCall } from './chatModel'
import { completionTokens, readTokens } from './chatTokens'

/** Fields that some servers refuse: how each request is written. */
export interface RequestDialect {
  /** OpenAI's newer models accept max_tokens only under another name. */
  readonly tokenField: 'max_tokens' | 'max_completion_tokens'
  /** Mistral refuses unknown fields. */
  readonly sendsSeed: boolean
}

export function requestBody(
  model: string,
  { messages, tools, forcedTool, temperature, topP, maxTokens, seed, wantsTokens, onText }: ChatRequest,
  { tokenField, sendsSeed }: RequestDialect,
): unknown {
  return {
    model,
    messages: messages.map(wireMessage),
    ...(tools
      ? { tools: tools.map(({ name, description, parameters }) => ({ type: 'function', function: { name, description, parameters } })) }
      : {}),
    ...(forcedTool === undefined ? {} : { tool_choice: { type: 'function', function: { name: forcedTool } } }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { top_p: topP }),
    ...(maxTokens === undefined ? {} : { [tokenField]: maxTokens }),
    ...(seed === undefined || !sendsSeed ? {} : { seed }),
    ...(wantsTokens ? { return_token_ids: true, logprobs: true } : {}),
    ...(onText ? { stream: true, stream_options: { include_usage: true } } : {}),
  }
}

function wireMessage(message: ChatMessage): unknown {
  if (message.role === 'tool') return { role: 'tool', tool_call_id: message.toolCallId, content: message.content }
  if (message.role !== 'assistant' || !message.toolCalls?.length) return { role: message.role, content: message.content }
  return {
    role: 'assistant',
    content: message.content,
    tool_calls: message.toolCalls.map((call) => ({
      id: call.id,
      type: 'function',
      function: { name: call.name, arguments: call.arguments },
    })),
  }
}

/**
 * How to rewrite a request that a server refused as `sent`; null if no other way is known. The server names the field in its
 * sentence: "Unsupported parameter: 'max_tokens' … Use 'max_completion_tokens' instead", or `body.seed: Extra inputs are not permitted`.
 */
export function dialectAfterRefusal(sent: RequestDialect, said: string): RequestDialect | null {
  const other = sent.tokenField === 'max_tokens' ? 'max_completion_tokens' : 'max_tokens'
  const namesOther = sent.tokenField === 'max_tokens' && said.includes(other)
  if (namesOther || isRefused(sent.tokenField, said)) return { ...sent, tokenField: other }
  return sent.sendsSeed && isRefused('seed', said) ? { ...sent, sendsSeed: false } : null
}

function isRefused(field: string, said: string): boolean {
  const why = String.raw`(?:not (?:support(?:ed)?|permitted|allowed|recogni[sz]ed|accepted)|unsupported|un(?:known|recogni[sz]ed|expected)|extra|forbidden|invalid (?:parameter|argument|field))`
  return new RegExp(String.raw`\b${field}\b.{0,80}${why}|${why}.{0,80}\b${field}\b`, 'is').test(said)
}

const functionCall = z.object({ name: z.string(), arguments: z.unknown().optional() })
const toolCall = z.object({ id: z.string().nullish(), function: functionCall.nullish() })
const completion = z.object({
  choices: z
    .array(
      z.object({
        message: z.object({
          content: z.unknown().optional(),
          refusal: z.string().nullish(),
          /** vLLM, DeepSeek and llama.cpp use the first name, OpenRouter and newer vLLM the second. */
          reasoning_content: z.string().nullish(),
          reasoning: z.string().nullish(),
          tool_calls: z.array(toolCall).nullish(),
          /** The older field, for servers that do not support tool calls. */
          function_call: functionCall.nullish(),
        }),
        finish_reason: z.string().nullish(),
        ...completionTokens.choice,
      }),
    )
    .min(1),
  ...completionTokens.body,
  usage: z.object({ prompt_tokens: z.number().nullish(), completion_tokens: z.number().nullish() }).nullish(),
})

/** Reads an answer. If it is not valid, the result names the place that is wrong. */
export function readCompletion(
  body: unknown,
): { readonly ok: true; readonly value: ChatAnswer } | { readonly ok: false; readonly place: string } {
  const read = completion.safeParse(body)
  const choice = read.data?.choices[0]
  if (!read.success || !choice) {
    const [issue] = read.error?.issues ?? []
    return { ok: false, place: issue && issue.path.length > 0 ? ` (${issue.path.join('.')}: ${issue.message})` : '' }
  }
  const { content, refusal, reasoning_content, reasoning, tool_calls, function_call } = choice.message
  const { usage } = read.data
  return {
    ok: true,
    value: {
      text: textOf(content) || (refusal ?? ''),
      reasoning: reasoning_content ?? reasoning ?? '',
      toolCalls: [...(tool_calls ?? []), ...(function_call ? [{ id: null, function: function_call }] : [])].flatMap(callOf),
      tokens: readTokens(read.data, choice),
      finishReason: choice.finish_reason ?? null,
      promptTokens: usage?.prompt_tokens ?? null,
      completionTokens: usage?.completion_tokens ?? null,
    },
  }
}

function callOf(call: z.output<typeof toolCall>, index: number): ChatToolCall[] {
  if (!call.function) return []
  const { name, arguments: given } = call.function
  // Ollama and some proxies send the arguments as an object.
  return [{ id: call.id ?? `call-${String(index)}`, name, arguments: typeof given === 'string' ? given : JSON.stringify(given ?? {}) }]
}

/** Mistral and others write content as a list of parts; reasoning is in parts of another type. */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  return content.map((part: unknown) => (typeof part === 'string' ? part : (textPart.safeParse(part).data?.text ?? ''))).join('')
}
const textPart = z.object({ type: z.enum(['text', 'output_text']).default('text'), text: z.string() })

/** The seam to a language model that speaks in messages: a server, or a local model behind the same shape. */

export interface ChatToolCall {
  readonly id: string
  readonly name: string
  /** The JSON text as the model wrote it; it was not parsed and may be invalid. */
  readonly arguments: string
}

export type ChatMessage =
  | { readonly role: 'system' | 'user'; readonly content: string }
  | { readonly role: 'assistant'; readonly content: string; readonly toolCalls?: readonly ChatToolCall[] }
  | { readonly role: 'tool'; readonly toolCallId: string; readonly content: string }

export interface ChatTool {
  readonly name: string
  readonly description: string
  /** JSON Schema of the arguments. */
  readonly parameters: Readonly<Record<string, unknown>>
}

export interface ChatRequest {
  readonly messages: readonly ChatMessage[]
  readonly tools?: readonly ChatTool[]
  /** Name of the tool the model must call. */
  readonly forcedTool?: string
  /** 0 is greedy; left out, the server's default. */
  readonly temperature?: number
  readonly topP?: number
  readonly maxTokens?: number
  readonly seed?: number
  /** Asks for the ids of all tokens and the log-probabilities of those written, as vLLM gives them. */
  readonly wantsTokens?: boolean
  /** Receives the text piece by piece as the server writes it; when absent, the answer comes at once. */
  readonly onText?: (piece: string) => void
  readonly signal?: AbortSignal
}

/** Token ids of the whole prompt and of the answer, with log π of the latter in nats. */
export interface ChatTokens {
  readonly promptIds: readonly number[]
  readonly ids: readonly number[]
  readonly logprobs: readonly number[]
}

export interface ChatAnswer {
  readonly text: string
  /** What the model thought before its text, where the server keeps the two apart; else empty. */
  readonly reasoning: string
  readonly toolCalls: readonly ChatToolCall[]
  /** null where the server does not give them. */
  readonly tokens: ChatTokens | null
  readonly finishReason: string | null
  /** The server's count of tokens; null if it gives none. */
  readonly promptTokens: number | null
  readonly completionTokens: number | null
}

/** The reason why there is no answer. Each has its own sentence. */
export const chatErrorCodes = [
  'unauthorised',
  'forbidden',
  'not-found',
  'bad-request',
  'rate-limited',
  'server',
  'network',
  'redirected',
  'host-not-allowed',
  'timeout',
  'aborted',
  'malformed',
] as const
export type ChatErrorCode = (typeof chatErrorCodes)[number]

export type ChatReply =
  { readonly ok: true; readonly value: ChatAnswer } | { readonly ok: false; readonly code: ChatErrorCode; readonly message: string }

export interface ChatModel {
  readonly model: string
  /** The server to which text is sent; null for a model in this tab. */
  readonly host: string | null
  /** Expected failures are returned as values; the promise does not reject for them. */
  complete(request: ChatRequest): Promise<ChatReply>
}

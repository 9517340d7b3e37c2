/**
 * The seam to how a family of models writes calls and reads replies. A format says as text what the model's own chat template would
 * render, turn by turn, so that an agent appends token ids and never renders or tokenises the past again.
 */
import type { ConversationMessage } from '../../environments/conversation'
import type { ToolCall, ToolSpec } from '../../records/trajectory'
import type { PromptPack } from '../../records/promptPack'

/** The properties of a model by which a format recognises it. */
export interface FormatEvidence {
  /** The model's name, for sentences. */
  readonly title: string
  /** The Jinja source; null or absent if the checkpoint has none, or if it was not read. */
  readonly chatTemplate?: string | null
  /** Renders the chat template; absent or null if the checkpoint has none, or if it was not read. Throws an Error with the template's own words. */
  readonly renderChat?: RenderChat | null
  readonly tokenizer: {
    tokenId(token: string): number | null
    decode?(ids: readonly number[]): string
    /** Tokens that text from outside must not become. */
    readonly specialIds?: ReadonlySet<number>
  }
  /** The ids that end a text, as the configuration names them. */
  readonly config?: { readonly eos_token_ids?: readonly number[] | undefined }
  /** Name of the format that somebody chose; absent or null: the one that fits best. */
  readonly callFormat?: string | null
  /** Texts in place of our own. */
  readonly promptPack?: PromptPack | undefined
}

/** What a chat template is given: messages in OpenAI's shape, and tools as JSON Schemas. */
export type RenderChat = (input: {
  readonly messages: readonly { readonly role: string; readonly [key: string]: unknown }[]
  readonly tools?: readonly unknown[]
  readonly addGenerationPrompt?: boolean
}) => string

/** How well a format fits a model, and what is missing when it does not. */
export interface Recognition {
  /** 0: it does not fit; 1: it is certain. The surest format is taken. */
  readonly confidence: number
  /** Present when it does not fit: the words that follow "… needs", such as `the token <|tool|>`. */
  readonly needs?: string
}

/** A call as a model wrote it. */
export interface ParsedCall extends ToolCall {
  /** The id that the model gave the call, where its format has ids: the reply repeats it. */
  readonly id?: string
}

/** A completion that was read. */
export interface ParsedTurn {
  /** The agent's text besides its calls; in a final turn, the answer as the user reads it. */
  readonly content: string
  /** The agent's reasoning before its text; empty if the format has no such part. */
  readonly reasoning: string
  /** The calls it made, in order. Text that cannot be read as a call is one whose `error` says what was expected and found. */
  readonly calls: readonly ParsedCall[]
  /** Present when the turn ends the episode: the answer, or null when the model gave up. Calls in such a turn are not made. */
  readonly answer?: string | null
}

/** A message as text. Of an assistant's message `body` is what the model itself writes, with the token that ends it. */
export interface RenderedMessage {
  readonly header: string
  readonly body: string
}

/** What is said after a completion: a tool's reply to one of its calls, or words of the user. */
export interface NextMessage {
  readonly role: 'tool' | 'user'
  readonly content: string
  /** Of a reply: the tool, and the id that the model gave its call, for templates that write them. */
  readonly name?: string
  readonly callId?: string
}

/** A tool's reply to a call of the last turn. */
export const replyTo = (call: ParsedCall | undefined, content: string): NextMessage => ({
  ...{ role: 'tool', content },
  ...(call && call.name !== '' ? { name: call.name } : {}),
  ...(call?.id === undefined ? {} : { callId: call.id }),
})

/** An entry of the catalogue. */
export interface CallFormatDefinition {
  readonly name: string
  readonly title: string
  recognise(model: FormatEvidence): Recognition
  /** The format as this model's chat template renders it. Throws an Error with one sentence if the template cannot be used. */
  create(model: FormatEvidence): CallFormat
}

/** A format, bound to one model. */
export interface CallFormat {
  readonly name: string
  readonly title: string
  /** Special tokens after any of which generation stops. Each is one token of the vocabulary; the first ends what a script says. */
  readonly stopTokens: readonly [string, ...string[]]
  /** The one of them that ends a turn with calls, where it is not the first. */
  readonly callStopToken?: string
  /** How the model's prompts are made, in sentences: what its template says itself, and what was done where it lacks something. */
  readonly how: string
  /** The system message of `start`, without markers; null if `start` writes none. */
  system(tools: readonly ToolSpec[]): string | null
  /** Everything before the first completion. */
  start(tools: readonly ToolSpec[], conversation: readonly ConversationMessage[]): string
  /** The text after a completion: the tools' replies in the order of its calls, then words of the user, if any. */
  next(messages: readonly NextMessage[]): string
  /** Reads a completion. Never throws. */
  parse(completion: string): ParsedTurn
  /** Writes calls as this format's models do, without the stop token. */
  write(calls: readonly ToolCall[]): string
  /** Writes the turn that ends the episode with this answer, or with null by giving up, without the stop token. */
  answer(text: string | null): string
  /** One message by itself, for a template that renders every message alike; absent: the template has no such messages. */
  message?(role: 'system' | 'user' | 'assistant' | 'tool', content: string): RenderedMessage
}

/**
 * The seam to how a family of models writes calls and reads replies. A format says as text what the model's own chat template would
 * render, turn by turn, so that an agent appends token ids and never renders or tokenises the past again.
 */
import type { ToolCall, ToolSpec } from '../../records/trajectory'

/** The properties of a model by which a format recognises it. */
export interface FormatEvidence {
  /** The model's name, for sentences. */
  readonly title: string
  /** The Jinja source; null or absent if the checkpoint has none, or if it was not read. */
  readonly chatTemplate?: string | null
  readonly tokenizer: { tokenId(token: string): number | null }
}

/** How well a format fits a model, and what is missing when it does not. */
export interface Recognition {
  /** 0: it does not fit; 1: it is certain. The surest format is taken. */
  readonly confidence: number
  /** Present when it does not fit: the words that follow "… needs", such as `the token <|tool|>`. */
  readonly needs?: string
}

/** A completion that was read. */
export interface ParsedTurn {
  /** The agent's text besides its calls; in a final turn, the answer as the user reads it. */
  readonly content: string
  /** The agent's reasoning before its text; empty if the format has no such part. */
  readonly reasoning: string
  /** The calls it made, in order. Text that cannot be read as a call is one whose `error` says what was expected and found. */
  readonly calls: readonly ToolCall[]
  /** Present when the turn ends the episode: the answer, or null when the model gave up. Calls in such a turn are not made. */
  readonly answer?: string | null
}

/** A message as text. Of an assistant's message `body` is what the model itself writes, with the token that ends it. */
export interface RenderedMessage {
  readonly header: string
  readonly body: string
}

export interface CallFormat {
  readonly name: string
  readonly title: string
  recognise(model: FormatEvidence): Recognition
  /** Special tokens after any of which generation stops. Each is one token of the vocabulary; the first ends what a script says. */
  readonly stopTokens: readonly [string, ...string[]]
  /** The system message of `start`, without markers; null if `start` writes none. */
  system(tools: readonly ToolSpec[]): string | null
  /** Everything before the first completion. */
  start(tools: readonly ToolSpec[], query: string): string
  /** The text after a completion with calls: the tools' replies, in the order of the calls. */
  replies(texts: readonly string[]): string
  /** The text after a completion when the user speaks again. */
  userTurn(text: string): string
  /** Reads a completion. Never throws. */
  parse(completion: string): ParsedTurn
  /** Writes calls as this format's models do, without the stop token. */
  write(calls: readonly ToolCall[]): string
  message(role: 'system' | 'user' | 'assistant' | 'tool', content: string): RenderedMessage
}

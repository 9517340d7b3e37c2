/** The part of a call format that a family of models has of its own; the rest comes from the model's chat template. */
import type { ToolCall, ToolSpec } from '../../records/trajectory'
import type { FormatEvidence, NextMessage, ParsedTurn, Recognition } from './callFormat'

/** The language of its calls, and the words for templates that do not teach it. */
export interface CallLanguage {
  readonly name: string
  readonly title: string
  recognise(model: FormatEvidence): Recognition
  /** Reads a completion without the token that ends it. Never throws. @param isReasoning whether the prompt opened the reasoning */
  parse(text: string, isReasoning: boolean): ParsedTurn
  write(calls: readonly ToolCall[], model: FormatEvidence): string
  /** The turn that ends the episode, where it is not the answer itself; null gives up. */
  readonly answer?: (text: string | null) => string
  /** For a template that takes no tools: how a call is written. */
  readonly howToCall: string
  /** When absent, replies without calls are the answer. */
  readonly finish?: string
  /** For a template that takes no tools; when absent, a JSON Schema a line. */
  readonly listTools?: (tools: readonly ToolSpec[]) => string
  /** Whether tools are always listed by `listTools`, and calls written by `write`, whatever the template can do. */
  readonly isOwnList?: boolean
  /** A reply inside a user's turn, for a template without a role for tools. */
  reply(message: NextMessage): string
  /** Roles for replies, tried in order; when absent, `tool`. */
  readonly replyRoles?: readonly string[]
  /** Tokens that end a turn, besides those that the template and the configuration name. */
  readonly stopTokens?: readonly string[]
  /** The user's first words as the family is used to them; when absent, as they are. */
  readonly query?: (text: string) => string
}

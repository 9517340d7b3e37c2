/** How an episode becomes text and a completion becomes a call. One per family of models. */
import type { ToolCall, ToolSpec } from '../../records/trajectory'

export interface PromptFormat {
  /** Ends every message; generation stops after it. */
  readonly stopToken: string
  renderStart(tools: readonly ToolSpec[], query: string): string
  /** What is appended after a completion that ended with the stop token. */
  renderObservation(observation: string): string
  /** Never throws: a text that is no call comes back with `error`. */
  parseCompletion(text: string): ToolCall
  /** The answer of a final call: text, null for giving up, undefined when the call does not end the episode. */
  finalAnswer(call: ToolCall): string | null | undefined
}

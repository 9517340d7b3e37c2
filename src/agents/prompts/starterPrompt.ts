/**
 * The starter model's prompt, as text. It is what the chat template in tokenizer_config.json renders (a test holds the two
 * together): one single-token marker per role, so an agent appends ids and never renders the past again.
 */
import { FINISH, GIVE_UP, formatTools, parseCall } from '../../environments/starter/callSyntax'
import type { ToolCall, ToolSpec } from '../../records/trajectory'
import type { PromptFormat } from './promptFormat'

/** Ends every message; generation stops after it. */
export const stopToken = '<|end|>'

/** Everything before the first completion. */
export function renderStart(tools: readonly ToolSpec[], query: string): string {
  return `<|system|>${formatTools(tools)}${stopToken}<|user|>${query}${stopToken}<|assistant|>`
}

/** What follows a completion that ended with the stop token. */
export function renderObservation(observation: string): string {
  return `<|tool|>${observation}${stopToken}<|assistant|>`
}

/** Reads a completion as a call. Never throws. */
export function parseCompletion(text: string): ToolCall {
  const stop = text.indexOf(stopToken)
  return parseCall(stop < 0 ? text : text.slice(0, stop))
}

/** The answer of a final call: text, null for giving up, undefined when the call does not end the episode. */
export function finalAnswer(call: ToolCall): string | null | undefined {
  if (call.error !== undefined) return undefined
  if (call.name === GIVE_UP) return null
  if (call.name !== FINISH) return undefined
  return typeof call.arguments.answer === 'string' ? call.arguments.answer : null
}

export const starterPrompt: PromptFormat = { stopToken, renderStart, renderObservation, parseCompletion, finalAnswer }

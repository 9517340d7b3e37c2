/** What readers of calls share: errors in words, reasoning kept apart, JSON values inside running text. Nothing here throws, and all of it takes linear time. */
import { excerpt } from '../../base/excerpt'
import type { FormatEvidence, ParsedCall, ParsedTurn, Recognition } from './callFormat'

export const NO_TEMPLATE = 'a chat template'
export const NO_LESSON = 'another chat template'
/** The answer of a format that a model does not know. */
export const needsLesson = (renderChat: FormatEvidence['renderChat']): Recognition => ({
  confidence: 0,
  needs: renderChat ? NO_LESSON : NO_TEMPLATE,
})

/** Calls that are read of one turn. A turn of a model that repeats itself may hold thousands. */
export const MOST_CALLS = 64
/** Brackets within brackets. Deeper values are not read: later code walks through them by recursion. */
export const MOST_DEPTH = 64

/** Text that cannot be read as a call. */
export const badCall = (expected: string, found: string, name = ''): ParsedCall => ({
  ...{ name, arguments: {} },
  error: `expected ${expected}, found ${found === '' ? 'nothing' : excerpt(found, 60)}`,
})

export const tooManyCalls = (): ParsedCall => ({
  ...{ name: '', arguments: {} },
  error: `expected at most ${MOST_CALLS} calls in a turn, found more; those after the first ${MOST_CALLS} were not read`,
})

/** The turn that was read: without calls, its text is the answer; without either, nothing was answered. */
export function turnOf(reasoning: string, content: string, calls: readonly ParsedCall[]): ParsedTurn {
  const text = content.trim()
  const turn = { content: text, reasoning: reasoning.trim(), calls }
  return calls.length > 0 ? turn : { ...turn, answer: text === '' ? null : text }
}

const REASONING = [
  ['<think>', '</think>'],
  ['[THINK]', '[/THINK]'],
] as const

/** @param isOpen whether the prompt opened the reasoning, so that the text begins in it. */
export function splitReasoning(text: string, isOpen = false): { readonly reasoning: string; readonly rest: string } {
  for (const [open, close] of REASONING) {
    const start = text.trimStart()
    const isOpened = start.startsWith(open)
    const from = isOpened ? text.length - start.length + open.length : 0
    const end = text.indexOf(close, from)
    // Some prompts open the reasoning, so that the model writes only its end.
    if (end >= 0 && (isOpened || !text.slice(0, end).includes(open)))
      return { reasoning: text.slice(from, end), rest: text.slice(end + close.length) }
    if (end < 0 && isOpened) return { reasoning: text.slice(from), rest: '' }
  }
  return isOpen ? { reasoning: text, rest: '' } : { reasoning: '', rest: text }
}

/** Where the JSON object or list that begins at `from` ends; -1 when it has no end. */
export function valueEnd(text: string, from: number): number {
  let depth = 0
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      at = stringEnd(text, at)
      if (at < 0) return -1
    } else if (code === BRACE || code === BRACKET) depth++
    else if ((code === BRACE_END || code === BRACKET_END) && --depth === 0) return at + 1
  }
  return -1
}

const [QUOTE, BACKSLASH, BRACE, BRACE_END, BRACKET, BRACKET_END] = [0x22, 0x5c, 0x7b, 0x7d, 0x5b, 0x5d]

/** Where the closing quote of the string stands that opens at `from`; -1 when there is none. */
function stringEnd(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === BACKSLASH) at++
    else if (code === QUOTE) return at
  }
  return -1
}

export type Read = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly why: string }

/** JSON that is not nested too deeply; else what was expected and found. */
export function readJson(text: string): Read {
  if (isDeep(text)) return { ok: false, why: `expected JSON nested at most ${MOST_DEPTH} deep, found ${excerpt(text.trim(), 60)}` }
  try {
    return { ok: true, value: JSON.parse(text) as unknown }
  } catch {
    return { ok: false, why: `expected JSON, found ${text.trim() === '' ? 'nothing' : excerpt(text.trim(), 60)}` }
  }
}

function isDeep(text: string): boolean {
  let depth = 0
  for (let at = 0; at >= 0 && at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      at = stringEnd(text, at)
      if (at < 0) return false
    } else if (code === BRACE || code === BRACKET) {
      if (++depth > MOST_DEPTH) return true
    } else if (code === BRACE_END || code === BRACKET_END) depth--
  }
  return false
}

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const shown = (value: unknown): string => (value === undefined ? '' : JSON.stringify(value))

/** A call from `{"name": …, "arguments": {…}}`; Llama calls them parameters, and OpenAI puts both under `function`. */
export function callOf(value: unknown): ParsedCall {
  if (!isRecord(value)) return badCall('an object with "name" and "arguments"', shown(value))
  const call = isRecord(value.function) ? value.function : value
  const { name } = call
  if (typeof name !== 'string' || name === '') return badCall('"name" to be the name of a tool', shown(name))
  const given = call.arguments ?? call.parameters ?? {}
  const read: Read = typeof given === 'string' ? readJson(given) : { ok: true, value: given }
  if (!read.ok) return { name, arguments: {}, error: `"arguments": ${read.why}` }
  if (!isRecord(read.value)) return badCall('"arguments" to be an object', shown(read.value), name)
  const { id } = value
  return { name, arguments: read.value, ...(typeof id === 'string' ? { id } : {}) }
}

/** The calls of a JSON text that holds one call or a list of them. */
export function callsOfJson(text: string): ParsedCall[] {
  const read = readJson(text)
  if (!read.ok) return [{ name: '', arguments: {}, error: read.why }]
  return callsOfValue(read.value)
}

function callsOfValue(value: unknown): ParsedCall[] {
  if (!Array.isArray(value)) return [callOf(value)]
  const calls = value.slice(0, MOST_CALLS).map(callOf)
  return value.length > MOST_CALLS ? [...calls, tooManyCalls()] : calls
}

/** JSON as Python's `json.dumps` spaces it, which is how chat templates write arguments. */
export function spacedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spacedJson).join(', ')}]`
  if (!isRecord(value)) return JSON.stringify(value ?? null)
  const fields = Object.entries(value).filter(([, item]) => item !== undefined)
  return `{${fields.map(([key, item]) => `${JSON.stringify(key)}: ${spacedJson(item)}`).join(', ')}}`
}

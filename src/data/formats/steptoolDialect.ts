/** The three chat layouts StepTool writes trajectories in, recognised from the text of a row's segments. */
import { excerpt } from '../../base/excerpt'
import { parsePythonLiteral, PythonLiteralError, parsePythonLiteralPrefix } from '../../base/pythonLiteral'
import { plainFromPython } from '../../base/pythonValue'
import type { ToolCall, ToolSpec } from '../../records/trajectory'
import { isTooDeep, readJsonRow } from '../jsonRow'
import { type DialectMarks, openingOf, replyOf, stretchesBetween, withoutTurnEnd } from './dialectText'

export type DialectName = 'toolllama' | 'qwen2' | 'llama3-1'

export interface Dialect {
  readonly name: DialectName
  readonly marks: DialectMarks
  readonly writeFirst: (system: string, query: string) => string
  readonly writeObservation: (text: string) => string
  readonly writeCompletion: (body: string) => string
}

export const dialects: readonly Dialect[] = [
  {
    name: 'qwen2',
    marks: {
      start: /<\|im_start\|>system\n/y,
      query: /<\|im_end\|>\n<\|im_start\|>user\n/g,
      reply: /<\|im_start\|>(?:function|tool|user|observation)\n/y,
      replyWithin: /<\|im_start\|>(?:function|tool|user|observation)\n/g,
      header: '<|im_end|>\n<|im_start|>assistant',
      afterHeader: /\n?/y,
      afterHeaderWithin: /\n?/y,
      takesLineEnds: false,
      turnEnds: ['<|im_end|>', '<|endoftext|>'],
      trimsTurns: false,
    },
    writeFirst: (system, query) =>
      `<|im_start|>system\n${system}<|im_end|>\n<|im_start|>user\n\n${query}\nBegin!\n<|im_end|>\n<|im_start|>assistant\n`,
    writeObservation: (text) => `<|im_start|>function\n${text}<|im_end|>\n<|im_start|>assistant\n`,
    writeCompletion: (body) => `${body}<|im_end|>\n`,
  },
  {
    name: 'llama3-1',
    marks: {
      start: /(?:<\|begin_of_text\|>)?<\|start_header_id\|>system<\|end_header_id\|>\n\n/y,
      query: /<\|eot_id\|><\|start_header_id\|>user<\|end_header_id\|>\n\n/g,
      reply: /<\|start_header_id\|>(?:function|tool|ipython|user|observation)<\|end_header_id\|>\n\n/y,
      replyWithin: /<\|start_header_id\|>(?:function|tool|ipython|user|observation)<\|end_header_id\|>\n\n/g,
      header: '<|eot_id|><|start_header_id|>assistant<|end_header_id|>',
      afterHeader: /\n*/y,
      afterHeaderWithin: /\n*/y,
      takesLineEnds: false,
      turnEnds: ['<|eot_id|>', '<|eom_id|>', '<|end_of_text|>'],
      trimsTurns: false,
    },
    writeFirst: (system, query) =>
      `<|start_header_id|>system<|end_header_id|>\n\n${system}<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n${query}\nBegin!\n<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n`,
    writeObservation: (text) =>
      `<|start_header_id|>function<|end_header_id|>\n\n${text}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n`,
    writeCompletion: (body) => `${body}<|eot_id|>`,
  },
  {
    name: 'toolllama',
    marks: {
      start: /System: ?\n/y,
      query: /\nUser: ?\n/g,
      reply: /(?:Function|User): ?\n/y,
      replyWithin: /\n(?:Function|User): ?\n?/g,
      header: '\nAssistant:',
      afterHeader: / ?\n?/y,
      afterHeaderWithin: /[ \n]?/y,
      takesLineEnds: true,
      turnEnds: ['</s>'],
      trimsTurns: true,
    },
    writeFirst: (system, query) => `System:\n${system}\nUser:\n${query}\nBegin!\n\nAssistant:\n`,
    writeObservation: (text) => `Function:\n${text}\nAssistant:\n`,
    writeCompletion: (body) => `${body}\n`,
  },
]

/** The layout of a trajectory's first segment; null when it is none of the three. */
export function dialectOf(firstPrompt: string): Dialect | null {
  return dialects.find(({ marks }) => openingOf(firstPrompt, marks) !== null) ?? null
}

export interface Conversation {
  /** null: no layout is known of the text, and all of it is the opening. */
  readonly dialect: Dialect | null
  /** Up to the first assistant turn. */
  readonly opening: string
  /** Each assistant turn with what follows it: the text up to the next turn, and of it the tool's reply. */
  readonly exchanges: readonly { readonly completion: string; readonly prompt: string; readonly observation: string }[]
}

/** Takes a conversation up to an assistant turn apart; its pieces, one after the other, are the text again. */
export function conversationOf(text: string): Conversation {
  for (const dialect of dialects) {
    const [first, ...later] = stretchesBetween(text, dialect.marks)
    if (!first) continue
    const opening = text.slice(0, first.end)
    const last = later.at(-1) ?? first
    if (!openingOf(opening, dialect.marks) || last.end !== text.length) continue
    let at = opening.length
    const exchanges = later.map(({ index, end, inner }) => {
      const completion = text.slice(at, index)
      at = end
      return { completion, prompt: text.slice(index, end), observation: inner }
    })
    return { dialect, opening, exchanges }
  }
  return { dialect: null, opening: text, exchanges: [] }
}

export interface OpeningText {
  readonly system: string
  readonly query: string
  readonly tools: readonly ToolSpec[]
  /** What of the tool list could not be read; null where nothing was lost. */
  readonly unreadTools: string | null
}

/** System text, query without its `Begin!`, and the tools the system text lists. */
export function readOpening(dialect: Dialect | null, firstPrompt: string): OpeningText {
  const opening = dialect ? openingOf(firstPrompt, dialect.marks) : null
  const system = opening?.system ?? firstPrompt
  const query = withoutBegin(opening?.query ?? firstPrompt).trim()
  return { system, query, ...toolsIn(system) }
}

const BEGIN = 'Begin!'

function withoutBegin(query: string): string {
  const trimmed = query.trimEnd()
  return trimmed.endsWith(BEGIN) ? trimmed.slice(0, -BEGIN.length) : query
}

/** Text of the tool's reply inside a later segment; the whole segment when the layout is unknown. */
export function readObservation(dialect: Dialect | null, prompt: string): string {
  return (dialect ? replyOf(prompt, dialect.marks) : null) ?? prompt
}

type ToolList = Pick<OpeningText, 'tools' | 'unreadTools'>

/**
 * Tools named after `APIs:`: a list of names, or of function dicts, bare or in OpenAI's wrapper; as Python writes it or as JSON does, with null and
 * true.
 */
function toolsIn(system: string): ToolList {
  const start = system.search(/APIs:\s*\[/)
  if (start < 0) return { tools: [], unreadTools: null }
  const listText = system.slice(system.indexOf('[', start))
  try {
    // What stands after the list may hold brackets too, and is not looked at.
    const list = plainFromPython(parsePythonLiteralPrefix(listText, { nonFinite: true, jsonNames: true, numpy: true }).value)
    const entries = Array.isArray(list) ? list : []
    const tools = entries.map(toolFrom)
    const strange = tools.findIndex((tool) => tool === null)
    const unreadTools = strange < 0 ? null : `entry ${strange + 1} is ${excerpt(JSON.stringify(entries[strange]))}`
    return { tools: tools.filter((tool) => tool !== null), unreadTools }
  } catch (error) {
    if (!(error instanceof PythonLiteralError)) throw error
    return { tools: [], unreadTools: `${error.found} at its character ${error.position + 1}, where ${error.expected} should stand` }
  }
}

function toolFrom(entry: unknown): ToolSpec | null {
  if (typeof entry === 'string') return { name: entry, category: '', description: '', parameters: [] }
  if (!isRecord(entry)) return null
  const inner = isRecord(entry['function']) ? entry['function'] : entry
  const schema = isRecord(inner['parameters']) ? inner['parameters'] : {}
  const properties = isRecord(schema['properties']) ? schema['properties'] : {}
  const required = Array.isArray(schema['required']) ? schema['required'] : []
  const text = (value: unknown): string => (typeof value === 'string' ? value : '')
  if (typeof inner['name'] !== 'string') return null
  return {
    name: inner['name'],
    category: '',
    description: text(inner['description']),
    parameters: Object.entries(properties).map(([name, value]) => ({
      name,
      type: (isRecord(value) && text(value['type'])) || 'string',
      description: isRecord(value) ? text(value['description']) : '',
      required: required.includes(name),
    })),
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export interface ReadTurn {
  readonly thought: string
  /** null: the turn holds no `Action:` at all. */
  readonly call: ToolCall | null
}

/** `Thought: … Action: NAME Action Input: {…}` of an assistant turn. Arguments that cannot be read leave `error` on the call. */
export function readTurn(dialect: Dialect | null, completion: string): ReadTurn {
  const body = dialect ? withoutTurnEnd(completion, dialect.marks) : completion
  const match = /(?:^|\n)[ \t]*Action:[ \t]*(?<name>[^\n]*)(?:\n[ \t]*Action Input:(?<input>[\s\S]*))?/.exec(body)
  const thought = (match ? body.slice(0, match.index) : body).replace(/^\s*Thought:/, '').trim()
  if (!match) return { thought, call: null }
  const name = match.groups?.['name']?.trim() ?? ''
  const input = match.groups?.['input']?.trim()
  if (input === undefined)
    return { thought, call: { name, arguments: {}, error: 'Expected "Action Input:" after the action, found the end of the turn.' } }
  return { thought, call: { name, ...readArguments(input) } }
}

/** Arguments as JSON or, since models imitate their prompts, as a Python dict. */
function readArguments(input: string): Pick<ToolCall, 'arguments' | 'error'> {
  const json = readJsonRow(input)
  const value = json.expected === undefined ? json.value : pythonArguments(input)
  if (isRecord(value)) return { arguments: value }
  const found = value === undefined ? unreadable(input) : JSON.stringify(value).slice(0, 60)
  return { arguments: {}, error: `Expected an object of arguments, found ${found}.` }
}

function unreadable(input: string): string {
  const what = isTooDeep(input) ? 'text that is nested too deep' : 'text that is neither JSON nor a Python literal'
  return `${what}: ${JSON.stringify(input.slice(0, 60))}`
}

function pythonArguments(input: string): unknown {
  try {
    // Through JSON, so that what is kept can be stored: bigints and bytes cannot.
    return JSON.parse(
      JSON.stringify(plainFromPython(parsePythonLiteral(input)), (_, value: unknown) =>
        typeof value === 'bigint' ? Number(value) : value,
      ),
    )
  } catch {
    return undefined
  }
}

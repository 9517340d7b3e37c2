/** The three chat layouts StepTool writes trajectories in, recognised from the text of a row's segments. */
import { parsePythonLiteral } from '../../base/pythonLiteral'
import { plainFromPython } from '../../base/pythonValue'
import type { ToolCall, ToolSpec } from '../../records/trajectory'

export type DialectName = 'toolllama' | 'qwen2' | 'llama3-1'

export interface Dialect {
  readonly name: DialectName
  /** First segment: system text, query and the header of the assistant's turn. */
  readonly first: RegExp
  /** A later segment: what the tool replied and the next assistant header. */
  readonly observation: RegExp
  /** In a conversation as one text, what stands between two assistant turns; before the first, its user's turn. */
  readonly between: RegExp
  /** Ends of an assistant turn, removed before the turn is read. */
  readonly turnEnd: RegExp
  readonly writeFirst: (system: string, query: string) => string
  readonly writeObservation: (text: string) => string
  readonly writeCompletion: (body: string) => string
}

export const dialects: readonly Dialect[] = [
  {
    name: 'qwen2',
    first: /^<\|im_start\|>system\n(?<system>.*?)<\|im_end\|>\n<\|im_start\|>user\n(?<query>.*?)<\|im_end\|>\n<\|im_start\|>assistant\n?$/s,
    observation: /^<\|im_start\|>(?:function|tool|user|observation)\n(?<text>.*?)<\|im_end\|>\n<\|im_start\|>assistant\n?$/s,
    between: /<\|im_start\|>(?:function|tool|user|observation)\n(?<text>.*?)<\|im_end\|>\n<\|im_start\|>assistant\n?/gs,
    turnEnd: /(?:<\|im_end\|>|<\|endoftext\|>)\s*$/,
    writeFirst: (system, query) =>
      `<|im_start|>system\n${system}<|im_end|>\n<|im_start|>user\n\n${query}\nBegin!\n<|im_end|>\n<|im_start|>assistant\n`,
    writeObservation: (text) => `<|im_start|>function\n${text}<|im_end|>\n<|im_start|>assistant\n`,
    writeCompletion: (body) => `${body}<|im_end|>\n`,
  },
  {
    name: 'llama3-1',
    first:
      /^(?:<\|begin_of_text\|>)?<\|start_header_id\|>system<\|end_header_id\|>\n\n(?<system>.*?)<\|eot_id\|><\|start_header_id\|>user<\|end_header_id\|>\n\n(?<query>.*?)<\|eot_id\|><\|start_header_id\|>assistant<\|end_header_id\|>\n*$/s,
    observation:
      /^<\|start_header_id\|>(?:function|tool|ipython|user|observation)<\|end_header_id\|>\n\n(?<text>.*?)<\|eot_id\|><\|start_header_id\|>assistant<\|end_header_id\|>\n*$/s,
    between:
      /<\|start_header_id\|>(?:function|tool|ipython|user|observation)<\|end_header_id\|>\n\n(?<text>.*?)<\|eot_id\|><\|start_header_id\|>assistant<\|end_header_id\|>\n*/gs,
    turnEnd: /<\|(?:eot_id|eom_id|end_of_text)\|>\s*$/,
    writeFirst: (system, query) =>
      `<|start_header_id|>system<|end_header_id|>\n\n${system}<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n${query}\nBegin!\n<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n`,
    writeObservation: (text) =>
      `<|start_header_id|>function<|end_header_id|>\n\n${text}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n`,
    writeCompletion: (body) => `${body}<|eot_id|>`,
  },
  {
    name: 'toolllama',
    first: /^System: ?\n(?<system>.*?)\nUser: ?\n(?<query>.*?)\n+Assistant: ?\n?$/s,
    observation: /^(?:Function|User): ?\n(?<text>.*?)\nAssistant: ?\n?$/s,
    between: /\n(?:Function|User): ?\n?(?<text>.*?)\n+Assistant:[ \n]?/gs,
    turnEnd: /(?:<\/s>)?\s*$/,
    writeFirst: (system, query) => `System:\n${system}\nUser:\n${query}\nBegin!\n\nAssistant:\n`,
    writeObservation: (text) => `Function:\n${text}\nAssistant:\n`,
    writeCompletion: (body) => `${body}\n`,
  },
]

/** The layout of a trajectory's first segment; null when it is none of the three. */
export function dialectOf(firstPrompt: string): Dialect | null {
  return dialects.find((dialect) => dialect.first.test(firstPrompt)) ?? null
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
    const [first, ...later] = [...text.matchAll(dialect.between)]
    if (!first) continue
    const opening = text.slice(0, first.index + first[0].length)
    const last = later.at(-1) ?? first
    if (!dialect.first.test(opening) || last.index + last[0].length !== text.length) continue
    let at = opening.length
    const exchanges = later.map((match) => {
      const completion = text.slice(at, match.index)
      at = match.index + match[0].length
      return { completion, prompt: match[0], observation: match.groups?.['text'] ?? '' }
    })
    return { dialect, opening, exchanges }
  }
  return { dialect: null, opening: text, exchanges: [] }
}

export interface OpeningText {
  readonly system: string
  readonly query: string
  readonly tools: readonly ToolSpec[]
}

/** System text, query without its `Begin!`, and the tools the system text lists. */
export function readOpening(dialect: Dialect | null, firstPrompt: string): OpeningText {
  const groups = dialect?.first.exec(firstPrompt)?.groups
  const system = groups?.['system'] ?? firstPrompt
  const query = (groups?.['query'] ?? firstPrompt).replace(/\n?Begin!\s*$/, '').trim()
  return { system, query, tools: toolsIn(system) }
}

/** Text of the tool's reply inside a later segment; the whole segment when the layout is unknown. */
export function readObservation(dialect: Dialect | null, prompt: string): string {
  return dialect?.observation.exec(prompt)?.groups?.['text'] ?? prompt
}

/** Tools named after `APIs:`: a Python list of names, or of function dicts, bare or in OpenAI's wrapper. */
function toolsIn(system: string): ToolSpec[] {
  const start = system.search(/APIs:\s*\[/)
  if (start < 0) return []
  const listText = system.slice(system.indexOf('[', start))
  for (let end = listText.lastIndexOf(']'); end > 0; end = listText.lastIndexOf(']', end - 1)) {
    try {
      const list = plainFromPython(parsePythonLiteral(listText.slice(0, end + 1), { nonFinite: true }))
      return Array.isArray(list) ? list.flatMap(toolFrom) : []
    } catch {
      // Text after the list may hold brackets too: try the one before.
    }
  }
  return []
}

function toolFrom(entry: unknown): ToolSpec[] {
  if (typeof entry === 'string') return [{ name: entry, category: '', description: '', parameters: [] }]
  if (!isRecord(entry)) return []
  const inner = isRecord(entry['function']) ? entry['function'] : entry
  const schema = isRecord(inner['parameters']) ? inner['parameters'] : {}
  const properties = isRecord(schema['properties']) ? schema['properties'] : {}
  const required = Array.isArray(schema['required']) ? schema['required'] : []
  const text = (value: unknown): string => (typeof value === 'string' ? value : '')
  if (typeof inner['name'] !== 'string') return []
  return [
    {
      name: inner['name'],
      category: '',
      description: text(inner['description']),
      parameters: Object.entries(properties).map(([name, value]) => ({
        name,
        type: (isRecord(value) && text(value['type'])) || 'string',
        description: isRecord(value) ? text(value['description']) : '',
        required: required.includes(name),
      })),
    },
  ]
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
  const body = dialect ? completion.replace(dialect.turnEnd, '') : completion
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
  const value = jsonOrPython(input)
  if (isRecord(value)) return { arguments: value }
  const found =
    value === undefined
      ? `text that is neither JSON nor a Python literal: ${JSON.stringify(input.slice(0, 60))}`
      : JSON.stringify(value).slice(0, 60)
  return { arguments: {}, error: `Expected an object of arguments, found ${found}.` }
}

function jsonOrPython(input: string): unknown {
  try {
    return JSON.parse(input)
  } catch {
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
}

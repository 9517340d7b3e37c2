/** Calls as FunctionGemma writes them: `<start_function_call>call:name{key:<escape>text<escape>,…}<end_function_call>`. */
import { argumentsSchema } from '../../environments/toolSchema'
import type { ToolCall, ToolSpec } from '../../records/trajectory'
import type { ParsedCall, ParsedTurn } from './callFormat'
import { badCall, isRecord, MOST_CALLS, MOST_DEPTH, needsLesson, splitReasoning, tooManyCalls, turnOf } from './readCalls'
import { templateFormat } from './templateFormat'

const OPEN = '<start_function_call>'
const CLOSE = '<end_function_call>'
const QUOTE = '<escape>'
const RESPONSE = '<start_function_response>'

export const functionGemma = templateFormat({
  name: 'functiongemma',
  title: 'FunctionGemma: call:name{…}',
  recognise: ({ chatTemplate, tokenizer, renderChat }) =>
    renderChat && (chatTemplate?.includes(OPEN) === true || tokenizer.tokenId(OPEN) !== null)
      ? { confidence: chatTemplate?.includes(OPEN) === true ? 0.95 : 0.85 }
      : needsLesson(renderChat),
  parse,
  write: (calls) => calls.map(writeCall).join(''),
  // After its calls the model opens the reply itself: generation ends there.
  stopTokens: ['<end_of_turn>', RESPONSE],
  listTools: (tools) => tools.map(declaration).join(''),
  howToCall: `To call a tool, write ${OPEN}call:the_tool{parameter:${QUOTE}text${QUOTE},number:3}${CLOSE}, with every text between two ${QUOTE} marks.`,
  reply: ({ name, content }) => `${RESPONSE}response:${name ?? 'tool'}{value:${text(content)}}<end_function_response>`,
})

/** Text between two marks; a mark inside it would end it. */
const text = (value: string): string => `${QUOTE}${value.replaceAll(QUOTE, '< escape>')}${QUOTE}`

function written(value: unknown): string {
  if (typeof value === 'string') return text(value)
  if (Array.isArray(value)) return `[${value.map(written).join(',')}]`
  if (isRecord(value)) return fields(value)
  return JSON.stringify(value ?? null)
}
const fields = (value: Readonly<Record<string, unknown>>): string =>
  `{${Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .map(([key, item]) => `${key}:${written(item)}`)
    .join(',')}}`

const writeCall = ({ name, arguments: given }: ToolCall): string => `${OPEN}call:${name}${fields(given)}${CLOSE}`

/** A tool as FunctionGemma's prompts declare it: types are in capitals. */
function declaration(tool: ToolSpec): string {
  const body = fields({ description: tool.description, parameters: withCapitals(argumentsSchema(tool)) })
  return `<start_function_declaration>declaration:${tool.name}${body}<end_function_declaration>`
}
function withCapitals(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withCapitals)
  if (!isRecord(schema)) return schema
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [
      key,
      key === 'type' && typeof value === 'string' ? value.toUpperCase() : withCapitals(value),
    ]),
  )
}

function parse(completion: string, isReasoning: boolean): ParsedTurn {
  const { reasoning, rest } = splitReasoning(completion, isReasoning)
  const calls: ParsedCall[] = []
  const said: string[] = []
  let at = 0
  for (;;) {
    const open = rest.indexOf(OPEN, at)
    said.push(rest.slice(at, open < 0 ? undefined : open))
    if (open < 0) break
    if (calls.length === MOST_CALLS) {
      calls.push(tooManyCalls())
      break
    }
    const { call, end } = readCall(rest, open + OPEN.length)
    calls.push(call)
    const close = rest.indexOf(CLOSE, end)
    at = close < 0 ? rest.length : close + CLOSE.length
  }
  return turnOf(reasoning, said.join(''), calls)
}

function readCall(source: string, from: number): { readonly call: ParsedCall; readonly end: number } {
  const head = /^\s{0,8}call:([^\s{}<>]{1,200})\s{0,8}\{/.exec(source.slice(from, from + 240))
  const name = head?.[1]
  if (!head || name === undefined) return { call: badCall('call:name{…}', source.slice(from, from + 80)), end: from }
  const reader = new ValueReader(source, from + head[0].length - 1)
  const value = reader.read(0)
  if (reader.problem !== null || !isRecord(value))
    return { call: { name, arguments: {}, error: reader.problem ?? 'expected {…}' }, end: reader.at }
  const rest = source.slice(reader.at, reader.at + 80).trimStart()
  if (rest !== '' && !rest.startsWith(CLOSE)) return { call: badCall(CLOSE, rest, name), end: reader.at }
  return { call: { name, arguments: value }, end: reader.at }
}

/** Reads one value, character by character; after the first problem it reads nothing more. */
class ValueReader {
  problem: string | null = null
  at: number
  readonly #source: string

  constructor(source: string, at: number) {
    this.#source = source
    this.at = at
  }

  read(depth: number): unknown {
    if (depth > MOST_DEPTH) return this.#fail(`values nested at most ${MOST_DEPTH} deep`)
    this.#blanks()
    if (this.#take(QUOTE)) return this.#text()
    if (this.#take('{')) return this.#fields(depth)
    if (this.#take('[')) return this.#items(depth)
    const word = /^(?:true|false|null|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.])/.exec(this.#source.slice(this.at, this.at + 400))?.[0]
    if (word === undefined) return this.#fail(`${QUOTE}text${QUOTE}, a number, true, false, null, [ or {`)
    this.at += word.length
    return word === 'null' ? null : word === 'true' ? true : word === 'false' ? false : Number(word)
  }

  #text(): unknown {
    const end = this.#source.indexOf(QUOTE, this.at)
    if (end < 0) return this.#fail(`a closing ${QUOTE}`)
    const value = this.#source.slice(this.at, end)
    this.at = end + QUOTE.length
    return value
  }

  #items(depth: number): unknown {
    const items: unknown[] = []
    this.#blanks()
    while (!this.#take(']')) {
      if (items.length > 0 && !this.#take(',')) return this.#fail('"," or "]"')
      items.push(this.read(depth + 1))
      if (this.problem !== null) return null
      this.#blanks()
    }
    return items
  }

  #fields(depth: number): unknown {
    const given: [string, unknown][] = []
    this.#blanks()
    while (!this.#take('}')) {
      if (given.length > 0 && !this.#take(',')) return this.#fail('"," or "}"')
      this.#blanks()
      const key = /^[^:,{}[\]<>]{1,200}(?=:)/.exec(this.#source.slice(this.at, this.at + 201))?.[0]
      if (key === undefined) return this.#fail('key:value')
      this.at += key.length + 1
      given.push([key, this.read(depth + 1)])
      if (this.problem !== null) return null
      this.#blanks()
    }
    return Object.fromEntries(given)
  }

  #blanks(): void {
    while (/\s/.test(this.#source[this.at] ?? '')) this.at++
  }

  #take(mark: string): boolean {
    if (!this.#source.startsWith(mark, this.at)) return false
    this.at += mark.length
    return true
  }

  #fail(expected: string): null {
    const rest = this.#source.slice(this.at, this.at + 40)
    this.problem ??= `expected ${expected}, found ${rest === '' ? 'the end of the text' : JSON.stringify(rest)}`
    return null
  }
}

/**
 * What Python's text methods do where JavaScript's, which the Jinja library calls, do otherwise: white space is another set (U+FEFF is none,
 * U+001C … U+001F and U+0085 are), `strip` takes the characters to strip, and `capitalize` lowers the rest.
 */
import type { parse } from '@huggingface/jinja'
import { UNICODE_SPACE } from '../../base/unicodeSpace'

const SPACE = `${UNICODE_SPACE}\\x1c-\\x1f`
const spaces = { start: new RegExp(`^[${SPACE}]+`), end: new RegExp(`[${SPACE}]+$`), some: new RegExp(`[${SPACE}]+`) }

function stripped(text: string, characters: string | null, { start, end }: { readonly start: boolean; readonly end: boolean }): string {
  if (characters === null) {
    const front = start ? text.replace(spaces.start, '') : text
    return end ? front.replace(spaces.end, '') : front
  }
  const letters = Array.from(text)
  const among = new Set(characters)
  let [from, to] = [0, letters.length]
  while (start && from < to && among.has(letters[from] ?? '')) from++
  while (end && to > from && among.has(letters[to - 1] ?? '')) to--
  return letters.slice(from, to).join('')
}

const words = (text: string): string[] => text.split(spaces.some).filter((word) => word !== '')

function capitalized(text: string): string {
  const [first = '', ...rest] = Array.from(text)
  return first.toUpperCase() + rest.join('').toLowerCase()
}

/** What `{{ value | trim }}` reads a value as. */
function written(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'string' || typeof value === 'number') return String(value)
  // The library does not tell none, which Python writes None, from undefined, which it writes as nothing.
  throw new Error(`trim and capitalize are for text, found ${value === undefined || value === null ? 'none' : typeof value}`)
}

function textOf(value: unknown, method: string): string {
  if (typeof value !== 'string')
    throw new Error(`${method}() is of text, found ${value === undefined || value === null ? 'none' : typeof value}`)
  return value
}
const charactersOf = (value: unknown): string | null => (typeof value === 'string' ? value : null)

/** Under names that no template can give a variable. */
export const pythonText: Readonly<Record<string, (...values: unknown[]) => unknown>> = {
  'text.strip': (text, of) => stripped(textOf(text, 'strip'), charactersOf(of), { start: true, end: true }),
  'text.lstrip': (text, of) => stripped(textOf(text, 'lstrip'), charactersOf(of), { start: true, end: false }),
  'text.rstrip': (text, of) => stripped(textOf(text, 'rstrip'), charactersOf(of), { start: false, end: true }),
  'text.split': (text) => words(textOf(text, 'split')),
  'text.capitalize': (text) => capitalized(textOf(text, 'capitalize')),
  'text|trim': (value, of) => stripped(written(value), charactersOf(of), { start: true, end: true }),
  'text|capitalize': (value) => capitalized(written(value)),
}

interface Node {
  type: string
  [part: string]: unknown
}
const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
const nodes = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])

/** Makes a parsed template call `pythonText` for these methods and filters. Changes it in place. */
export function callPythonText(program: ReturnType<typeof parse>): void {
  visit(program)
}

function visit(value: unknown): void {
  if (Array.isArray(value)) value.forEach(visit)
  else if (value instanceof Map) [...value].flat().forEach(visit)
  else if (isNode(value)) {
    Object.values(value).forEach(visit)
    rewrite(value)
  }
}

function rewrite(node: Node): void {
  if (node.type === 'CallExpression' && isNode(node.callee) && node.callee.type === 'MemberExpression') {
    const { object, property, computed } = node.callee
    const name = isNode(property) && computed === false ? `text.${String(property.value)}` : ''
    // With a separator the library's own split is Python's.
    if (name in pythonText && !(name === 'text.split' && nodes(node.args).length > 0)) become(node, name, [object, ...nodes(node.args)])
  }
  if (node.type === 'FilterExpression' && isNode(node.filter)) {
    const { filter } = node
    const [called, args] = filter.type === 'CallExpression' ? [filter.callee, nodes(filter.args)] : [filter, []]
    const name = isNode(called) ? `text|${String(called.value)}` : ''
    if (name in pythonText) become(node, name, [node.operand, ...args])
  }
}

function become(node: Node, name: string, args: unknown[]): void {
  for (const part of Object.keys(node)) Reflect.deleteProperty(node, part)
  Object.assign(node, { type: 'CallExpression', callee: { type: 'Identifier', value: name }, args })
}

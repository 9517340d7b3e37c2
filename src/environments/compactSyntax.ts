/**
 * The compact syntax: `name(parameter="value")`, an answer is `finish(answer="…")`, giving up is `give_up()`. It is short on purpose,
 * since every character is a token that a small model must learn. Experts write it, and the compact call format reads it.
 */
import type { ToolCall, ToolSpec } from '../records/trajectory'

export const FINISH = 'finish'
export const GIVE_UP = 'give_up'

function literal(value: unknown): string {
  return JSON.stringify(typeof value === 'string' ? value : String(value))
}

export function formatCall(name: string, args: Readonly<Record<string, unknown>>): string {
  return `${name}(${Object.entries(args)
    .map(([key, value]) => `${key}=${literal(value)}`)
    .join(',')})`
}

function formatTool(tool: ToolSpec): string {
  return `${tool.name}(${tool.parameters.map((parameter) => parameter.name).join(',')})`
}

export function formatTools(tools: readonly ToolSpec[]): string {
  return tools.map(formatTool).join('\n')
}

const CALL = /^\s*([A-Za-z_][A-Za-z0-9_.-]*)\s*\(([\s\S]*)\)\s*$/
const ARGUMENT = /^\s*([A-Za-z_][A-Za-z0-9_]*)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s,"]+)\s*(?:,|$)/

/** Reads one call. Never throws: text that is no call comes back with `error` saying what was expected and what was found. */
export function parseCall(text: string): ToolCall {
  const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text
  const outer = CALL.exec(text)
  const name = outer?.[1]
  if (!outer || name === undefined)
    return { name: '', arguments: {}, error: `expected name(parameter="value"), found ${JSON.stringify(shown)}` }
  const args = new Map<string, unknown>()
  let rest = (outer[2] ?? '').trim()
  while (rest !== '') {
    const found = ARGUMENT.exec(rest)
    const key = found?.[1]
    const value = found?.[2]
    if (!found || key === undefined || value === undefined) {
      return { name, arguments: Object.fromEntries(args), error: `expected parameter="value", found ${JSON.stringify(rest.slice(0, 40))}` }
    }
    if (args.has(key)) return { name, arguments: Object.fromEntries(args), error: `parameter ${key} given twice` }
    args.set(key, readValue(value))
    rest = rest.slice(found[0].length).trim()
  }
  return { name, arguments: Object.fromEntries(args) }
}

function readValue(literalText: string): string {
  if (!literalText.startsWith('"')) return literalText
  try {
    const value: unknown = JSON.parse(literalText)
    return typeof value === 'string' ? value : literalText
  } catch {
    // A bad escape: keep what the model wrote between the quotes.
    return literalText.slice(1, -1)
  }
}

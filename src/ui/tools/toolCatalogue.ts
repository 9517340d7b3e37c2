/** The catalogue of a tool world, by category, and the arguments a person types for a call. */
import type { ToolSpec } from '../../records/trajectory'

export interface ToolGroup {
  readonly category: string
  readonly tools: readonly ToolSpec[]
}

export function toolGroups(tools: readonly ToolSpec[], text: string): ToolGroup[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  const groups = new Map<string, ToolSpec[]>()
  for (const tool of tools) {
    const haystack =
      `${tool.name} ${tool.category} ${tool.description} ${tool.parameters.map((parameter) => parameter.name).join(' ')}`.toLowerCase()
    if (!words.every((word) => haystack.includes(word))) continue
    const category = tool.category === '' ? 'other' : tool.category
    groups.set(category, [...(groups.get(category) ?? []), tool])
  }
  return [...groups]
    .map(([category, list]) => ({ category, tools: list.sort((a, b) => (a.name < b.name ? -1 : 1)) }))
    .sort((a, b) => (a.category < b.category ? -1 : 1))
}

export type ArgumentReading =
  | { readonly ok: true; readonly args: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly problems: Readonly<Record<string, string>> }

/** What was typed, read by each parameter's type. Empty optional fields are left out; an empty required one is sent as the tool would see it: missing. */
export function readArguments(tool: ToolSpec, typed: Readonly<Record<string, string>>): ArgumentReading {
  const args: Record<string, unknown> = {}
  const problems: Record<string, string> = {}
  for (const parameter of tool.parameters) {
    const text = (typed[parameter.name] ?? '').trim()
    if (text === '') continue
    const type = parameter.type.toLowerCase()
    if (/^(number|float|double)/.test(type)) {
      if (Number.isFinite(Number(text))) args[parameter.name] = Number(text)
      else problems[parameter.name] = `Expected a number, found ${text}.`
    } else if (/^int/.test(type)) {
      if (/^[-+]?\d+$/.test(text)) args[parameter.name] = Number(text)
      else problems[parameter.name] = `Expected a whole number, found ${text}.`
    } else if (/^bool/.test(type)) {
      if (/^(true|false)$/i.test(text)) args[parameter.name] = text.toLowerCase() === 'true'
      else problems[parameter.name] = `Expected true or false, found ${text}.`
    } else if (/^(array|object|list|dict)/.test(type)) {
      try {
        args[parameter.name] = JSON.parse(text) as unknown
      } catch {
        problems[parameter.name] = `Expected JSON, found ${text.slice(0, 40)}.`
      }
    } else args[parameter.name] = text
  }
  return Object.keys(problems).length > 0 ? { ok: false, problems } : { ok: true, args }
}

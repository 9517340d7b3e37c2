/** The catalogue of a tool world, by category. */
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

/** Which tools a query lists: those it needs, their siblings, and distractors; six at most, in random order. */
import type { Rng } from '../../base/random'
import type { ToolSpec } from '../../records/trajectory'
import { apiNamed, sourcesOf, type Subject } from './catalog'
import type { Context, Lookup } from './plan'

/** @param isRenamed the documentation calls the first parameter `name`, as the tools about names do. */
export function toolSpec(apiName: string, hidden: readonly string[] = [], isRenamed = false): ToolSpec {
  const api = apiNamed(apiName)
  if (!api) throw new Error(`no API ${apiName}`)
  return {
    name: api.name,
    category: api.category,
    description: '',
    parameters: api.parameters
      .filter((name) => !hidden.includes(name))
      .map((name, at) => ({ name: isRenamed && at === 0 ? 'name' : name, type: 'string', description: '', required: true })),
  }
}

export function listTools(
  rng: Rng,
  context: Context,
  lookups: readonly Lookup[],
  distractors: readonly Subject[],
  maxTools: number,
): ToolSpec[] {
  const names = new Set<string>()
  for (const { subject, source, converted } of lookups) {
    names.add(`${subject.word}_${source === 'log' ? 'of' : source}`)
    if (source !== 'of') for (const sibling of sourcesOf(subject)) names.add(`${subject.word}_${sibling}`)
    if (subject.units && (converted !== null || rng.chance(0.6))) names.add(`${subject.units[1]}_from`)
  }
  if (context === 'alias') names.add('alias_of')
  if (context === 'detour') names.add('search_for')
  const wanted = Math.max(names.size, Math.min(maxTools, 3 + rng.int(4)))
  // A listed sibling must not by itself announce that the first source is empty.
  const first = lookups[0]
  if (first && names.size < wanted && rng.chance(0.4))
    for (const sibling of sourcesOf(first.subject)) names.add(`${first.subject.word}_${sibling}`)
  while (names.size < wanted) {
    const subject = rng.pick(distractors)
    names.add(`${subject.word}_${rng.pick(sourcesOf(subject))}`)
  }
  // Incomplete documentation: the second parameter is not listed, and only a trial call reveals it.
  const hidden = context === 'missing' ? lookups.map((lookup) => lookup.subject.second ?? '') : []
  // Wrong documentation: a parameter has another name than the tool takes, and only a call reveals it.
  const renamed = context === 'renamed' ? lookups[lookups.length - 1]?.subject.word : undefined
  return rng.shuffle([...names]).map((name) => toolSpec(name, hidden, renamed !== undefined && name.startsWith(`${renamed}_`)))
}

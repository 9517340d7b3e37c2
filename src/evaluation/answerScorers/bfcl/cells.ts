/**
 * Rates of BFCL's categories and the published total: non-live 10, live 10, irrelevance 10, multi-turn 30 and agentic 40 percent. The
 * leaderboard counts a category that nobody answered as zero; here a total that lacks a part has no value, and says what is missing.
 */
import { wilson } from '../../../base/stats'
import { categories, singleTurnCategories } from '../../../environments/bfcl/categories'
import type { AnswerCell, AnswerRow } from '../answerScorer'

/** How a group's rate follows from its parts: each part counts the same, or each answer does. */
interface Group {
  readonly cell: string
  readonly parts: readonly string[]
  readonly mean: 'of parts' | 'of items'
  readonly weight: number | null
}

const group = (cell: string, parts: readonly string[], weight: number | null = null, mean: Group['mean'] = 'of parts'): Group => ({
  ...{ cell, parts, weight, mean },
})

/** In an order in which every part comes before what is computed from it. */
const groups: readonly Group[] = [
  group('simple', ['simple_python', 'simple_java', 'simple_javascript']),
  group('non_live', ['simple', 'multiple', 'parallel', 'parallel_multiple'], 10),
  group('live', ['live_simple', 'live_multiple', 'live_parallel', 'live_parallel_multiple'], 10, 'of items'),
  group('irrelevance_detection', ['irrelevance', 'live_irrelevance'], 10),
  group('multi_turn', ['multi_turn_base', 'multi_turn_miss_func', 'multi_turn_miss_param', 'multi_turn_long_context'], 30),
  group('web_search', ['web_search_base', 'web_search_no_snippet']),
  group('memory', ['memory_kv', 'memory_vector', 'memory_rec_sum']),
  group('agentic', ['web_search', 'memory'], 40),
]

/** @param items how many items each category of the data has. */
export function cellsOf(rows: readonly AnswerRow[], items: ReadonlyMap<string, number>): AnswerCell[] {
  const cells = new Map(categories.map(({ name }) => [name, categoryCell(name, rows, items.get(name) ?? 0)]))
  for (const each of groups) cells.set(each.cell, groupCell(each, partsOf(cells, each.parts)))
  const total = totalCell([...cells.values()].filter(({ weight }) => weight !== null))
  // A category of the benchmark that was neither answered nor is in the data says nothing on its own; the groups name it.
  return [...[...cells.values()].filter(({ kind, n, items: known }) => kind === 'group' || n > 0 || known > 0), total]
}

function categoryCell(name: string, rows: readonly AnswerRow[], items: number): AnswerCell {
  const own = rows.filter(({ category }) => category === name)
  const valid = own.filter((row) => row.valid).length
  const { low, high } = wilson(valid, own.length)
  return {
    ...{ cell: name, kind: 'category', n: own.length, valid, items },
    unanswered: Math.max(0, items - new Set(own.map(({ id }) => id)).size),
    accuracy: own.length === 0 ? null : valid / own.length,
    interval: own.length === 0 ? null : [low, high],
    weight: null,
    missing: own.length === 0 ? [name] : [],
  }
}

const partsOf = (cells: ReadonlyMap<string, AnswerCell>, names: readonly string[]): AnswerCell[] =>
  names.flatMap((name) => cells.get(name) ?? [])

const sum = (cells: readonly AnswerCell[], of: (cell: AnswerCell) => number): number => cells.reduce((total, cell) => total + of(cell), 0)

function groupCell({ cell, mean, weight }: Group, parts: readonly AnswerCell[]): AnswerCell {
  const missing = parts.flatMap((part) => part.missing)
  const n = sum(parts, (part) => part.n)
  const valid = sum(parts, (part) => part.valid)
  const accuracy = mean === 'of items' ? valid / n : sum(parts, (part) => part.accuracy ?? 0) / parts.length
  return {
    ...{ cell, kind: 'group', n, valid },
    items: sum(parts, (part) => part.items),
    unanswered: sum(parts, (part) => part.unanswered),
    accuracy: missing.length > 0 ? null : accuracy,
    interval: null,
    ...{ weight, missing },
  }
}

function totalCell(parts: readonly AnswerCell[]): AnswerCell {
  const whole = groupCell(group('overall', [], 100), parts)
  const weighted = sum(parts, (part) => (part.accuracy ?? 0) * (part.weight ?? 0)) / 100
  return { ...whole, accuracy: whole.missing.length > 0 ? null : weighted }
}

/** The sentences that stand beside the rates. */
export function notesOf(cells: readonly AnswerCell[], rows: readonly AnswerRow[]): string[] {
  const repeated = rows.length - new Set(rows.map(({ category, id }) => `${category} ${id}`)).size
  const total = cells.find(({ cell }) => cell === 'overall')
  const answered = cells.filter(({ weight, accuracy, cell }) => weight !== null && accuracy !== null && cell !== 'overall')
  const partial = cells.filter(({ kind, n, unanswered }) => kind === 'category' && n > 0 && unanswered > 0)
  const single = new Set(singleTurnCategories.map(({ name }) => name))
  const missing = total?.missing ?? []
  const [unanswered, inPython] = [missing.filter((name) => single.has(name)), missing.filter((name) => !single.has(name))]
  return [
    ...(repeated === 0 ? [] : [`Items were answered more than once: ${repeated} further answers count like the first ones.`]),
    ...partial.map(({ cell, items, unanswered: left }) => `${cell}: ${left} of ${items} items have no answer and are not counted.`),
    ...(unanswered.length === 0 ? [] : [`Not answered: ${unanswered.join(', ')}.`]),
    ...(inPython.length === 0
      ? []
      : [`Not answered, or not scored because they need the benchmark's Python classes: ${inPython.join(', ')}.`]),
    ...(missing.length === 0
      ? []
      : [`There is no overall accuracy: parts with ${sum(answered, ({ weight }) => weight ?? 0)} of its 100 percent were answered.`]),
  ]
}

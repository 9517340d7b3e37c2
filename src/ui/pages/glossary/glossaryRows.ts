/** The words of the screens and the metrics of every algorithm, as rows that can be searched. */
import type { AlgorithmDescription } from '../../../worker/protocol'
import { glossary, type GlossaryEntry } from '../../glossary'

export interface MetricRow {
  readonly name: string
  readonly meaning: string
  /** Titles of the algorithms that report it with this meaning. */
  readonly algorithms: readonly string[]
}

const contains = (query: string, ...texts: readonly string[]): boolean => {
  const wanted = query.trim().toLowerCase()
  return wanted === '' || texts.some((text) => text.toLowerCase().includes(wanted))
}
const byText = (a: string, b: string): number => a.localeCompare(b, 'en', { sensitivity: 'base' })

/** Entries whose title or text contains the query, by title. */
export function termRows(query: string): GlossaryEntry[] {
  return Object.values<GlossaryEntry>(glossary)
    .filter(({ title, text }) => contains(query, title, text))
    .sort((a, b) => byText(a.title, b.title))
}

/** One row for each metric and meaning, by name: a metric that algorithms mean differently has several rows. */
export function metricRows(algorithms: readonly Pick<AlgorithmDescription, 'title' | 'metrics'>[], query: string): MetricRow[] {
  const rows = new Map<string, { name: string; meaning: string; algorithms: string[] }>()
  for (const { title, metrics } of algorithms)
    for (const [name, meaning] of Object.entries(metrics)) {
      const key = JSON.stringify([name, meaning])
      const row = rows.get(key) ?? { name, meaning, algorithms: [] }
      row.algorithms.push(title)
      rows.set(key, row)
    }
  return [...rows.values()]
    .filter(({ name, meaning, algorithms: titles }) => contains(query, name, meaning, ...titles))
    .sort((a, b) => byText(a.name, b.name))
}

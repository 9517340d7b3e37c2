/** The share of the gold tools that the final path called; 1 where the query names none. */
import type { Scorer } from '../../environments/benchmark'
import { chosenPath } from '../../records/trajectory'

export const recall: Scorer = (trajectory, query) => {
  const called = new Set(chosenPath(trajectory).flatMap(({ step }) => step.calls.filter(({ error }) => !error).map(({ name }) => name)))
  const gold = new Set(query.goldTools)
  return { recall: gold.size === 0 ? 1 : [...gold].filter((name) => called.has(name)).length / gold.size }
}

/** The share of the gold tools that the final path called; 1 where the query names none. */
import type { Scorer } from '../../environments/benchmark'
import { chosenPath } from '../../records/trajectory'

export const recall: Scorer = (trajectory, query) => {
  const gold = new Set(query.goldTools)
  const called = new Set<string>()
  const share = (): number => (gold.size === 0 ? 1 : [...gold].filter((name) => called.has(name)).length / gold.size)
  const byCalls = [share()]
  for (const { step } of chosenPath(trajectory))
    for (let at = 0; at < Math.max(step.calls.length, step.replies.length); at += 1) {
      const call = step.calls[at]
      if (call && !call.error) called.add(call.name)
      if (at < step.replies.length) byCalls.push(share())
    }
  return { recall: share(), recall_by_calls: byCalls }
}

/** The numbers of the run story's finish, from the exam only. */
import { compareRates, rateOf, winRate } from '../../evaluation/evaluate'
import type { RunRecord } from '../../records/run'
import type { Store } from '../../storage/store'
import type { StoryResult } from '../../worker/protocol'

export async function storyResultOf(run: RunRecord, store: Store): Promise<StoryResult | null> {
  const [firstId, secondId] = run.evaluations
  if (run.kind !== 'story' || firstId === undefined) return null
  const before = await store.evaluations.get(firstId)
  if (!before) return null
  const after = secondId === undefined ? null : await store.evaluations.get(secondId)
  return {
    before,
    after,
    beforeRate: rateOf(before.rows),
    afterRate: after && rateOf(after.rows),
    difference: after && compareRates(before.rows, after.rows),
    win: after && winRate(after.rows, before.rows),
  }
}

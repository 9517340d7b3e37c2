/** Changed answers to multi-turn items, as `test/golden/bfcl_multi_turn.py` writes them. */
import { z } from 'zod'
import type { MultiTurnItem } from '../../src/environments/bfclMultiTurn/items'

const changedAnswer = z.object({
  id: z.string(),
  changed: z.record(z.string(), z.array(z.array(z.string()))),
  turns: z.int().optional(),
  valid: z.boolean(),
  error_type: z.string().nullable(),
})
export type ChangedAnswer = z.infer<typeof changedAnswer>

export const changedAnswers = (text: string): ChangedAnswer[] =>
  text
    .trim()
    .split('\n')
    .map((line) => changedAnswer.parse(JSON.parse(line)))

/** The right calls with the changed turns in their place. */
export function answerOf(item: MultiTurnItem, { changed, turns }: ChangedAnswer): (readonly (readonly string[])[])[] {
  const steps = item.rightCalls.map((calls, turn) => changed[turn] ?? (calls.length === 0 ? [] : [calls]))
  return steps.slice(0, turns)
}

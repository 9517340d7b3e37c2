/**
 * Rounds of rollouts and their names. A step has one round; an algorithm that asks for more of them in one step (dynamic sampling) numbers the
 * further rounds past every step, so that each has its own draws.
 */
const EXTRA_ROUND = 1_000_000

/** Number of round `further` of a step: 0 is its first round, whose number is the step itself. */
export const roundOfStep = (step: number, further: number): number => step + further * EXTRA_ROUND

/** The step a round belongs to. */
export const stepOfRound = (round: number): number => round % EXTRA_ROUND

/** `0003` for the first round of step 2, `0003-more-1` for its next; sorted by name, rounds stand in the order of their steps. */
export function roundName(round: number): string {
  const further = Math.floor(round / EXTRA_ROUND)
  return String(stepOfRound(round) + 1).padStart(4, '0') + (further > 0 ? `-more-${further}` : '')
}

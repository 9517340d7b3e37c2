/** The positions that carry loss in imitation: the agent's own tokens, of all turns or of the last, without steps that are filtered out. */
import type { TokenizedTrajectory } from './tokenizedTrajectory'
import { trainedPositions } from './stepRewards'

/** The options, under the names of the settings. */
export interface LossMask {
  readonly mask_history: boolean
  /** Steps labelled 0 carry no loss. */
  readonly step_filtered?: boolean
}

/**
 * Positions that carry loss, ascending. Both narrow the agent's own tokens: with `mask_history` those of the final step are left, and none
 * where `step_filtered` takes that step out.
 */
export function imitatedPositions(
  sequence: Pick<TokenizedTrajectory, 'stepOf' | 'rewards'>,
  { mask_history, step_filtered = false }: LossMask,
): number[] {
  const last = sequence.rewards.length - 1
  return trainedPositions(sequence, 'no_score').filter((position) => {
    const step = sequence.stepOf[position] ?? -1
    return (!mask_history || step === last) && (!step_filtered || sequence.rewards[step] !== 0)
  })
}

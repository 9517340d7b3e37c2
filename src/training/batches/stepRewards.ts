/**
 * Where a step's reward lands: on the last token of its completion. StepTool's released code multiplies reward i of n by
 * (n − i − 1), so the final step counts nothing; its paper (arXiv:2410.07745) has no such factor. Both are here by name (quirk Q1).
 */
import type { TokenizedTrajectory } from './tokenizedTrajectory'

export const STEP_REWARD_WEIGHTINGS = ['paper', 'released'] as const
export type StepRewardWeighting = (typeof STEP_REWARD_WEIGHTINGS)[number]

export const UNLABELLED_STEPS = ['leave_out', 'no_score'] as const
/** How steps without a label are treated. `leave_out` does not train on their tokens; `no_score` trains on them with reward 0. */
export type UnlabelledSteps = (typeof UNLABELLED_STEPS)[number]

function stepWeight(weighting: StepRewardWeighting, step: number, steps: number): number {
  return weighting === 'released' ? steps - step - 1 : 1
}

/** Positions whose token is trained, ascending: completion tokens of labelled steps that have a token before them. */
export function trainedPositions(
  { stepOf, rewards }: Pick<TokenizedTrajectory, 'stepOf' | 'rewards'>,
  unlabelled: UnlabelledSteps,
): number[] {
  const positions: number[] = []
  for (let position = 1; position < stepOf.length; position++) {
    const step = stepOf[position] ?? -1
    if (step >= 0 && (unlabelled === 'no_score' || rewards[step] !== null)) positions.push(position)
  }
  return positions
}

/** The score of each position in `positions`: a step's weighted reward at its last token there, 0 elsewhere. */
export function placeStepScores(
  { stepOf, rewards }: Pick<TokenizedTrajectory, 'stepOf' | 'rewards'>,
  positions: readonly number[],
  weighting: StepRewardWeighting,
): number[] {
  return positions.map((position, row) => {
    const step = stepOf[position] ?? -1
    const next = positions[row + 1]
    const isLast = next === undefined || stepOf[next] !== step
    return isLast && step >= 0 ? (rewards[step] ?? 0) * stepWeight(weighting, step, rewards.length) : 0
  })
}

/**
 * StepTool's own placement (`StepPPOTrainer.compute_rewards`): walk back over the runs of ones in the mask, last score first. Scores of
 * runs that truncation removed are dropped. The same as `placeStepScores` wherever steps are not empty and a prompt token lies between them.
 */
export function placeScoresByMask(mask: readonly number[], scores: readonly number[], weighting: StepRewardWeighting): number[] {
  const placed = mask.map(() => 0)
  let end = mask.length
  for (let step = scores.length - 1; step >= 0; step--) {
    const last = mask.lastIndexOf(1, end - 1)
    if (end === 0 || last < 0) break
    placed[last] = (placed[last] ?? 0) + (scores[step] ?? 0) * stepWeight(weighting, step, scores.length)
    end = mask.lastIndexOf(0, last) + 1
  }
  return placed
}

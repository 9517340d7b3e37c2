/**
 * PPO's arithmetic over dense sequences in f64, as TRL 0.11 `PPOTrainer` and StepTool's `StepPPOTrainer` do it: position t holds
 * log p(ids[t + 1]), V(h_t) and mask[t]. The ops in engine/ops do the same over packed rows; tests hold the two together.
 */
import { z } from 'zod'
import { ppoTerms } from '../engine/ops/ppoLoss'
import type { PpoLossParams } from '../engine/ops/ppoLoss'
import { GAE_MASK_MODES } from '../engine/ops/gae'
import type { GaeParams } from '../engine/ops/gae'
import type { TokenizedTrajectory } from './batches/tokenizedTrajectory'
import { placeStepScores, STEP_REWARD_WEIGHTINGS, trainedPositions, UNLABELLED_STEPS } from './batches/stepRewards'
import type { StepRewardWeighting, UnlabelledSteps } from './batches/stepRewards'

/**
 * Advantages and returns of one sequence. `trl_classic` runs the recursion through masked positions with V = r = 0 there;
 * `skip` carries next value and advantage over them (verl).
 */
export function maskedGae(
  rewards: readonly number[],
  values: readonly number[],
  mask: readonly number[],
  params: GaeParams,
): { advantages: number[]; returns: number[] } {
  const advantages = rewards.map(() => 0)
  let nextValue = 0
  let advantage = 0
  for (let t = rewards.length - 1; t >= 0; t--) {
    const m = mask[t] ?? 0
    if (params.gaeMaskMode === 'trl_classic' || m === 1) {
      const value = m * (values[t] ?? 0)
      advantage = m * (rewards[t] ?? 0) + params.gamma * nextValue - value + params.gamma * params.lam * advantage
      nextValue = value
    }
    advantages[t] = advantage
  }
  return { advantages, returns: advantages.map((a, t) => a + (mask[t] ?? 0) * (values[t] ?? 0)) }
}

/** (x − mean) / √(var + 1e-8), moments over unmasked positions of the whole batch, var unbiased (TRL `masked_whiten`). */
export function maskedWhiten(values: readonly (readonly number[])[], mask: readonly (readonly number[])[]): number[][] {
  const picked = values.flatMap((row, s) => row.filter((_, t) => mask[s]?.[t] === 1))
  const mean = picked.reduce((sum, value) => sum + value, 0) / Math.max(1, picked.length)
  const variance = picked.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, picked.length - 1)
  return values.map((row) => row.map((value) => (value - mean) / Math.sqrt(variance + 1e-8)))
}

export interface PpoLossRow {
  readonly logp: number
  readonly value: number
  readonly oldLogp: number
  readonly oldValue: number
  readonly advantage: number
  readonly returns: number
}

/** Token means over a mini-batch; losses are 0 when the mean ratio passes `ratioThreshold` (TRL's skipped batch). */
export function ppoLossOf(
  rows: readonly PpoLossRow[],
  params: PpoLossParams & { readonly ratioThreshold: number },
): { policy: number; value: number; total: number; ratio: number } {
  const terms = rows.map((row) =>
    ppoTerms(row, { logp: row.oldLogp, value: row.oldValue, advantage: row.advantage, returns: row.returns }, params),
  )
  const mean = (pick: (term: (typeof terms)[number]) => number): number =>
    terms.reduce((sum, term) => sum + pick(term), 0) / Math.max(1, terms.length)
  const ratio = mean((term) => term.ratio)
  const keep = ratio <= params.ratioThreshold ? 1 : 0
  const policy = keep * mean((term) => term.policy)
  const value = keep * mean((term) => term.value)
  return { policy, value, total: policy + params.vfCoef * value, ratio }
}

/**
 * How an algorithm with a value head makes advantages of step rewards: the part of its settings a preview needs. An algorithm that rewards the
 * outcome alone has the first three; the defaults of the others change nothing there.
 */
export const advantageSettings = z.object({
  gamma: z.number(),
  lam: z.number(),
  gae_mask_mode: z.enum(GAE_MASK_MODES),
  step_reward_weighting: z.enum(STEP_REWARD_WEIGHTINGS).default('paper'),
  center_step_rewards: z.boolean().default(false),
  unlabelled_steps: z.enum(UNLABELLED_STEPS).default('leave_out'),
})
export type AdvantageSettings = z.output<typeof advantageSettings>

export interface AdvantagePreviewOptions extends GaeParams {
  readonly step_reward_weighting?: StepRewardWeighting
  readonly unlabelledSteps?: UnlabelledSteps
  readonly whitenAdvantages?: boolean
  readonly vfCoef?: number
  /** The number that is subtracted from every reward: the batch's mean step reward if the algorithm centres rewards. */
  readonly baseline?: number
}

/** One entry per token of the sequence; 0 where `mask` is 0. */
export interface AdvantagePreview {
  /** 1 where the token is trained. */
  readonly mask: readonly number[]
  /** Step rewards where they land. */
  readonly scores: readonly number[]
  readonly advantages: readonly number[]
  readonly whitened: readonly number[]
  readonly returns: readonly number[]
  /** Means over each step's trained tokens; null for a step without any. */
  readonly perStep: readonly ({ readonly advantage: number; readonly whitened: number; readonly tokens: number } | null)[]
  readonly unlabelled: number
  /** At ratio 1, where nothing is clipped: policy = −mean advantage (as the loss uses it), value = ½ mean (V − R)². */
  readonly loss: { readonly policy: number; readonly value: number; readonly total: number }
}

/**
 * What labels do to a trajectory's advantages, before a policy has moved: no KL penalty, whitening over this trajectory alone.
 * @param values the value head's output at each token's predecessor (what predicts the token), one per token; 0 for none.
 */
export function advantagePreview(
  sequence: Pick<TokenizedTrajectory, 'stepOf'>,
  rewards: readonly (number | null)[],
  options: AdvantagePreviewOptions,
  values: readonly number[] | 0 = 0,
): AdvantagePreview {
  const { baseline = 0 } = options
  const labelled = { stepOf: sequence.stepOf, rewards: rewards.map((reward) => (reward === null ? null : reward - baseline)) }
  const positions = trainedPositions(labelled, options.unlabelledSteps ?? 'leave_out')
  const mask = sequence.stepOf.map(() => 0)
  const scores = sequence.stepOf.map(() => 0)
  placeStepScores(labelled, positions, options.step_reward_weighting ?? 'paper').forEach((score, row) => {
    const position = positions[row] ?? 0
    mask[position] = 1
    scores[position] = score
  })
  const onMask = (from: readonly number[]): number[] => from.map((value, position) => (mask[position] === 1 ? value : 0))
  const value = onMask(values === 0 ? scores.map(() => 0) : values)
  const dense = maskedGae(scores, value, mask, options)
  const advantages = onMask(dense.advantages)
  const returns = onMask(dense.returns)
  const whitened = (options.whitenAdvantages ?? true) ? onMask(maskedWhiten([advantages], [mask])[0] ?? []) : advantages
  const rows = positions.map((position) => {
    const v = value[position] ?? 0
    return { logp: 0, oldLogp: 0, value: v, oldValue: v, advantage: whitened[position] ?? 0, returns: returns[position] ?? 0 }
  })
  const {
    policy,
    value: valueLoss,
    total,
  } = ppoLossOf(rows, { cliprange: 0.2, cliprangeValue: 0.2, vfCoef: options.vfCoef ?? 0.1, ratioThreshold: 10 })
  return {
    mask,
    scores,
    advantages,
    whitened,
    returns,
    perStep: rewards.map((_, step) => {
      const own = positions.filter((position) => sequence.stepOf[position] === step)
      const mean = (from: readonly number[]): number => own.reduce((sum, position) => sum + (from[position] ?? 0), 0) / own.length
      return own.length === 0 ? null : { advantage: mean(advantages), whitened: mean(whitened), tokens: own.length }
    }),
    unlabelled: rewards.filter((reward) => reward === null).length,
    loss: { policy, value: valueLoss, total },
  }
}

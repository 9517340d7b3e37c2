/**
 * Advantages of GiGPO (Feng 2025, arXiv:2505.10978), in f64. Groups within groups: attempts at one query are compared as wholes, and steps
 * that were taken in the same state (the anchor state), in whichever attempt and at whichever turn, are compared with each other.
 *   A_E(τ_i)  = (R(τ_i) − mean) / F                                      eq. 3
 *   R_t       = Σ_{k ≥ t} γ^(k − t) r_k                                  eq. 6
 *   A_S(a_t)  = (R_t − mean over the steps taken in the same state) / F  eq. 7; 0 where the state was met once
 *   A(a_t)    = A_E(τ) + ω A_S(a_t)                                      eq. 8
 * F is the standard deviation (n − 1, as in the authors' code) plus 1e-6, or 1.
 */
import { momentsOf } from '../grpo/arithmetic'
import { attemptReward, type AdvantageEstimator, type GrpoSample } from '../grpo/groups'
import type { GigpoConfig } from './config'

/** An attempt, and the state each of its steps was taken in. */
export interface GigpoSample extends GrpoSample {
  /** One per step of the sequence. Steps of a group that have the same text were taken in the same state. */
  readonly states: readonly string[]
}

const STD_EPSILON = 1e-6
type Norm = GigpoConfig['scale_rewards']

/** Values minus their mean; a single value has nothing to be compared with, so it becomes 0. */
function relativeToGroup(values: readonly number[], scale: Norm): number[] {
  const { mean, std } = momentsOf(values)
  if (values.length < 2) return values.map(() => 0)
  return values.map((value) => (value - mean) / (scale === 'group' ? std + STD_EPSILON : 1))
}

/** Σ_{k ≥ t} γ^(k − t) r_k of every step t; a step without a label adds nothing. */
export function discountedReturns(rewards: readonly (number | null)[], gamma: number): number[] {
  const returns = new Array<number>(rewards.length).fill(0)
  let after = 0
  for (let step = rewards.length - 1; step >= 0; step--) {
    after = (rewards[step] ?? 0) + gamma * after
    returns[step] = after
  }
  return returns
}

/** Indexes by key, in the order in which keys are met. */
function byKey(keys: readonly string[]): number[][] {
  const places = new Map<string, number[]>()
  keys.forEach((key, index) => {
    const found = places.get(key)
    if (found) found.push(index)
    else places.set(key, [index])
  })
  return [...places.values()]
}

/** A_E of every attempt: 0 for one that has no reward. */
export function episodeAdvantages(
  samples: readonly GrpoSample[],
  { reward, scale_rewards }: Pick<GigpoConfig, 'reward' | 'scale_rewards'>,
) {
  const rewards = samples.map(({ sequence }) => attemptReward(sequence, reward))
  const advantages = samples.map(() => 0)
  for (const members of byKey(samples.map(({ group }) => group))) {
    const scored = members.filter((index) => (rewards[index] ?? null) !== null)
    relativeToGroup(
      scored.map((index) => rewards[index] ?? 0),
      scale_rewards,
    ).forEach((value, at) => (advantages[scored[at] ?? 0] = value))
  }
  return advantages
}

interface StepAdvantages {
  /** A_S of every step of each sample. */
  readonly ofSteps: readonly (readonly number[])[]
  /** The number of steps in each state that occurred. */
  readonly groupSizes: readonly number[]
}

export function stepAdvantages(samples: readonly GigpoSample[], { gamma, scale_rewards }: Pick<GigpoConfig, 'gamma' | 'scale_rewards'>) {
  const returns = samples.map(({ sequence }) => discountedReturns(sequence.rewards, gamma))
  const steps = samples.flatMap(({ group, states }, sample) =>
    states.map((state, step) => ({ sample, step, key: JSON.stringify([group, state]) })),
  )
  const ofSteps = returns.map((own) => own.map(() => 0))
  const groups = byKey(steps.map(({ key }) => key))
  for (const members of groups) {
    const values = members.map((index) => returns[steps[index]?.sample ?? 0]?.[steps[index]?.step ?? 0] ?? 0)
    relativeToGroup(values, scale_rewards).forEach((value, at) => {
      const place = steps[members[at] ?? 0]
      const row = ofSteps[place?.sample ?? 0]
      if (place && row) row[place.step] = value
    })
  }
  return { ofSteps, groupSizes: groups.map(({ length }) => length) } satisfies StepAdvantages
}

/** The sum of the advantages of both levels. A group is flat if all of these sums are 0. */
export const gigpoAdvantages =
  (settings: GigpoConfig): AdvantageEstimator<GigpoSample> =>
  (samples) => {
    const ofEpisodes = episodeAdvantages(samples, settings)
    const { ofSteps, groupSizes } = stepAdvantages(samples, settings)
    const total = ofSteps.map((own, sample) => own.map((value) => (ofEpisodes[sample] ?? 0) + settings.step_advantage_w * value))
    const moving = new Set(samples.filter((_, sample) => total[sample]?.some((value) => Math.abs(value) > 1e-8)).map(({ group }) => group))
    const steps = groupSizes.reduce((sum, size) => sum + size, 0)
    const compared = groupSizes.filter((size) => size > 1)
    return {
      ofSteps: total,
      flatGroups: new Set(samples.map(({ group }) => group).filter((group) => !moving.has(group))),
      metrics: {
        'gigpo/compared_steps': compared.reduce((sum, size) => sum + size, 0) / Math.max(1, steps),
        'gigpo/state_group_size': steps / Math.max(1, groupSizes.length),
      },
    }
  }

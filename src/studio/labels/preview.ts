/** A trajectory as the model is trained on it: its tokens, its loss mask, and what labels do to its advantages. */
import { stepsOf, withoutTokens, type Trajectory } from '../../records/trajectory'
import { advantagePreview, type AdvantageSettings } from '../../training/advantage'
import { recordedAdvantages } from '../../training/batches/recordedAdvantages'
import { tokenizeTrajectory, type TokenizedTrajectory } from '../../training/batches/tokenizedTrajectory'
import type { AdvantagePreview, Reply, TokenPreview } from '../../worker/protocol'
import type { LabelsApi, TrajectoriesApi } from '../../worker/studioApi'
import { accept, attempt, refuse } from '../failure'
import type { ModelText } from '../models/models'
import type { PreviewBasis } from './previewBasis'

type Limits = Parameters<TrajectoriesApi['tokenPreview']>[1]
type Rewards = readonly (number | null)[]

function tokenPreviewOf(trajectory: Trajectory, model: ModelText, { maxContextLen, maxResponseLen }: Limits): Reply<TokenPreview> {
  if (stepsOf(trajectory).length === 0) return refuse('no-steps', 'This trajectory has no steps.')
  const noRewards = stepsOf(trajectory).map(() => null)
  const options = { maxContextLen, maxResponseLen, encoding: 'auto' } as const
  const sequence = tokenizeTrajectory(withoutForeignIds(trajectory, model), noRewards, model.tokenizer, options)
  return accept(
    shown(
      sequence,
      model,
      sequence.stepOf.map((step, position) => (step >= 0 && position > 0 ? 1 : 0)),
    ),
  )
}

/** What the update recorded, or null: nothing was recorded, or not with these tokens. */
function recordedPreview(trajectory: Trajectory, rewards: Rewards, model: ModelText, basis: PreviewBasis): AdvantagePreview | null {
  if (!basis.tokensOfRun) return null
  const sequence = basis.tokensOfRun.make({ trajectory: withoutForeignIds(trajectory, model), rewards }, model.tokenizer)
  const recorded = recordedAdvantages(trajectory, sequence)
  if (recorded === null) return null
  const mask = recorded.map((value) => (value === null ? 0 : 1))
  const advantages = recorded.map((value) => value ?? 0)
  return {
    tokens: shown(sequence, model, mask),
    rewards: [...rewards],
    ...{ advantages, whitened: advantages, loss: null },
    basis: { kind: 'recorded', algorithm: basis.runAlgorithm ?? basis.algorithm, limits: basis.tokensOfRun.limits },
  }
}

/** @param rewards one per step of the trajectory. */
function computedPreview(
  trajectory: Trajectory,
  rewards: Rewards,
  model: ModelText,
  basis: PreviewBasis,
  weighting: AdvantageSettings['step_reward_weighting'],
): AdvantagePreview {
  const sequence = basis.tokens.make({ trajectory: withoutForeignIds(trajectory, model), rewards }, model.tokenizer)
  const { gamma, lam, gae_mask_mode, unlabelled_steps } = basis.settings
  // A value head that has learnt nothing yet says 0: the labels alone speak.
  const { mask, advantages, whitened, loss } = advantagePreview(sequence, sequence.rewards, {
    ...{ gamma, lam, gaeMaskMode: gae_mask_mode, step_reward_weighting: weighting },
    ...{ unlabelledSteps: unlabelled_steps, baseline: basis.baseline },
  })
  return {
    tokens: shown(sequence, model, mask),
    rewards: [...rewards],
    ...{ advantages, whitened, loss: loss.total, step_reward_weighting: weighting },
    basis: { kind: basis.isOfRun ? 'run' : 'default', algorithm: basis.algorithm, limits: basis.tokens.limits },
  }
}

/** Ids of another vocabulary mean nothing to this model: it reads the text. */
function withoutForeignIds(trajectory: Trajectory, { tokenizer }: ModelText): Trajectory {
  const isOwn = stepsOf(trajectory).every(
    ({ tokens }) => tokens === null || [...tokens.prompt_ids, ...tokens.completion_ids].every((id) => id < tokenizer.vocabSize),
  )
  return isOwn ? trajectory : withoutTokens(trajectory)
}

/** The sequence with steps as the trajectory counts them. */
function shown(sequence: TokenizedTrajectory, { tokenizer }: ModelText, mask: readonly number[]): TokenPreview {
  const stepAt = (at: number): number => (at < 0 ? -1 : (sequence.stepIndex[at] ?? -1))
  return {
    trajectory_id: sequence.trajectoryId,
    ids: [...sequence.ids],
    text: tokenizer.tokenTexts(sequence.ids),
    mask: [...mask],
    step: sequence.stepOf.map(stepAt),
    truncatedTokens: sequence.truncatedTokens,
    truncatedSteps: sequence.truncatedSteps.map(stepAt),
    notTrainedSteps: sequence.notTrainedSteps.map(stepAt),
  }
}

/** Why these rewards cannot be previewed; null when they can. */
function rewardProblem(trajectory: Trajectory, rewards: Rewards): Reply<never> | null {
  const steps = stepsOf(trajectory).length
  if (steps === 0) return refuse('no-steps', 'This trajectory has no steps.')
  if (rewards.length !== steps) return refuse('rewards', `Expected ${steps} rewards, one for each step, found ${rewards.length}.`)
  const bad = rewards.findIndex((value) => value !== null && !Number.isFinite(value))
  return bad < 0 ? null : refuse('rewards', `The reward of step ${bad + 1} is not a number.`)
}

export interface PreviewParts {
  readonly trajectory: (id: string) => Promise<Trajectory | null>
  readonly rewards: (trajectory: Trajectory) => Promise<Rewards>
  /** The model whose tokenizer is used; null: the embedded one. */
  readonly model: (id: string | null) => Promise<Reply<ModelText>>
  /** What the preview of this trajectory is computed from. */
  readonly basisOf: (trajectory: Trajectory) => Promise<PreviewBasis>
}

export type Previews = Pick<TrajectoriesApi, 'tokenPreview'> & Pick<LabelsApi, 'advantagePreview'>

export function createPreviews({ trajectory: find, rewards: rewardsOf, model, basisOf }: PreviewParts): Previews {
  const withTrajectory = <T>(id: string, work: (trajectory: Trajectory) => Promise<Reply<T>>): Promise<Reply<T>> =>
    attempt('preview', async () => {
      const trajectory = await find(id)
      return trajectory ? work(trajectory) : refuse('unknown-trajectory', `There is no trajectory ${id}.`)
    })
  return {
    tokenPreview: (id, limits) =>
      withTrajectory(id, async (trajectory) => {
        const text = await model(limits.model ?? null)
        return text.ok ? tokenPreviewOf(trajectory, text.value, limits) : text
      }),
    advantagePreview: (id, override, options) =>
      withTrajectory<AdvantagePreview>(id, async (trajectory) => {
        const basis = await basisOf(trajectory)
        const text = await model(options.model ?? basis.model)
        if (!text.ok) return text
        const rewards = override ?? (await rewardsOf(trajectory))
        const problem = rewardProblem(trajectory, rewards)
        if (problem) return problem
        const recorded = override === null ? recordedPreview(trajectory, rewards, text.value, basis) : null
        const weighting = options.step_reward_weighting ?? basis.settings.step_reward_weighting
        return accept(recorded ?? computedPreview(trajectory, rewards, text.value, basis, weighting))
      }),
  }
}

/** A trajectory as the model is trained on it: its tokens, its loss mask, and what labels do to its advantages. */
import { stepsOf, type Trajectory } from '../../records/trajectory'
import { advantagePreview } from '../../training/advantage'
import type { AdvantagePreviewOptions, AdvantageSettings } from '../../training/advantage'
import { tokenizeTrajectory, type TokenizedTrajectory } from '../../training/batches/tokenizedTrajectory'
import type { AdvantagePreview, Reply, TokenPreview } from '../../worker/protocol'
import type { LabelsApi, TrajectoriesApi } from '../../worker/studioApi'
import { accept, attempt, refuse } from '../failure'
import type { ModelText } from '../models/models'

type Limits = Parameters<TrajectoriesApi['tokenPreview']>[1]

function tokenPreviewOf(trajectory: Trajectory, model: ModelText, limits: Limits): Reply<TokenPreview> {
  if (stepsOf(trajectory).length === 0) return refuse('no-steps', 'This trajectory has no steps.')
  const sequence = sequenceOf(
    trajectory,
    stepsOf(trajectory).map(() => null),
    model,
    limits,
  )
  return accept(
    shown(
      sequence,
      model,
      sequence.stepOf.map((step, position) => (step >= 0 && position > 0 ? 1 : 0)),
    ),
  )
}

/** `rewards`: one per step of the trajectory. */
function advantagePreviewOf(
  trajectory: Trajectory,
  rewards: readonly (number | null)[],
  model: ModelText,
  limits: Limits,
  options: AdvantagePreviewOptions & Pick<AdvantageSettings, 'step_reward_weighting'>,
): Reply<AdvantagePreview> {
  if (stepsOf(trajectory).length === 0) return refuse('no-steps', 'This trajectory has no steps.')
  if (rewards.length !== stepsOf(trajectory).length)
    return refuse('rewards', `Expected ${stepsOf(trajectory).length} rewards, one for each step, found ${rewards.length}.`)
  const bad = rewards.findIndex((value) => value !== null && !Number.isFinite(value))
  if (bad >= 0) return refuse('rewards', `The reward of step ${bad + 1} is not a number.`)
  const sequence = sequenceOf(trajectory, rewards, model, limits)
  // A value head that has learnt nothing yet says 0: the labels alone speak.
  const { mask, advantages, whitened, loss } = advantagePreview(sequence, sequence.rewards, options)
  return accept({
    tokens: shown(sequence, model, mask),
    rewards: [...rewards],
    advantages,
    whitened,
    loss: loss.total,
    step_reward_weighting: options.step_reward_weighting,
  })
}

function sequenceOf(
  trajectory: Trajectory,
  rewards: readonly (number | null)[],
  { tokenizer }: ModelText,
  limits: Limits,
): TokenizedTrajectory {
  // Ids of another vocabulary mean nothing here.
  const isOwn = stepsOf(trajectory).every(
    ({ tokens }) => tokens === null || [...tokens.prompt_ids, ...tokens.completion_ids].every((id) => id < tokenizer.vocabSize),
  )
  return tokenizeTrajectory(trajectory, rewards, tokenizer, {
    maxContextLen: limits.maxContextLen,
    maxResponseLen: limits.maxResponseLen,
    encoding: isOwn ? 'auto' : 'text',
  })
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

export interface PreviewParts {
  readonly trajectory: (id: string) => Promise<Trajectory | null>
  readonly rewards: (trajectory: Trajectory) => Promise<readonly (number | null)[]>
  /** The model whose tokenizer is used; null: the embedded one. */
  readonly model: (id: string | null) => Promise<Reply<ModelText>>
  /** Settings as the default algorithm has them. */
  readonly advantages: AdvantageSettings
}

export type Previews = Pick<TrajectoriesApi, 'tokenPreview'> & Pick<LabelsApi, 'advantagePreview'>

export function createPreviews({ trajectory: find, rewards: rewardsOf, model, advantages: defaults }: PreviewParts): Previews {
  const withTrajectory = <T>(
    id: string,
    modelId: string | null | undefined,
    work: (trajectory: Trajectory, text: ModelText) => Promise<Reply<T>> | Reply<T>,
  ): Promise<Reply<T>> =>
    attempt('preview', async () => {
      const trajectory = await find(id)
      if (!trajectory) return refuse('unknown-trajectory', `There is no trajectory ${id}.`)
      const text = await model(modelId ?? null)
      return text.ok ? work(trajectory, text.value) : text
    })
  return {
    tokenPreview: (id, limits) => withTrajectory(id, limits.model, (trajectory, text) => tokenPreviewOf(trajectory, text, limits)),
    advantagePreview: (id, override, options) =>
      withTrajectory(id, options.model, async (trajectory, text) =>
        advantagePreviewOf(trajectory, override ?? (await rewardsOf(trajectory)), text, options, {
          gamma: defaults.gamma,
          lam: defaults.lam,
          gaeMaskMode: defaults.gae_mask_mode,
          step_reward_weighting: options.step_reward_weighting ?? defaults.step_reward_weighting,
        }),
      ),
  }
}

/**
 * PPO on the outcome (Schulman 2017, arXiv:1707.06347; StepTool's baseline): one reward for a whole trajectory. It is step-grained PPO
 * (steptoolPpo.ts has the loop) with the scores [0, …, 0, r_T], each counted once:
 *   reward    −β (log π − log π_ref) per token, plus r_T at the last token of the final step
 *   the rest  GAE over the agent's own tokens, whitening, clipped losses, Adam and the KL controller, unchanged
 * How the trajectory ended must reach its first step through γ, λ and the value head, so `gae_mask_mode` decides more here than anywhere:
 * with `trl_classic` next to nothing passes a long tool reply. A trajectory without an outcome is not trained.
 * StepTool's released baseline (`src/baseline-ppo/ppo.py`) learns to write Python lists instead: `literal_text_bug`, off by default.
 */
import { reprPython } from '../../../base/pythonRepr'
import { chosenPath, stepsOf } from '../../../records/trajectory'
import { withSteps } from '../../../records/trajectoryFromSteps'
import type { Trajectory } from '../../../records/trajectory'
import type { TrainingContext } from '../../trainingContext'
import { outcomeOf } from '../../batches/outcome'
import type { BatchSource } from '../../batches/batchLayout'
import { ppoSequenceOptions } from './config'
import type { PpoConfig, SteptoolPpoConfig } from './config'
import { tokenizeTrajectory } from '../../batches/tokenizedTrajectory'
import type { TokenizedTrajectory } from '../../batches/tokenizedTrajectory'
import type { TextEncoding } from '../../../base/textCodec'
import { runSteptoolPpo } from './loop'
import type { SteptoolPpoResult } from './loop'

/** The configuration of the loop for these settings. */
export const stepGrained = (settings: PpoConfig): SteptoolPpoConfig => ({
  ...settings,
  step_reward_weighting: 'paper',
  unlabelled_steps: 'leave_out',
  center_step_rewards: false,
})

/** [0, …, 0, r_T]: one score per step of the trajectory; null throughout where the outcome is not known. */
function outcomeScores(trajectory: Trajectory, outcome: number | null): (number | null)[] {
  const final = chosenPath(trajectory).at(-1)?.index
  return stepsOf(trajectory).map((_, step) => (outcome === null ? null : step === final ? outcome : 0))
}

/** @param rewards one per step of the trajectory. */
export function outcomeSequence(
  trajectory: Trajectory,
  rewards: readonly (number | null)[],
  codec: TextEncoding,
  settings: PpoConfig,
): TokenizedTrajectory {
  const outcome = outcomeOf(trajectory, rewards, settings.reward)
  const record = settings.literal_text_bug ? literalText(trajectory) : trajectory
  const options = ppoSequenceOptions(settings)
  return tokenizeTrajectory(
    record,
    outcomeScores(record, outcome),
    codec,
    settings.literal_text_bug ? { ...options, encoding: 'text_released' } : options,
  )
}

/** The trajectory as one prompt and one completion: the texts of two Python lists, as `tok.encode` receives them. */
function literalText(trajectory: Trajectory): Trajectory {
  const path = chosenPath(trajectory).map(({ step }) => step)
  const final = path.at(-1)
  if (!final) return trajectory
  const [prompt, completion] = [path.map((step) => step.prompt), path.map((step) => step.completion)].map(reprPython)
  return withSteps(trajectory, [{ ...final, parent: null, prompt: prompt ?? '', completion: completion ?? '' }])
}

const withOutcome = (sequences: readonly TokenizedTrajectory[]): number =>
  sequences.filter(({ rewards }) => rewards.some((reward) => reward !== null)).length

/** One sentence that says why no trajectory has a reward; null if one has. */
export function noOutcomeSentence(sequences: readonly TokenizedTrajectory[], { reward }: Pick<PpoConfig, 'reward'>): string | null {
  if (withOutcome(sequences) > 0) return null
  const lacks = reward === 'status' ? 'a status' : 'a label on its final step or a status'
  return `PPO is rewarded by outcomes, and none of the ${sequences.length} trajectories has ${lacks}.`
}

/** One sentence on the trajectories without an outcome, which are not trained on; null if there are none. */
export function outcomeNote(sequences: readonly TokenizedTrajectory[]): string | null {
  const without = sequences.length - withOutcome(sequences)
  return without === 0 ? null : `${without} of ${sequences.length} trajectories have no outcome and are not trained.`
}

/** Sequences come from `outcomeSequence`. The caller owns the returned policy. */
export function runPpo(context: TrainingContext, settings: PpoConfig, source: BatchSource): Promise<SteptoolPpoResult> {
  const report: TrainingContext['report'] = (step, metrics) => {
    const { 'ppo/mean_scores': mean = Number.NaN, 'ppo/std_scores': std = Number.NaN } = metrics
    // The zeros before the outcome are no labels.
    context.report(step, { ...metrics, 'env/reward_mean': mean, 'env/reward_std': std })
  }
  return runSteptoolPpo({ ...context, report }, stepGrained(settings), source)
}

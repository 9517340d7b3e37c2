/** The parts that both PPOs share. They differ only in the rewards of their sequences. */
import type { LoopFeed, StoryScale } from '../../algorithm'
import { datasetBatches, datasetSource } from '../../batches/batchLayout'
import type { BatchSource } from '../../batches/batchLayout'
import { STEPS_LOOKED_AT } from '../../batches/expectedEpisodes'
import type { LabelledTrajectory } from '../../batches/labelledTrajectory'
import type { MaskRule } from '../../preflight/sequenceChecks'
import type { TokenizedTrajectory } from '../../batches/tokenizedTrajectory'
import { trainedPositions } from '../../batches/stepRewards'
import type { UnlabelledSteps } from '../../batches/stepRewards'
import type { PpoSettings } from './config'
import { ppoTrainable } from './loop'
import { ppoQuestions } from './questions'

export const ppoParts = {
  metricQuestions: ppoQuestions,
  alarmsOff: [],
  learnsFrom: ['files', 'rollouts'],
  usesReference: true,
  sizes: (config: PpoSettings) => ({ steps: config.max_steps, batch: config.batch_size, samplesPerQuery: 1, passes: config.ppo_epochs }),
  trainable: (config: PpoSettings, isContinued: boolean) => ppoTrainable(config, isContinued),
  halvable: { max_tokens_per_micro_batch: 64, max_context_len: 64, lora_r: 1 },
} as const

export const ppoStoryDefaults = ({ batch, steps, epochs, learningRate }: StoryScale) => ({
  learning_rate: learningRate,
  max_steps: steps,
  ppo_epochs: epochs,
  batch_size: batch,
  mini_batch_size: Math.max(1, batch / 4),
  gradient_accumulation_steps: 1,
  init_kl_coef: 0.2,
  max_grad_norm: 1,
  max_context_len: 512,
  max_response_len: 64,
})

export const ppoLimits = (config: PpoSettings): string =>
  `max_context_len ${config.max_context_len} and max_response_len ${config.max_response_len}`

export const ppoNotes = (config: PpoSettings): string[] => [
  config.gae_mask_mode === 'skip'
    ? 'Advantages skip the tokens of tool replies (gae_mask_mode: skip).'
    : 'Advantages decay over every token of a tool reply, as in TRL (gae_mask_mode: trl_classic).',
  ...(config.reward_dtype === 'float16' ? ['Rewards are rounded to 16 bits, as in StepTool’s code (reward_dtype: float16).'] : []),
]

export const ppoMask = (unlabelled: UnlabelledSteps): MaskRule => ({
  positions: (sequence) => trainedPositions(sequence, unlabelled),
  whyNone: unlabelled === 'leave_out' ? 'no remaining step is labelled' : 'every completion was cut away',
})

/** The batches of a run's first steps, as `ppoSource` gives them. Data that does not fill a batch cannot be trained on, but its size is known. */
export function firstBatches(
  sequences: readonly TokenizedTrajectory[],
  { batch_size }: Pick<PpoSettings, 'batch_size'>,
  steps: number,
  seed: number,
): readonly (readonly TokenizedTrajectory[])[] {
  if (sequences.length < batch_size) return [sequences]
  const batchOf = datasetBatches(sequences, batch_size, seed)
  return Array.from({ length: Math.min(steps, STEPS_LOOKED_AT) }, (_, step) => batchOf(step))
}

/** Batches of the data, or of rollouts. @param build tokenizes, and throws when there is nothing to learn from. */
export function ppoSource(
  { data, rollouts }: LoopFeed,
  { batch_size }: Pick<PpoSettings, 'batch_size'>,
  seed: number,
  build: (labelled: readonly LabelledTrajectory[], since?: string) => TokenizedTrajectory[],
): BatchSource {
  if (data) return datasetSource(build(data), batch_size, seed)
  return { next: async (step, policy) => build(await rollouts(policy, step), `From step ${step + 1} on: `) }
}

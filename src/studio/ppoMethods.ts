/** Both PPOs as methods: of each step's reward, and of the outcome's alone. */
import {
  noOutcomeSentence,
  outcomeNote,
  outcomeSequence,
  ppo,
  runPpo,
  stepGrained,
  type PpoConfig,
} from '../training/algorithms/ppo/outcome'
import { ppoTrainable, runSteptoolPpo, steptoolPpo, type SteptoolPpoConfig } from '../training/algorithms/ppo/loop'
import { ppoMemory, type MemoryPart } from '../training/preflight/memoryPlan'
import type { TrainableSet } from '../training/policy/policyModel'
import { chunk, datasetSource, type BatchSource } from '../training/batches/batchLayout'
import { ppoSequenceOptions, type PpoSettings } from '../training/algorithms/ppo/config'
import { tokenizeTrajectory, type TokenizedTrajectory, type TokenizeOptions } from '../training/batches/tokenizedTrajectory'
import { BATCHES_LOOKED_AT, defineMethod, truncationNote, usualEpisode, type Feed, type MemoryRequest, type StoryScale } from './method'
import type { ModelText } from './models/models'
import type { LabelledTrajectory } from '../training/batches/labelledTrajectory'

/** What both PPOs share: they differ in the rewards of their sequences alone. */
const ppoParts = {
  isOnline: true,
  trainable: (config: PpoSettings, isContinued: boolean): TrainableSet => ({ ...ppoTrainable(config, isContinued), valueHead: false }),
  hasValueHead: () => true,
  stepsOf: (config: PpoSettings) => config.max_steps,
  batchOf: (config: PpoSettings) => config.batch_size,
  samplesOf: () => 1,
  passesOf: (config: PpoSettings) => config.ppo_epochs,
  storyConfig: ({ batch, steps, epochs, learningRate }: StoryScale) => ({
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
  }),
  halved: { max_tokens_per_micro_batch: 64, max_context_len: 64, lora_r: 1 },
}

const ppoNotes = (config: PpoSettings): string[] => [
  config.gae_mask_mode === 'skip'
    ? 'Credit passes over tool replies (gae_mask_mode: skip).'
    : 'Credit decays over every token of a tool reply, as in TRL (gae_mask_mode: trl_classic).',
  ...(config.reward_dtype === 'float16' ? ['Rewards are rounded to 16 bits, as in StepTool’s code (reward_dtype: float16).'] : []),
]

const sequencesOf = (labelled: readonly LabelledTrajectory[], { tokenizer }: ModelText, options: TokenizeOptions): TokenizedTrajectory[] =>
  labelled.map(({ trajectory, rewards }) => tokenizeTrajectory(trajectory, rewards, tokenizer, options))

type SequencesOf = (labelled: readonly LabelledTrajectory[]) => TokenizedTrajectory[]

function ppoMemoryOf(
  config: SteptoolPpoConfig,
  { model, data, steps, seed, device, isContinued }: MemoryRequest,
  build: SequencesOf,
): MemoryPart[] {
  const sequences = data
    ? build(data.slice(0, BATCHES_LOOKED_AT * config.batch_size))
    : Array.from({ length: config.batch_size }, () => usualEpisode)
  // A data set smaller than a batch cannot be trained on, but its size can be told.
  const batches = chunk(sequences, config.batch_size).slice(0, Math.min(steps, BATCHES_LOOKED_AT))
  return ppoMemory(model.config, config, batches, seed, device, isContinued)
}

/** Batches of the data, or of practice; what the limits cut is noted. */
function ppoSource(feed: Feed, config: PpoSettings, seed: number, build: SequencesOf): BatchSource {
  const limits = `max_context_len ${config.max_context_len} and max_response_len ${config.max_response_len}`
  if (feed.data) {
    const sequences = build(feed.data)
    const note = truncationNote(sequences, limits)
    if (note !== null) feed.onNote(note)
    return datasetSource(sequences, config.batch_size, seed)
  }
  return {
    next: async (step, policy) => {
      const sequences = build(await feed.practice(policy, step))
      const note = truncationNote(sequences, limits)
      if (note !== null) feed.onNote(`From step ${step + 1} on: ${note}`)
      return sequences
    },
  }
}

export const steptoolPpoMethod = defineMethod({
  algorithm: steptoolPpo,
  ...ppoParts,
  storyConfig: (scale) => ({ ...ppoParts.storyConfig(scale), center_step_rewards: true }),
  notesOf: (config) => [
    config.step_reward_weighting === 'released'
      ? 'Step rewards are multiplied by n − i − 1 as in StepTool’s released code: the final step counts nothing (step_reward_weighting: released).'
      : 'Every step’s reward counts once, as in the paper (step_reward_weighting: paper).',
    config.center_step_rewards
      ? 'The batch’s mean step reward is taken off each: a further step earns nothing by itself (center_step_rewards: true).'
      : 'Rewards count as they are: where all are positive every further step earns, whatever it does (center_step_rewards: false).',
    ...ppoNotes(config),
  ],
  memoryOf: (config, request) =>
    ppoMemoryOf(config, request, (labelled) => sequencesOf(labelled, request.model, ppoSequenceOptions(config))),
  train: async (context, config: SteptoolPpoConfig, feed) => {
    const source = ppoSource(feed, config, context.seed, (labelled) => sequencesOf(labelled, feed.model, ppoSequenceOptions(config)))
    return (await runSteptoolPpo(context, config, source)).policy
  },
})

const outcomeSequences = (labelled: readonly LabelledTrajectory[], { tokenizer }: ModelText, config: PpoConfig): TokenizedTrajectory[] =>
  labelled.map(({ trajectory, rewards }) => outcomeSequence(trajectory, rewards, tokenizer, config))

export const ppoMethod = defineMethod({
  algorithm: ppo,
  ...ppoParts,
  notesOf: (config) => [
    config.reward === 'status'
      ? 'The trajectory’s status is the only reward, at its last token (reward: status).'
      : 'The final step’s label is the only reward, at its last token (reward: final_step).',
    ...ppoNotes(config),
    ...(config.literal_text_bug
      ? ['Prompts and completions are written as two Python lists, as in StepTool’s released baseline (literal_text_bug).']
      : []),
  ],
  memoryOf: (config, request) =>
    ppoMemoryOf({ ...stepGrained(config), unlabelled_steps: 'no_score' }, request, (labelled) =>
      outcomeSequences(labelled, request.model, config),
    ),
  train: async (context, config: PpoConfig, feed) => {
    const source = ppoSource(feed, config, context.seed, (labelled) => {
      const sequences = outcomeSequences(labelled, feed.model, config)
      const problem = noOutcomeSentence(sequences, config)
      if (problem !== null) throw new Error(problem)
      const note = outcomeNote(sequences)
      if (note !== null) feed.onNote(note)
      return sequences
    })
    return (await runPpo(context, config, source)).policy
  },
})

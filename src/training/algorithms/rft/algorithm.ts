/** Rejection-sampling fine-tuning, as the catalogue knows it. */
import { defineAlgorithm } from '../../algorithm'
import type { Tokenization } from '../../algorithm'
import { usualWithin } from '../../batches/expectedEpisodes'
import { imitationMask } from '../../batches/imitationMask'
import type { LabelledTrajectory } from '../../batches/labelledTrajectory'
import { imitatedPositions } from '../../batches/lossMask'
import { samplesOf } from '../../batches/sampleSource'
import { tokenizeTrajectory } from '../../batches/tokenizedTrajectory'
import type { TokenizedTrajectory } from '../../batches/tokenizedTrajectory'
import { optimizerQuestions } from '../../policy/metricQuestions'
import { sftTrainable } from '../sft/config'
import { sftMemory } from '../sft/memory'
import { rftConfig, rftMetricMeanings } from './config'
import type { RftConfig } from './config'
import { runRft } from './loop'
import type { RftSource } from './loop'
import { nothingKeptSentence, rftAttempts, rftSequenceOptions, selectPasses } from './selection'
import { rftInterop } from './interop'

function tokenization(config: RftConfig): Tokenization {
  const options = rftSequenceOptions(config)
  return {
    tokenize: ({ trajectory, rewards }, codec) => tokenizeTrajectory(trajectory, rewards, codec, options),
    limits: `max_context_len ${options.maxContextLen} and max_response_len ${options.maxResponseLen}`,
  }
}

/** All attempts, whether they pass or not, as far as they have a token to imitate and fit a batch. */
const samplesOfAll = (sequences: readonly TokenizedTrajectory[], { mask_history, tokens_per_batch }: RftConfig) =>
  sequences
    .filter(({ ids }) => ids.length <= tokens_per_batch)
    .map((sequence) => ({ ids: sequence.ids, targets: imitatedPositions(sequence, { mask_history }) }))
    .filter(({ targets }) => targets.length > 0)

export const rft = defineAlgorithm({
  name: 'rft',
  title: 'Rejection sampling (RFT)',
  paper: 'Yuan 2023, arXiv:2308.01825; RAFT: Dong 2023, arXiv:2304.06767',
  help: 'RFT makes several attempts at each query, selects those that pass, and imitates them. It needs neither a value head nor a reference.',
  colour: 5,
  config: rftConfig,
  metrics: rftMetricMeanings,
  metricQuestions: optimizerQuestions,
  // Imitation lowers the entropy, as intended.
  alarmsOff: ['entropy_collapse'],
  learnsFrom: ['files', 'rollouts'],
  usesReference: false,
  sizes: (config) => ({
    steps: config.max_steps,
    batch: config.generation_batch_size,
    samplesPerQuery: config.num_generations,
    passes: 1,
  }),
  // As many attempts as the other algorithms: a round of rollouts for every update.
  storyDefaults: ({ batch, steps }) => ({
    learning_rate: 1e-3,
    max_steps: steps,
    sampling_rounds: steps,
    generation_batch_size: batch,
    num_generations: Math.min(8, batch),
    gradient_accumulation_steps: 2,
    lr_scheduler_type: 'constant' as const,
    max_context_len: 512,
    max_response_len: 64,
  }),
  trainable: (config) => sftTrainable(config),
  tokenization,
  checkData: (config, { labelled, tokenize, seed }) => {
    const attempts = rftAttempts(labelled, tokenize(labelled), config)
    const { kept, counts } = selectPasses(attempts, config, seed, 0)
    return kept.length === 0 ? nothingKeptSentence(attempts, counts, config) : null
  },
  preflight: { mask: imitationMask, rewards: 'none' },
  memory: (config, { model, data, expectedRollouts, steps, seed, device, tokenize }) => {
    const sequences = data ? tokenize(data) : expectedRollouts(config.generation_batch_size, steps).flat()
    const { kept } = selectPasses(rftAttempts(data ?? [], sequences, config), config, seed, 0)
    // Before attempts are labelled none passes: then the size of all is known, or that of a usual one.
    const samples = [kept, samplesOfAll(sequences, config), [usualWithin(config.tokens_per_batch)]].find(({ length }) => length > 0) ?? []
    return sftMemory(model.config, config, samplesOf(samples), steps, device)
  },
  notes: ({ reward, reward_threshold, max_samples_per_query, step_filtered, mask_history }) => [
    `Attempts with a ${reward} of at least ${reward_threshold} are imitated, at most ${max_samples_per_query} per query.`,
    mask_history
      ? `Only the last step of each is imitated; the steps before it are context (mask_history)${step_filtered ? ', and an attempt whose last step is labelled 0 is left out (step_filtered)' : ''}.`
      : step_filtered
        ? 'Steps labelled 0 carry no loss (step_filtered).'
        : 'All steps are imitated, whatever their labels (step_filtered: false).',
  ],
  halvable: { tokens_per_batch: 64, lora_r: 1 },
  interop: rftInterop,
  train: async (context, config, { data, rollouts, tokenize, onNote }) => {
    const attemptsOf = (labelled: readonly LabelledTrajectory[], since = '') => rftAttempts(labelled, tokenize(labelled, since), config)
    const source: RftSource = data
      ? { isFresh: false, next: () => Promise.resolve(attemptsOf(data)) }
      : { isFresh: true, next: async (step, policy) => attemptsOf(await rollouts(policy, step), `From step ${step + 1} on: `) }
    return (await runRft(context, config, source, onNote)).policy
  },
})

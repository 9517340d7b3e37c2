/** Supervised fine-tuning, as the catalogue knows it. */
import { defineAlgorithm } from '../../algorithm'
import type { SequenceLimits, Tokenization } from '../../algorithm'
import { imitationMask } from '../../batches/imitationMask'
import { imitationSamples } from '../../batches/imitationSamples'
import { samplesOf } from '../../batches/sampleSource'
import { tokenizeTrajectory } from '../../batches/tokenizedTrajectory'
import { usualWithin } from '../../batches/expectedEpisodes'
import { optimizerQuestions } from '../../policy/metricQuestions'
import { sftConfig, sftMetricMeanings, sftTrainable } from './config'
import type { SftConfig } from './config'
import { runSft } from './loop'
import { sftMemory } from './memory'
import { sftInterop } from './interop'

/** A sample must fit one micro-batch: the final response gets at most a quarter of it, what comes before it the rest. */
function tokenization({ tokens_per_batch: budget }: SftConfig, limits: SequenceLimits): Tokenization {
  const maxResponseLen = Math.min(limits.maxResponseLen ?? Math.floor(budget / 4), budget - 1)
  const maxContextLen = Math.min(limits.maxContextLen ?? budget, budget - maxResponseLen)
  const isLimited = limits.maxContextLen !== undefined || limits.maxResponseLen !== undefined
  return {
    tokenize: ({ trajectory, rewards }, codec) =>
      tokenizeTrajectory(trajectory, rewards, codec, { maxContextLen, maxResponseLen, encoding: 'auto' }),
    limits: isLimited ? `max_context_len ${maxContextLen} and max_response_len ${maxResponseLen}` : `tokens_per_batch ${budget}`,
  }
}

export const sft = defineAlgorithm({
  name: 'sft',
  title: 'Supervised fine-tuning',
  paper: 'Ouyang 2022, arXiv:2203.02155 (step 1)',
  help: 'SFT imitates the completions of the data, token by token.',
  colour: 7,
  config: sftConfig,
  metrics: sftMetricMeanings,
  metricQuestions: optimizerQuestions,
  // Imitation lowers the entropy, as intended.
  alarmsOff: ['entropy_collapse'],
  learnsFrom: ['files', 'transcripts'],
  usesReference: false,
  sizes: (config) => ({ steps: config.max_steps, batch: 1, samplesPerQuery: 1, passes: 1 }),
  storyDefaults: () => ({}),
  trainable: (config) => sftTrainable(config),
  tokenization,
  checkData: () => null,
  preflight: { mask: imitationMask, rewards: 'none' },
  memory: (config, { model, data, transcripts, steps, seed, device, tokenize }) => {
    const given = transcripts?.(config) ?? (data ? imitationSamples(tokenize(data), config, seed) : null)
    return sftMemory(model.config, config, given ?? samplesOf([usualWithin(config.tokens_per_batch)]), steps, device)
  },
  notes: ({ mask_history }) => [
    mask_history
      ? 'Only the last assistant turn of each sample is imitated, whatever its label; the turns before it are context (mask_history).'
      : 'Every completion is imitated, whatever its label.',
  ],
  halvable: { tokens_per_batch: 64, lora_r: 1 },
  interop: sftInterop,
  train: async (context, config, { data, transcripts, tokenize }) => {
    const samples = transcripts?.(config) ?? imitationSamples(tokenize(data ?? []), config, context.seed)
    return (await runSft(context, config, samples)).policy
  },
})

/** DPO, as the catalogue knows it. */
import { defineAlgorithm } from '../../algorithm'
import { usualEpisode, usualSample } from '../../batches/expectedEpisodes'
import { trainedPositions } from '../../batches/stepRewards'
import { tokenizeTrajectory } from '../../batches/tokenizedTrajectory'
import { dpoConfig, dpoMetricMeanings } from './config'
import { dpoTrainable, runDpo } from './loop'
import { dpoMemory } from './memory'
import { pairsPerUpdate } from './microBatches'
import { dpoAttempts, findPairs, makePairs, noPairsSentence, pairsSentence } from './pairs'
import type { DpoPair } from './pairs'
import { dpoQuestions } from './questions'
import { dpoInterop } from './interop'

const usualSide = { source: usualEpisode, sequence: usualSample, skipped: 0 }
const usualPair: DpoPair = { query: '', chosen: usualSide, rejected: usualSide }

export const dpo = defineAlgorithm({
  name: 'dpo',
  title: 'DPO',
  paper: 'Rafailov 2023, arXiv:2305.18290; ETO: Song 2024, arXiv:2403.02502',
  help: 'DPO learns from pairs of a success and a failure on the same query. It needs no reward model, no rollouts and no value head.',
  colour: 4,
  config: dpoConfig,
  metrics: dpoMetricMeanings,
  metricQuestions: dpoQuestions,
  // Learning from preferences lowers the entropy, as intended.
  alarmsOff: ['entropy_collapse'],
  learnsFrom: ['files'],
  usesReference: true,
  sizes: (config) => ({ steps: config.max_steps, batch: 2 * pairsPerUpdate(config), samplesPerQuery: 1, passes: 1 }),
  storyDefaults: () => ({}),
  trainable: (config, isContinued) => dpoTrainable(config, isContinued),
  tokenization: ({ max_context_len, max_response_len, encoding }) => ({
    tokenize: ({ trajectory, rewards }, codec) =>
      tokenizeTrajectory(trajectory, rewards, codec, { maxContextLen: max_context_len, maxResponseLen: max_response_len, encoding }),
    limits: `max_context_len ${max_context_len} and max_response_len ${max_response_len}`,
  }),
  checkData: (config, { labelled, tokenize, seed }) => {
    const found = findPairs(dpoAttempts(labelled, tokenize(labelled)), config, seed)
    return found.pairs.length === 0 ? noPairsSentence(found) : null
  },
  preflight: {
    mask: () => ({ positions: (sequence) => trainedPositions(sequence, 'no_score'), whyNone: 'every completion was cut away' }),
    rewards: 'outcome',
  },
  memory: (config, { model, data, steps, seed, device, isContinued, tokenize }) => {
    const { pairs } = findPairs(dpoAttempts(data ?? [], tokenize(data ?? [])), config, seed)
    // Data without a pair cannot be trained on, but the size of a usual one is known.
    const usual = Array.from({ length: pairsPerUpdate(config) }, () => usualPair)
    return dpoMemory(model.config, config, pairs.length > 0 ? pairs : usual, steps, seed, device, isContinued)
  },
  notes: ({ loss_type, label_smoothing, overlong_pairs }) => [
    overlong_pairs === 'released'
      ? 'Pairs of more than 512 tokens lose their answers, as in StepTool’s ETO script, so that their loss is ln 2 and they have no gradient (overlong_pairs: released).'
      : 'Pairs of any length are trained on (overlong_pairs: keep).',
    ...(label_smoothing > 0 && (loss_type === 'hinge' || loss_type === 'ipo')
      ? [`label_smoothing changes nothing with ${loss_type}.`]
      : []),
  ],
  halvable: { max_tokens_per_micro_batch: 64, max_context_len: 64, per_device_train_batch_size: 1, lora_r: 1 },
  interop: dpoInterop,
  train: async (context, config, { data, tokenize, onNote }) => {
    const labelled = data ?? []
    const found = makePairs(dpoAttempts(labelled, tokenize(labelled)), config, context.seed)
    onNote(pairsSentence(found))
    return (await runDpo(context, config, found.pairs)).policy
  },
})

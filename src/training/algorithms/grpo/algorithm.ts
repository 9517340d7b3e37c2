/** GRPO, as the catalogue knows it. */
import { defineAlgorithm } from '../../algorithm'
import { isCutShort } from '../../batches/outcome'
import { stepOfRound } from '../../batches/rounds'
import { trainedPositions } from '../../batches/stepRewards'
import { tokenizeTrajectory } from '../../batches/tokenizedTrajectory'
import { grpoConfig } from './config'
import type { GrpoSource } from './groups'
import { grpoTrainable, runGrpo } from './loop'
import { grpoMemory } from './memory'
import { grpoMetricMeanings } from './metrics'
import { grpoQuestions } from './questions'
import { grpoInterop } from './interop'

const NO_FILES =
  'GRPO compares fresh attempts at the same query, so it rolls out its own and does not learn from files. Train it without a data set.'

export const grpo = defineAlgorithm({
  name: 'grpo',
  title: 'GRPO',
  paper: 'Shao 2024, arXiv:2402.03300; DAPO arXiv:2503.14476, Dr. GRPO arXiv:2503.20783, GSPO arXiv:2507.18071',
  help: 'Tries each query several times and moves towards the better attempts of each group. No value head.',
  colour: 3,
  config: grpoConfig,
  metrics: grpoMetricMeanings,
  metricQuestions: grpoQuestions,
  alarmsOff: [],
  learnsFrom: ['rollouts'],
  usesReference: true,
  sizes: (config) => ({
    steps: config.max_steps,
    batch: config.generation_batch_size,
    samplesPerQuery: config.num_generations,
    passes: config.num_iterations,
  }),
  storyDefaults: ({ batch, steps }) => ({
    learning_rate: 2e-3,
    max_steps: steps,
    generation_batch_size: batch,
    num_generations: Math.min(8, batch),
    steps_per_generation: 4,
    advantage_level: 'step' as const,
    lr_scheduler_type: 'constant' as const,
    max_context_len: 512,
    max_response_len: 64,
  }),
  trainable: (config, isContinued) => grpoTrainable(config, isContinued),
  tokenization: ({ max_context_len, max_response_len, encoding }) => ({
    tokenize: ({ trajectory, rewards }, codec) =>
      tokenizeTrajectory(trajectory, rewards, codec, { maxContextLen: max_context_len, maxResponseLen: max_response_len, encoding }),
    limits: `max_context_len ${max_context_len} and max_response_len ${max_response_len}`,
  }),
  checkData: () => NO_FILES,
  preflight: {
    mask: () => ({ positions: (sequence) => trainedPositions(sequence, 'no_score'), whyNone: 'every completion was cut away' }),
    rewards: 'outcome',
  },
  memory: (config, { model, expectedRollouts, steps, seed, device, isContinued }) =>
    grpoMemory(model.config, config, expectedRollouts(config.generation_batch_size, steps), seed, device, isContinued),
  notes: (config) => [
    config.advantage_level === 'step'
      ? 'Each step is compared with the steps of its group (advantage_level: step).'
      : `Each attempt is compared with its group by ${config.reward === 'outcome' ? 'its final step’s reward' : `its ${config.reward}`}.`,
    ...(config.num_iterations * config.steps_per_generation === 1
      ? ['One update per batch: the ratio is always 1, so the loss stays near 0 and nothing is clipped; the gradient is not 0.']
      : []),
  ],
  halvable: { max_tokens_per_micro_batch: 64, max_context_len: 64, lora_r: 1 },
  interop: grpoInterop,
  train: async (context, config, { data, rollouts, tokenize }) => {
    if (data) throw new Error(NO_FILES)
    const source: GrpoSource = {
      next: async (round, policy) => {
        const labelled = await rollouts(policy, round)
        const sequences = tokenize(labelled, `From step ${stepOfRound(round) + 1} on: `)
        return labelled.flatMap(({ trajectory }, index) => {
          const sequence = sequences[index]
          return sequence ? [{ sequence, group: trajectory.task.query_id, isTruncated: isCutShort(trajectory) }] : []
        })
      },
    }
    return (await runGrpo(context, config, source)).policy
  },
})

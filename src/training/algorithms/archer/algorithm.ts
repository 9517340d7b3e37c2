/** ArCHer, as the catalogue knows it: a replay buffer that rollouts or files fill. */
import { defineAlgorithm } from '../../algorithm'
import { trainedPositions } from '../../batches/stepRewards'
import { tokenizeTrajectory } from '../../batches/tokenizedTrajectory'
import { optimizerQuestions } from '../../policy/metricQuestions'
import { archerConfig, archerMetricMeanings } from './config'
import { runArcher } from './loop'
import type { ArcherSource } from './loop'
import { archerMemory } from './memory'
import { archerTrainable } from './objective'
import { archerInterop } from './interop'

export const archer = defineAlgorithm({
  name: 'archer',
  title: 'ArCHer',
  paper: 'Zhou 2024, arXiv:2402.19446',
  help: 'ArCHer trains double critics Q and V on a replay buffer to estimate the value of each whole call, and trains the policy with their advantages. It reuses old trajectories many times.',
  colour: 6,
  config: archerConfig,
  metrics: archerMetricMeanings,
  metricQuestions: optimizerQuestions,
  alarmsOff: [],
  learnsFrom: ['files', 'rollouts'],
  usesReference: true,
  sizes: (config) => ({ steps: config.max_steps, batch: config.rollout_size, samplesPerQuery: 1, passes: config.actor_epochs }),
  storyDefaults: ({ batch, steps }) => ({
    learning_rate: 1e-3,
    critic_lr: 1e-3,
    max_steps: steps,
    rollout_size: batch,
    epochs: 20,
    warmup_iter: Math.min(2, steps - 1),
    actor_epochs: 1,
    batch_size: 8,
    gradient_accumulation_steps: 4,
    max_grad_norm: 1,
    max_context_len: 512,
    max_response_len: 48,
  }),
  trainable: (config) => archerTrainable(config),
  tokenization: ({ max_context_len, max_response_len, encoding }) => ({
    tokenize: ({ trajectory, rewards }, codec) =>
      tokenizeTrajectory(trajectory, rewards, codec, { maxContextLen: max_context_len, maxResponseLen: max_response_len, encoding }),
    limits: `max_context_len ${max_context_len} and max_response_len ${max_response_len}`,
  }),
  checkData: () => null,
  preflight: {
    mask: ({ unlabelled_steps }) => ({
      positions: (sequence) => trainedPositions(sequence, unlabelled_steps),
      whyNone: unlabelled_steps === 'leave_out' ? 'no remaining step is labelled' : 'every completion was cut away',
    }),
    rewards: 'steps',
  },
  memory: (config, { model, data, expectedRollouts, steps, seed, device, tokenize }) => {
    const fill = data ? { given: tokenize(data), rollouts: [] } : { given: [], rollouts: expectedRollouts(config.rollout_size, steps) }
    return archerMemory(model.config, config, fill, steps, seed, device)
  },
  notes: (config) => [
    'The critics read hidden states of the policy’s base model without the adapter, not those of a separate RoBERTa.',
    config.fresh_actions === 'every_draw'
      ? 'Every drawn utterance gets a freshly sampled action, as in ArCHer’s code (fresh_actions: every_draw).'
      : 'Every observation gets one freshly sampled action per iteration (fresh_actions: every_iteration).',
    ...(config.accumulation_reduction === 'sum'
      ? ['The losses of an update’s batches are added, not averaged, as in ArCHer’s code (accumulation_reduction: sum).']
      : []),
    ...(config.warmup_iter > 0 ? [`The actor starts to learn in iteration ${config.warmup_iter + 1} (warmup_iter).`] : []),
    ...(config.max_steps <= config.warmup_iter ? ['No iteration is left for the actor: max_steps is not above warmup_iter.'] : []),
    ...(config.temperature === 1 ? [] : ['Actions are sampled at a temperature other than 1, so the policy gradient is biased.']),
  ],
  halvable: { max_tokens_per_micro_batch: 64, max_context_len: 64, max_response_len: 16, batch_size: 1, lora_r: 1 },
  interop: archerInterop,
  train: async (context, config, { data, rollouts, tokenize }) => {
    const source: ArcherSource = {
      isFresh: data === null,
      next: async (iteration, policy) =>
        data ? tokenize(data) : tokenize(await rollouts(policy, iteration), `From iteration ${iteration + 1} on: `),
    }
    return (await runArcher(context, config, source)).policy
  },
})

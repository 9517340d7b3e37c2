/** ArCHer as a method: a replay buffer that practice or files fill. */
import { archer, archerSequenceOptions, archerTrainable, runArcher, type ArcherSource } from '../training/algorithms/archer/loop'
import type { ArcherConfig } from '../training/algorithms/archer/config'
import { archerMemory } from '../training/algorithms/archer/memory'
import { tokenizeTrajectory, type TokenizedTrajectory } from '../training/batches/tokenizedTrajectory'
import { BATCHES_LOOKED_AT, defineMethod, truncationNote, usualEpisode } from './method'
import type { ModelText } from './models/models'
import type { LabelledTrajectory } from '../training/batches/labelledTrajectory'

/** Trajectories of a data set that are looked at to tell its memory. */
const LOOKED_AT = 256

const sequencesOf = (labelled: readonly LabelledTrajectory[], { tokenizer }: ModelText, config: ArcherConfig): TokenizedTrajectory[] =>
  labelled.map(({ trajectory, rewards }) => tokenizeTrajectory(trajectory, rewards, tokenizer, archerSequenceOptions(config)))

export const archerMethod = defineMethod({
  algorithm: archer,
  isOnline: true,
  trainable: (config) => ({ ...archerTrainable(config), valueHead: false }),
  hasValueHead: (config) => config.use_baseline,
  stepsOf: (config) => config.max_steps,
  batchOf: (config) => config.rollout_size,
  samplesOf: () => 1,
  passesOf: (config) => config.actor_epochs,
  storyConfig: ({ batch, steps }) => ({
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
  notesOf: (config) => [
    'The critics read the policy’s own trunk with the adapter off, not a RoBERTa of their own.',
    config.fresh_actions === 'every_draw'
      ? 'Every drawn utterance gets a freshly sampled action, as in ArCHer’s code (fresh_actions: every_draw).'
      : 'Observations get one freshly sampled action an iteration (fresh_actions: every_iteration).',
    ...(config.accumulation_reduction === 'sum'
      ? ['The losses of an update’s batches are added, not averaged, as in ArCHer’s code (accumulation_reduction: sum).']
      : []),
    ...(config.warmup_iter > 0 ? [`The actor learns from iteration ${config.warmup_iter + 1} on (warmup_iter).`] : []),
    ...(config.max_steps <= config.warmup_iter ? ['No iteration is left for the actor: max_steps is not above warmup_iter.'] : []),
    ...(config.temperature === 1 ? [] : ['Actions are sampled at a temperature other than 1: the policy gradient is biased.']),
  ],
  memoryOf: (config, { model, data, steps, seed, device }) => {
    const usual = Array.from({ length: config.rollout_size }, () => usualEpisode)
    const of = data
      ? { given: sequencesOf(data.slice(0, LOOKED_AT), model, config), rollouts: [] }
      : { given: [], rollouts: Array.from({ length: BATCHES_LOOKED_AT }, () => usual) }
    return archerMemory(model.config, config, of, steps, seed, device)
  },
  halved: { max_tokens_per_micro_batch: 64, max_context_len: 64, max_response_len: 16, batch_size: 1, lora_r: 1 },
  train: async (context, config: ArcherConfig, feed) => {
    const limits = `max_context_len ${config.max_context_len} and max_response_len ${config.max_response_len}`
    const { data } = feed
    const source: ArcherSource = {
      isFresh: data === null,
      next: async (iteration, policy) => {
        const sequences = sequencesOf(data ?? (await feed.practice(policy, iteration)), feed.model, config)
        const note = truncationNote(sequences, limits)
        if (note !== null) feed.onNote(data ? note : `From iteration ${iteration + 1} on: ${note}`)
        return sequences
      },
    }
    return (await runArcher(context, config, source)).policy
  },
})

/** Methods that imitate: everything one is given, or what passes of it. */
import { rft, runRft, samplesToImitate, type RftSource } from '../training/algorithms/rft/loop'
import { runSft, sft, sftTrainable, type SftConfig } from '../training/algorithms/sft/loop'
import { sftMemory } from '../training/preflight/memoryPlan'
import { imitatedPositions } from '../training/batches/lossMask'
import type { RftConfig } from '../training/algorithms/rft/config'
import { rftAttempts, rftSequenceOptions, selectPasses, type RftAttempt } from '../training/algorithms/rft/selection'
import { trajectorySamples } from '../training/batches/trajectorySamples'
import { defineMethod, truncationNote, usualWithin } from './method'
import type { ModelText } from './models/models'
import type { LabelledTrajectory } from '../training/batches/labelledTrajectory'

/** A sample must fit one micro-batch: the final response gets a quarter of it, what came before the rest. */
function samplesOf(
  data: readonly LabelledTrajectory[],
  { tokenizer }: ModelText,
  config: SftConfig,
  seed: number,
): ReturnType<typeof trajectorySamples> {
  const { tokens_per_batch: budget } = config
  const maxResponseLen = Math.floor(budget / 4)
  const trajectories = data.map(({ trajectory }) => trajectory)
  return trajectorySamples(trajectories, tokenizer, { maxContextLen: budget - maxResponseLen, maxResponseLen, seed, mask: config })
}

export const sftMethod = defineMethod({
  algorithm: sft,
  isOnline: false,
  trainable: sftTrainable,
  stepsOf: (config) => config.max_steps,
  batchOf: () => 1,
  samplesOf: () => 1,
  passesOf: () => 1,
  storyConfig: () => ({}),
  notesOf: ({ mask_history }) => [
    mask_history
      ? 'The last turn of each is imitated, whatever its label; turns before it are context (mask_history).'
      : 'Every completion is imitated, whatever its label.',
  ],
  memoryOf: (config, { model, data, steps, seed, device }) => {
    const samples = data ? samplesOf(data, model, config, seed).samples : samplesToImitate([usualWithin(config.tokens_per_batch)])
    return sftMemory(model.config, config, samples, steps, device)
  },
  halved: { tokens_per_batch: 64, lora_r: 1 },
  train: async (context, config: SftConfig, feed) => {
    const { samples, sequences } = samplesOf(feed.data ?? [], feed.model, config, context.seed)
    const note = truncationNote(sequences, `tokens_per_batch ${config.tokens_per_batch}`)
    if (note !== null) feed.onNote(note)
    return (await runSft(context, config, samples)).policy
  },
})

export const rftMethod = defineMethod({
  algorithm: rft,
  isOnline: true,
  trainable: sftTrainable,
  stepsOf: (config) => config.max_steps,
  batchOf: (config) => config.generation_batch_size,
  samplesOf: (config) => config.num_generations,
  passesOf: () => 1,
  // As many attempts as the others: a round of practice for every update.
  storyConfig: ({ batch, steps }) => ({
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
  notesOf: ({ reward, reward_threshold, max_samples_per_query, step_filtered, mask_history }) => [
    `Attempts with a ${reward} of at least ${reward_threshold} are imitated, at most ${max_samples_per_query} of a query.`,
    mask_history
      ? `Of each its last step is imitated; steps before it are context (mask_history)${step_filtered ? ', and where it is labelled 0 the attempt is left out (step_filtered)' : ''}.`
      : step_filtered
        ? 'Their steps labelled 0 carry no loss (step_filtered).'
        : 'All their steps are imitated, whatever their labels (step_filtered off).',
  ],
  memoryOf: (config, { model, data, steps, seed, device }) => {
    const attempts = rftAttempts(data ?? [], model.tokenizer, config)
    const { kept } = selectPasses(attempts, config, seed, 0)
    // Before attempts are labelled none passes: the size of all can be told, or of a usual one.
    const all = attempts
      .map(({ sequence }) => ({ ids: sequence.ids, targets: imitatedPositions(sequence, { mask_history: config.mask_history }) }))
      .filter(({ targets }) => targets.length > 0)
    const samples = [kept, all, [usualWithin(config.tokens_per_batch)]].find(({ length }) => length > 0) ?? []
    return sftMemory(model.config, config, samplesToImitate(samples), steps, device)
  },
  halved: { tokens_per_batch: 64, lora_r: 1 },
  train: async (context, config: RftConfig, feed) => {
    const { maxContextLen, maxResponseLen } = rftSequenceOptions(config)
    const attemptsOf = (labelled: readonly LabelledTrajectory[], from: string): RftAttempt[] => {
      const attempts = rftAttempts(labelled, feed.model.tokenizer, config)
      const sequences = attempts.map(({ sequence }) => sequence)
      const note = truncationNote(sequences, `max_context_len ${maxContextLen} and max_response_len ${maxResponseLen}`)
      if (note !== null) feed.onNote(`${from}${note}`)
      return attempts
    }
    const { data, practice, onNote } = feed
    const source: RftSource = data
      ? { isFresh: false, next: () => Promise.resolve(attemptsOf(data, '')) }
      : { isFresh: true, next: async (step, policy) => attemptsOf(await practice(policy, step), `From step ${step + 1} on: `) }
    return (await runRft(context, config, source, onNote)).policy
  },
})

/** The studio's training methods. To add one: its entry, made by `defineMethod`, in the list below. */
import { algorithms } from '../training/algorithms'
import { dpo, dpoSequenceOptions, dpoTrainable, pairsPerUpdate, runDpo } from '../training/algorithms/dpo/loop'
import { grpo, grpoTrainable, grpoSequenceOptions, runGrpo } from '../training/algorithms/grpo/loop'
import type { DpoConfig } from '../training/algorithms/dpo/config'
import { dpoAttempts, findPairs, makePairs, pairsSentence, type DpoPair } from '../training/algorithms/dpo/pairs'
import type { GrpoConfig } from '../training/algorithms/grpo/config'
import type { PolicyModel } from '../training/policy/policyModel'
import { dpoMemory, grpoMemory } from '../training/preflight/memoryPlan'
import { tokenizeTrajectory } from '../training/batches/tokenizedTrajectory'
import type { Reply } from '../worker/protocol'
import { archerMethod } from './archerMethod'
import { accept, refuse } from './failure'
import { rftMethod, sftMethod } from './imitationMethods'
import { BATCHES_LOOKED_AT, defineMethod, truncationNote, usualEpisode, usualSample, type Method } from './method'
import { ppoMethod, steptoolPpoMethod } from './ppoMethods'
import { isCutShort } from './runs/practice'

const grpoMethod = defineMethod({
  algorithm: grpo,
  isOnline: true,
  trainable: grpoTrainable,
  stepsOf: (config) => config.max_steps,
  batchOf: (config) => config.generation_batch_size,
  samplesOf: (config) => config.num_generations,
  passesOf: (config) => config.num_iterations,
  storyConfig: ({ batch, steps }) => ({
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
  notesOf: (config) => [
    config.advantage_level === 'step'
      ? 'Each step is compared with the steps of its group (advantage_level: step).'
      : `Each attempt is compared with its group by ${config.reward === 'outcome' ? 'its final step’s reward' : `its ${config.reward}`}.`,
    ...(config.num_iterations * config.steps_per_generation === 1
      ? ['One update per batch: the ratio is always 1, so the loss stays near 0 and nothing is clipped; the gradient is not 0.']
      : []),
  ],
  memoryOf: (config, { model, steps, seed, device, isContinued }) => {
    const batches = Array.from({ length: Math.min(steps, BATCHES_LOOKED_AT) }, () =>
      Array.from({ length: config.generation_batch_size }, () => usualEpisode),
    )
    return grpoMemory(model.config, config, batches, seed, device, isContinued)
  },
  halved: { max_tokens_per_micro_batch: 64, max_context_len: 64, lora_r: 1 },
  train: async (context, config: GrpoConfig, feed) => {
    if (feed.data) throw new Error('GRPO compares fresh attempts at the same query: it practises online and does not train on files.')
    const options = grpoSequenceOptions(config)
    const source = {
      next: async (round: number, policy: PolicyModel) =>
        (await feed.practice(policy, round)).map((labelled) => ({
          sequence: tokenizeTrajectory(labelled.trajectory, labelled.rewards, feed.model.tokenizer, options),
          group: labelled.trajectory.task.query_id,
          isTruncated: isCutShort(labelled.trajectory),
        })),
    }
    return (await runGrpo(context, config, source)).policy
  },
})

const usualSide: DpoPair['chosen'] = {
  source: usualEpisode,
  sequence: usualSample,
  skipped: 0,
}

const dpoMethod = defineMethod({
  algorithm: dpo,
  isOnline: false,
  trainable: dpoTrainable,
  stepsOf: (config) => config.max_steps,
  batchOf: (config) => 2 * pairsPerUpdate(config),
  samplesOf: () => 1,
  passesOf: () => 1,
  storyConfig: () => ({}),
  notesOf: ({ loss_type, label_smoothing, overlong_pairs }) => [
    overlong_pairs === 'released'
      ? 'Pairs of more than 512 tokens lose their answers, as in StepTool’s ETO script: their loss is ln 2 and they teach nothing (overlong_pairs: released).'
      : 'Pairs of any length are trained on (overlong_pairs: keep).',
    ...(label_smoothing > 0 && (loss_type === 'hinge' || loss_type === 'ipo')
      ? [`label_smoothing changes nothing with ${loss_type}.`]
      : []),
  ],
  memoryOf: (config, { model, data, steps, seed, device, isContinued }) => {
    const { pairs } = findPairs(dpoAttempts(data ?? [], model.tokenizer, dpoSequenceOptions(config)), config, seed)
    // Data without a pair cannot be trained on, but the size of a usual one can be told.
    const usual = Array.from({ length: pairsPerUpdate(config) }, () => ({ query: '', chosen: usualSide, rejected: usualSide }))
    return dpoMemory(model.config, config, pairs.length > 0 ? pairs : usual, steps, seed, device, isContinued)
  },
  halved: { max_tokens_per_micro_batch: 64, max_context_len: 64, per_device_train_batch_size: 1, lora_r: 1 },
  train: async (context, config: DpoConfig, feed) => {
    const attempts = dpoAttempts(feed.data ?? [], feed.model.tokenizer, dpoSequenceOptions(config))
    const found = makePairs(attempts, config, context.seed)
    feed.onNote(pairsSentence(found))
    const sequences = attempts.map(({ sequence }) => sequence)
    const note = truncationNote(sequences, `max_context_len ${config.max_context_len} and max_response_len ${config.max_response_len}`)
    if (note !== null) feed.onNote(note)
    return (await runDpo(context, config, found.pairs)).policy
  },
})

const methods: readonly Method[] = [sftMethod, rftMethod, ppoMethod, steptoolPpoMethod, grpoMethod, dpoMethod, archerMethod]

/** The method of a catalogue entry. */
export function methodNamed(name: string): Reply<Method> {
  const found = methods.find((method) => method.name === name)
  return found ? accept(found) : refuse('unknown-algorithm', `There is no method ${name}; there is ${Object.keys(algorithms).join(', ')}.`)
}

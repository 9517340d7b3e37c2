/** What the studio knows of each training method beyond its catalogue entry: how a run of it is fed, sized and described. To add one: an entry below. */
import type { z } from 'zod'
import type { PlanContext } from '../engine/plan/planGraph'
import type { Algorithm, TrainingContext } from '../training/algorithm'
import { algorithms } from '../training/algorithms'
import { dpo, dpoSequenceOptions, dpoTrainable, pairsPerUpdate, runDpo } from '../training/algorithms/dpo'
import { grpo, grpoSequenceOptions, runGrpo } from '../training/algorithms/grpo'
import { runSft, sft, sftTrainable, type SftConfig } from '../training/algorithms/sft'
import { runSteptoolPpo, sequenceOptions, steptoolPpo, type SteptoolPpoConfig } from '../training/algorithms/steptoolPpo'
import type { DpoConfig } from '../training/dpoConfig'
import { dpoAttempts, findPairs, makePairs, pairsSentence, type DpoPair } from '../training/dpoPairs'
import type { GrpoConfig } from '../training/grpoConfig'
import type { PolicyModel, TrainableSet } from '../training/policyModel'
import { dpoMemory, grpoMemory, ppoMemory, sftMemory, type MemoryPart } from '../training/memoryPlan'
import { chunk, datasetSource } from '../training/ppoBatch'
import { buildPpoSequence, type PpoSequence, type PpoSequenceOptions } from '../training/ppoSequence'
import { trainedPositions } from '../training/stepRewards'
import { trajectorySamples } from '../training/trajectorySamples'
import type { Reply } from '../worker/protocol'
import { accept, refuse } from './failure'
import type { ModelText } from './models'
import type { LabelledTrajectory } from './workshop'

type Config = Readonly<Record<string, unknown>>

/** Trajectories as a method is given them. */
export interface Feed {
  readonly model: ModelText
  readonly data: readonly LabelledTrajectory[] | null
  readonly practice: (policy: PolicyModel, step: number) => Promise<readonly LabelledTrajectory[]>
  readonly onNote: (sentence: string) => void
}

export interface Method {
  readonly name: string
  readonly title: string
  readonly metrics: Readonly<Record<string, string>>
  /** Whether it can practise by itself; others learn from given trajectories. */
  readonly isOnline: boolean
  /** With defaults filled in; a refusal names the setting. */
  parseConfig(given: Config): Reply<Config>
  /** What is trained, without a value head. */
  trainable(config: Config): TrainableSet
  stepsOf(config: Config): number
  /** Trajectories of one step. */
  batchOf(config: Config): number
  /** Attempts at each practice query of a batch. */
  samplesOf(config: Config): number
  /** Times a token of a batch is trained on. */
  passesOf(config: Config): number
  /** Settings for the run story at `batch` trajectories a step. */
  storyConfig(size: StoryScale): Config
  /** Sentences for the run card: which switches were used. */
  notesOf(config: Config): string[]
  /** What a run holds on the GPU, part by part, from its plans; throws when a plan does not fit the device's bindings. */
  memoryOf(config: Config, request: MemoryRequest): readonly MemoryPart[]
  /** Settings that would need less. */
  knobsOf(config: Config): readonly { readonly change: string; readonly config: Config }[]
  train(context: TrainingContext, config: Config, feed: Feed): Promise<PolicyModel>
}

/** How long a run story is. */
export interface StoryScale {
  readonly steps: number
  /** Practice attempts of a step. */
  readonly batch: number
  /** Times each batch is gone through. */
  readonly epochs: number
  /** Of StepTool PPO: the fewer the steps, the larger. */
  readonly learningRate: number
}

export interface MemoryRequest {
  readonly model: ModelText
  /** What is learnt from; null: practice in the starter world. */
  readonly data: readonly LabelledTrajectory[] | null
  readonly steps: number
  readonly seed: number
  readonly device: PlanContext
}

interface MethodParts<Schema extends z.ZodObject> extends Pick<Method, 'isOnline'> {
  readonly algorithm: Algorithm<Schema>
  trainable(config: z.output<Schema>): TrainableSet
  stepsOf(config: z.output<Schema>): number
  batchOf(config: z.output<Schema>): number
  samplesOf(config: z.output<Schema>): number
  passesOf(config: z.output<Schema>): number
  storyConfig(size: StoryScale): z.input<Schema>
  notesOf(config: z.output<Schema>): string[]
  memoryOf(config: z.output<Schema>, request: MemoryRequest): readonly MemoryPart[]
  /** Names of settings that may be halved, with the least they may become. */
  readonly halved: Readonly<Record<string, number>>
  train(context: TrainingContext, config: z.output<Schema>, feed: Feed): Promise<PolicyModel>
}

function defineMethod<Schema extends z.ZodObject>({ algorithm, ...own }: MethodParts<Schema>): Method {
  const { config: schema, name, title, metrics } = algorithm
  const typed = (config: Config): z.output<Schema> => schema.parse(config)
  return {
    name,
    title,
    metrics,
    isOnline: own.isOnline,
    parseConfig: (given) => {
      const unknown = Object.keys(given).find((key) => !(key in schema.shape))
      if (unknown !== undefined) return refuse('config', `${title} has no setting ${unknown}.`)
      const parsed = schema.safeParse(given)
      const issue = parsed.error?.issues[0]
      return parsed.success
        ? accept(parsed.data)
        : refuse('config', `${issue?.path.join('.') ?? 'The settings'}: ${issue?.message ?? 'cannot be used'}.`)
    },
    trainable: (config) => own.trainable(typed(config)),
    stepsOf: (config) => own.stepsOf(typed(config)),
    batchOf: (config) => own.batchOf(typed(config)),
    samplesOf: (config) => own.samplesOf(typed(config)),
    passesOf: (config) => own.passesOf(typed(config)),
    storyConfig: (size) => own.storyConfig(size),
    notesOf: (config) => own.notesOf(typed(config)),
    memoryOf: (config, request) => own.memoryOf(typed(config), request),
    knobsOf: (config) =>
      Object.entries(own.halved).flatMap(([setting, least]) => {
        const value = config[setting]
        const half = typeof value === 'number' ? Math.max(least, Math.floor(value / 2)) : value
        return typeof value === 'number' && typeof half === 'number' && half < value
          ? [{ change: `${setting} ${value} → ${half}`, config: { ...config, [setting]: half } }]
          : []
      }),
    train: (context, config, feed) => own.train(context, typed(config), feed),
  }
}

const sequencesOf = (labelled: readonly LabelledTrajectory[], { tokenizer }: ModelText, options: PpoSequenceOptions): PpoSequence[] =>
  labelled.map(({ trajectory, rewards }) => buildPpoSequence(trajectory, rewards, tokenizer, options))

/** An episode of the starter world as long as 99 of 100 are, two fifths of it the agent's. */
const usualEpisode: PpoSequence = {
  trajectoryId: '',
  ids: new Array<number>(160).fill(0),
  stepOf: Array.from({ length: 160 }, (_, position) => (position < 96 ? -1 : 0)),
  rewards: [1],
  stepIndex: [0],
  truncatedTokens: 0,
  truncatedSteps: [],
  notTrainedSteps: [],
}
const BATCHES_LOOKED_AT = 8

/** A sample must fit one micro-batch: the final response gets a quarter of it, what came before the rest. */
function samplesOf(
  data: readonly LabelledTrajectory[],
  { tokenizer }: ModelText,
  { tokens_per_batch: budget }: SftConfig,
  seed: number,
): ReturnType<typeof trajectorySamples> {
  const maxResponseLen = Math.floor(budget / 4)
  const trajectories = data.map(({ trajectory }) => trajectory)
  return trajectorySamples(trajectories, tokenizer, { maxContextLen: budget - maxResponseLen, maxResponseLen, seed })
}

/** What the limits cost, in a sentence; null when nothing. */
export function truncationNote(sequences: readonly PpoSequence[], limits: string): string | null {
  const cut = sequences.filter(({ truncatedTokens }) => truncatedTokens > 0)
  if (cut.length === 0) return null
  const tokens = cut.reduce((sum, { truncatedTokens }) => sum + truncatedTokens, 0)
  const lost = sequences.reduce((sum, { notTrainedSteps }) => sum + notTrainedSteps.length, 0)
  const steps = lost === 0 ? 'every step still trains' : `${lost} ${lost === 1 ? 'step is' : 'steps are'} not trained at all`
  return `${limits} cut ${tokens} tokens from ${cut.length} of ${sequences.length} trajectories; ${steps}.`
}

const steptoolPpoMethod = defineMethod({
  algorithm: steptoolPpo,
  isOnline: true,
  trainable: (config) => ({
    kind: 'lora',
    lora: { rank: config.lora_r, alpha: config.lora_alpha, targets: config.lora_targets },
    valueHead: false,
  }),
  stepsOf: (config) => config.max_steps,
  batchOf: (config) => config.batch_size,
  samplesOf: () => 1,
  passesOf: (config) => config.ppo_epochs,
  storyConfig: ({ batch, steps, epochs, learningRate }) => ({
    learning_rate: learningRate,
    max_steps: steps,
    ppo_epochs: epochs,
    batch_size: batch,
    mini_batch_size: Math.max(1, batch / 4),
    gradient_accumulation_steps: 1,
    // A weaker hold lets attempts grow longer, since every useful step earns: the KL then runs off and passes fall again.
    init_kl_coef: 0.2,
    max_grad_norm: 1,
    max_context_len: 512,
    max_response_len: 64,
  }),
  notesOf: (config) => [
    config.step_reward_weighting === 'released'
      ? 'Step rewards are multiplied by n − i − 1 as in StepTool’s released code: the final step counts nothing (step_reward_weighting: released).'
      : 'Every step’s reward counts once, as in the paper (step_reward_weighting: paper).',
    config.gae_mask_mode === 'skip'
      ? 'Credit passes over tool replies (gae_mask_mode: skip).'
      : 'Credit decays over every token of a tool reply, as in TRL (gae_mask_mode: trl_classic).',
    ...(config.reward_dtype === 'float16' ? ['Rewards are rounded to 16 bits, as in StepTool’s code (reward_dtype: float16).'] : []),
  ],
  memoryOf: (config, { model, data, steps, seed, device }) => {
    const options = sequenceOptions(config)
    const sequences = data
      ? sequencesOf(data.slice(0, BATCHES_LOOKED_AT * config.batch_size), model, options)
      : Array.from({ length: config.batch_size }, () => usualEpisode)
    // A data set smaller than a batch cannot be trained on, but its size can be told.
    const batches = chunk(sequences, config.batch_size).slice(0, Math.min(steps, BATCHES_LOOKED_AT))
    return ppoMemory(model.config, config, batches, seed, device)
  },
  halved: { max_tokens_per_micro_batch: 64, max_context_len: 64, lora_r: 1 },
  train: async (context, config: SteptoolPpoConfig, feed) => {
    const options = sequenceOptions(config)
    const limits = `max_context_len ${config.max_context_len} and max_response_len ${config.max_response_len}`
    if (feed.data) {
      const sequences = sequencesOf(feed.data, feed.model, options)
      const note = truncationNote(sequences, limits)
      if (note !== null) feed.onNote(note)
      return (await runSteptoolPpo(context, config, datasetSource(sequences, config.batch_size, context.seed))).policy
    }
    const source = {
      next: async (step: number, policy: PolicyModel) => {
        const sequences = sequencesOf(await feed.practice(policy, step), feed.model, options)
        const note = truncationNote(sequences, limits)
        if (note !== null) feed.onNote(`From step ${step + 1} on: ${note}`)
        return sequences
      },
    }
    return (await runSteptoolPpo(context, config, source)).policy
  },
})

const sftMethod = defineMethod({
  algorithm: sft,
  isOnline: false,
  trainable: sftTrainable,
  stepsOf: (config) => config.max_steps,
  batchOf: () => 1,
  samplesOf: () => 1,
  passesOf: () => 1,
  storyConfig: () => ({}),
  notesOf: () => ['Every completion is imitated, whatever its label.'],
  memoryOf: (config, { model, data, steps, seed, device }) => {
    const usual = { ids: usualEpisode.ids, targets: trainedPositions(usualEpisode, 'no_score') }
    const samples = data ? samplesOf(data, model, config, seed).samples : { length: 1, sample: () => usual }
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

const grpoMethod = defineMethod({
  algorithm: grpo,
  isOnline: true,
  trainable: (config) => ({
    kind: 'lora',
    lora: { rank: config.lora_r, alpha: config.lora_alpha, targets: config.lora_targets },
    valueHead: false,
  }),
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
  memoryOf: (config, { model, steps, seed, device }) => {
    const batches = Array.from({ length: Math.min(steps, BATCHES_LOOKED_AT) }, () =>
      Array.from({ length: config.generation_batch_size }, () => usualEpisode),
    )
    return grpoMemory(model.config, config, batches, seed, device)
  },
  halved: { max_tokens_per_micro_batch: 64, max_context_len: 64, lora_r: 1 },
  train: async (context, config: GrpoConfig, feed) => {
    if (feed.data) throw new Error('GRPO compares fresh attempts at the same query: it practises online and does not train on files.')
    const options = grpoSequenceOptions(config)
    const source = {
      next: async (round: number, policy: PolicyModel) =>
        (await feed.practice(policy, round)).map((labelled) => ({
          sequence: buildPpoSequence(labelled.trajectory, labelled.rewards, feed.model.tokenizer, options),
          group: labelled.trajectory.query_id,
          isTruncated: labelled.trajectory.stop_reason === 'budget' || labelled.trajectory.stop_reason === 'length',
        })),
    }
    return (await runGrpo(context, config, source)).policy
  },
})

const usualSide: DpoPair['chosen'] = {
  source: usualEpisode,
  sequence: { ids: usualEpisode.ids, targets: trainedPositions(usualEpisode, 'no_score') },
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
  memoryOf: (config, { model, data, steps, seed, device }) => {
    const { pairs } = findPairs(dpoAttempts(data ?? [], model.tokenizer, dpoSequenceOptions(config)), config, seed)
    // Data without a pair cannot be trained on, but the size of a usual one can be told.
    const usual = Array.from({ length: pairsPerUpdate(config) }, () => ({ query: '', chosen: usualSide, rejected: usualSide }))
    return dpoMemory(model.config, config, pairs.length > 0 ? pairs : usual, steps, seed, device)
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

const methods: readonly Method[] = [steptoolPpoMethod, grpoMethod, dpoMethod, sftMethod]

/** The method of a catalogue entry. */
export function methodNamed(name: string): Reply<Method> {
  const found = methods.find((method) => method.name === name)
  return found ? accept(found) : refuse('unknown-algorithm', `There is no method ${name}; there is ${Object.keys(algorithms).join(', ')}.`)
}

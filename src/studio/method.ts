/** What a training method is to the studio: how a run of it is fed, sized and described, beyond its catalogue entry. */
import type { z } from 'zod'
import type { PlanContext } from '../engine/plan/planGraph'
import type { LoraShape } from '../models/architectures/decoder'
import type { Algorithm } from '../training/algorithm'
import type { TrainingContext } from '../training/trainingContext'
import { settingsOfInitialAdapter } from '../training/policy/initialAdapter'
import type { PolicyModel, TrainableSet } from '../training/policy/policyModel'
import type { MemoryPart } from '../training/preflight/memoryPlan'
import type { Sequence } from '../training/batches/packing'
import type { TokenizedTrajectory } from '../training/batches/tokenizedTrajectory'
import { trainedPositions } from '../training/batches/stepRewards'
import type { Reply } from '../worker/protocol'
import { accept, refuse, sentenceOf } from './failure'
import type { ModelText } from './models/models'
import type { LabelledTrajectory } from '../training/batches/labelledTrajectory'

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
  /** With defaults filled in, and the shape of the adapter it begins from; a refusal names the setting. */
  parseConfig(given: Config, start?: { readonly lora: LoraShape; readonly from: string } | null): Reply<Config>
  /** What is trained, without a value head. `isContinued`: the run begins from an adapter, whose copy may be the reference. */
  trainable(config: Config, isContinued?: boolean): TrainableSet
  /** Whether a value head is trained beside it. */
  hasValueHead(config: Config): boolean
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
  /** The run begins from an adapter. */
  readonly isContinued?: boolean
}

interface MethodParts<Schema extends z.ZodObject> extends Pick<Method, 'isOnline'> {
  readonly algorithm: Algorithm<Schema>
  trainable(config: z.output<Schema>, isContinued: boolean): TrainableSet
  hasValueHead?(config: z.output<Schema>): boolean
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

export function defineMethod<Schema extends z.ZodObject>({ algorithm, ...own }: MethodParts<Schema>): Method {
  const { config: schema, name, title, metrics } = algorithm
  const typed = (config: Config): z.output<Schema> => schema.parse(config)
  const goingOn = (given: Config, { lora, from }: { readonly lora: LoraShape; readonly from: string }): Reply<Config> => {
    try {
      return accept(settingsOfInitialAdapter(given, lora, schema.shape, from))
    } catch (error) {
      return refuse('config', sentenceOf(error))
    }
  }
  return {
    name,
    title,
    metrics,
    isOnline: own.isOnline,
    parseConfig: (given, start = null) => {
      const unknown = Object.keys(given).find((key) => !(key in schema.shape))
      if (unknown !== undefined) return refuse('config', `${title} has no setting ${unknown}.`)
      const settled = start ? goingOn(given, start) : accept(given)
      if (!settled.ok) return settled
      const parsed = schema.safeParse(settled.value)
      const issue = parsed.error?.issues[0]
      return parsed.success
        ? accept(parsed.data)
        : refuse('config', `${issue?.path.join('.') ?? 'The settings'}: ${issue?.message ?? 'cannot be used'}.`)
    },
    trainable: (config, isContinued = false) => own.trainable(typed(config), isContinued),
    hasValueHead: (config) => own.hasValueHead?.(typed(config)) ?? false,
    stepsOf: (config) => own.stepsOf(typed(config)),
    batchOf: (config) => own.batchOf(typed(config)),
    samplesOf: (config) => own.samplesOf(typed(config)),
    passesOf: (config) => own.passesOf(typed(config)),
    storyConfig: (size) => own.storyConfig(size),
    notesOf: (config) => own.notesOf(typed(config)),
    memoryOf: (config, request) => own.memoryOf(typed(config), request),
    knobsOf: (config) => [
      ...(config.gradient_checkpointing === false
        ? [{ change: 'gradient_checkpointing off → on', config: { ...config, gradient_checkpointing: true } }]
        : []),
      ...Object.entries(own.halved).flatMap(([setting, least]) => {
        const value = config[setting]
        const half = typeof value === 'number' ? Math.max(least, Math.floor(value / 2)) : value
        return typeof value === 'number' && typeof half === 'number' && half < value
          ? [{ change: `${setting} ${value} → ${half}`, config: { ...config, [setting]: half } }]
          : []
      }),
    ],
    train: (context, config, feed) => own.train(context, typed(config), feed),
  }
}

/** An episode of the starter world as long as 99 of 100 are, two fifths of it the agent's. */
const USUAL = { tokens: 160, prompt: 96 } as const
export const usualEpisode: TokenizedTrajectory = {
  trajectoryId: '',
  ids: new Array<number>(USUAL.tokens).fill(0),
  stepOf: Array.from({ length: USUAL.tokens }, (_, position) => (position < USUAL.prompt ? -1 : 0)),
  rewards: [1],
  stepIndex: [0],
  truncatedTokens: 0,
  truncatedSteps: [],
  notTrainedSteps: [],
}
export const usualSample: Sequence = { ids: usualEpisode.ids, targets: trainedPositions(usualEpisode, 'no_score') }
/** Its last tokens, where a batch holds no more. */
export const usualWithin = (budget: number): Sequence => {
  const cut = Math.max(0, USUAL.tokens - budget)
  return { ids: usualSample.ids.slice(cut), targets: usualSample.targets.flatMap((position) => (position > cut ? [position - cut] : [])) }
}
export const BATCHES_LOOKED_AT = 8

/** What the limits cost, in a sentence; null when nothing. */
export function truncationNote(sequences: readonly TokenizedTrajectory[], limits: string): string | null {
  const cut = sequences.filter(({ truncatedTokens }) => truncatedTokens > 0)
  if (cut.length === 0) return null
  const tokens = cut.reduce((sum, { truncatedTokens }) => sum + truncatedTokens, 0)
  const lost = sequences.reduce((sum, { notTrainedSteps }) => sum + notTrainedSteps.length, 0)
  const steps = lost === 0 ? 'every step still trains' : `${lost} ${lost === 1 ? 'step is' : 'steps are'} not trained at all`
  return `${limits} cut ${tokens} tokens from ${cut.length} of ${sequences.length} trajectories; ${steps}.`
}

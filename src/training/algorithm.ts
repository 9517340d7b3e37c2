/**
 * What a training algorithm says about itself. `defineAlgorithm` makes one description of it; forms, flags, glossary, preflight, memory
 * estimate, notes of the run card and the training job ask the description, and nothing else names the algorithm.
 * `configure` parses settings once. What it returns closes over them, so that no job parses them again.
 */
import { z } from 'zod'
import type { PlanContext } from '../engine/plan/planGraph'
import type { ModelConfig } from '../models/architectures/config'
import type { LoraShape } from '../models/architectures/decoder'
import type { AlarmKind } from '../records/alarms'
import type { LabelledTrajectory } from './batches/labelledTrajectory'
import type { LossMask } from './batches/lossMask'
import type { SampleSource } from './batches/sampleSource'
import { truncationNote } from './batches/truncationNote'
import type { TokenizedTrajectory } from './batches/tokenizedTrajectory'
import type { TextEncoding } from '../base/textCodec'
import { settingsOfInitialAdapter } from './policy/initialAdapter'
import type { MetricQuestion } from './policy/metricQuestions'
import type { PolicyModel } from './policy/policyModel'
import type { TrainableSet } from './policy/policyPlans'
import type { MemoryPart } from './preflight/memoryPlan'
import type { MaskRule } from './preflight/sequenceChecks'
import type { Finding } from './preflight/settingsChecks'
import type { RecipeInterop } from './recipes/interop'
import { parsedSettings, smallerSettings, SettingsError } from './settings'
import type { Settings, SettingsChange } from './settings'
import type { TrainingContext } from './trainingContext'

/** The kinds of data from which an algorithm can learn: given trajectories, rollouts of its own policy, transcripts of an expert. */
export type LearnsFrom = 'files' | 'rollouts' | 'transcripts'

/** The parts of a model that need no weights. */
export interface TextModel {
  readonly config: ModelConfig
  readonly tokenizer: TextEncoding
}

/** The size of a run. */
export interface RunSizes {
  readonly steps: number
  /** Trajectories of one step. */
  readonly batch: number
  /** Attempts at each query of a batch. */
  readonly samplesPerQuery: number
  /** Times a token of a batch is trained on. */
  readonly passes: number
}

/** The length of a run story. */
export interface StoryScale {
  readonly steps: number
  /** Attempts of a step. */
  readonly batch: number
  /** Times each batch is gone through. */
  readonly epochs: number
  /** The learning rate of step-grained PPO; the fewer the steps, the larger it is. */
  readonly learningRate: number
}

/** Limits a request sets for algorithms that have no settings for them. */
export interface SequenceLimits {
  readonly maxContextLen?: number
  readonly maxResponseLen?: number
}

/** How an algorithm cuts and encodes a trajectory. Loop, preflight and memory estimate use this one function. */
export interface Tokenization {
  readonly tokenize: (labelled: LabelledTrajectory, codec: TextEncoding) => TokenizedTrajectory
  /** The settings that bound the length, for the note on what they cut: `max_context_len 512 and max_response_len 64`. */
  readonly limits: string
}

/** Tokenizes trajectories as `Tokenization` says, with the run's tokenizer. */
export type TokenizeAll = (labelled: readonly LabelledTrajectory[]) => TokenizedTrajectory[]

/** Ready samples of an expert, masked as the settings say. */
export type TranscriptSource = (mask: Pick<LossMask, 'mask_history'>) => SampleSource

/** The data of a run: trajectories; if there are none, transcripts; if there are none either, rollouts of the current policy. */
export interface TrainingData {
  readonly data: readonly LabelledTrajectory[] | null
  readonly transcripts?: TranscriptSource | null
}

export interface TrainingFeed extends TrainingData {
  readonly model: TextModel
  /** Rolls out and labels the next batch with the current policy; it is called once per round. */
  readonly rollouts: (policy: PolicyModel, round: number) => Promise<readonly LabelledTrajectory[]>
  /** Takes a sentence for the run card. */
  readonly onNote: (sentence: string) => void
}

/** The feed that a description's `train` receives. */
export interface LoopFeed extends TrainingFeed {
  /** Tokenizes and notes what the limits cut. @param since begins that note: `From step 3 on: `. */
  readonly tokenize: (labelled: readonly LabelledTrajectory[], since?: string) => TokenizedTrajectory[]
}

export interface MemoryRequest extends TrainingData {
  readonly model: TextModel
  /** Stand-ins for batches of rollouts, one per step; used if there is no data. */
  readonly expectedRollouts: (batchSize: number, steps: number) => readonly (readonly TokenizedTrajectory[])[]
  readonly steps: number
  readonly seed: number
  readonly device: PlanContext
}

interface PlannedRun extends MemoryRequest {
  readonly trainable: TrainableSet
  readonly isContinued: boolean
  readonly tokenize: TokenizeAll
}

interface GivenData {
  readonly labelled: readonly LabelledTrajectory[]
  readonly tokenize: TokenizeAll
  readonly seed: number
}

/** How an algorithm reads its data before step 0. */
export interface DataChecks<Config> {
  /** Which tokens carry loss. */
  readonly mask: (config: Config) => MaskRule
  /** The rewards it reads: those of every step, only that of the end, or none. */
  readonly rewards: 'steps' | 'outcome' | 'none'
  /** Further checks of its own. */
  readonly checks?: (config: Config, sequences: readonly TokenizedTrajectory[]) => readonly Finding[]
}

/** The parts of a description that a catalogue shows. */
export interface AlgorithmFacts {
  readonly name: string
  readonly title: string
  readonly paper: string
  readonly help: string
  /** Every metric it reports, and what the metric means. */
  readonly metrics: Readonly<Record<string, string>>
  /** Number of its series colour in ui/theme.ts. When all are taken, add one there and here. */
  readonly colour: 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8
  readonly metricQuestions: Readonly<Record<string, MetricQuestion>>
  /** Kinds of alarms that do not apply to it, because its metric of that name means something else. */
  readonly alarmsOff: readonly AlarmKind[]
  readonly learnsFrom: readonly LearnsFrom[]
  /** Whether it stays near a reference policy, so that the two are compared before step 0. */
  readonly usesReference: boolean
}

/** The description that one writes to add an algorithm. */
export interface AlgorithmParts<Schema extends z.ZodObject> extends AlgorithmFacts {
  readonly config: Schema
  sizes(config: z.output<Schema>): RunSizes
  /** Settings for the run story. */
  storyDefaults(scale: StoryScale): z.input<Schema>
  /** @param isContinued whether the run starts from an adapter. */
  trainable(config: z.output<Schema>, isContinued: boolean): TrainableSet
  tokenization(config: z.output<Schema>, limits: SequenceLimits): Tokenization
  /** One sentence that says why the algorithm cannot learn from these trajectories; null if it can. */
  checkData(config: z.output<Schema>, given: GivenData): string | null
  readonly preflight: DataChecks<z.output<Schema>>
  /** The GPU memory of a run, part by part, from its plans; throws when a plan does not fit the device's bindings. */
  memory(config: z.output<Schema>, run: PlannedRun): readonly MemoryPart[]
  /** Sentences for the run card that say which settings were used. */
  notes(config: z.output<Schema>): string[]
  /** Settings that may be halved to save memory, with the least each may become. */
  readonly halvable: Readonly<Record<string, number>>
  /** How its settings are written for other programs and read from their files. */
  readonly interop: RecipeInterop<z.output<Schema>>
  /** Trains; the caller owns the returned policy. */
  train(context: TrainingContext, config: z.output<Schema>, feed: LoopFeed): Promise<PolicyModel>
}

/** An algorithm of the catalogue. Its config keeps its type; all else is reached through `configure`. */
export interface Algorithm<Schema extends z.ZodObject = z.ZodObject> extends AlgorithmFacts {
  readonly config: Schema
  readonly interop: RecipeInterop<z.output<Schema>>
  storyDefaults(scale: StoryScale): Settings
  /**
   * Parses settings and fills in defaults. Throws SettingsError with one sentence that names the setting.
   * @param initial the adapter from which the run starts; the settings take over its shape.
   */
  configure(given: Settings, initial?: StartingAdapter | null, limits?: SequenceLimits): ConfiguredAlgorithm
}

export interface StartingAdapter {
  readonly lora: LoraShape
  /** The name of the adapter in a sentence. */
  readonly from: string
}

/** An algorithm with its settings, which jobs pass on. */
export interface ConfiguredAlgorithm extends RunSizes {
  readonly algorithm: Algorithm
  /** The settings, with defaults filled in. */
  readonly settings: Settings
  /** The trainable parameters, without a value head. */
  readonly trainable: TrainableSet
  /** Whether a value head is trained beside it. */
  readonly hasValueHead: boolean
  notes(): string[]
  tokenize(labelled: readonly LabelledTrajectory[], codec: TextEncoding): TokenizedTrajectory[]
  /** The settings that bound the length of a sequence, with their values. */
  readonly lengthLimits: string
  /** One sentence that says why the algorithm cannot learn from these trajectories; null if it can. */
  checkData(labelled: readonly LabelledTrajectory[], model: Pick<TextModel, 'tokenizer'>, seed: number): string | null
  readonly preflight: {
    readonly mask: MaskRule
    readonly rewards: 'steps' | 'outcome' | 'none'
    checks(sequences: readonly TokenizedTrajectory[]): readonly Finding[]
  }
  /** See `AlgorithmParts.memory`. */
  memory(request: MemoryRequest): readonly MemoryPart[]
  /** Settings that need less memory, each with the change. */
  smallerSettings(): readonly { readonly change: string; readonly configured: ConfiguredAlgorithm }[]
  train(context: TrainingContext, feed: TrainingFeed): Promise<PolicyModel>
}

export function defineAlgorithm<Schema extends z.ZodObject>(parts: AlgorithmParts<Schema>): Algorithm<Schema> {
  const algorithm: Algorithm<Schema> = {
    ...factsOf(parts),
    config: parts.config,
    interop: parts.interop,
    storyDefaults: (scale) => parts.storyDefaults(scale),
    configure: (given, initial = null, limits = {}) => {
      const config = parsedSettings(parts.title, parts.config, initial ? withShapeOf(initial, given, parts.config) : given)
      return configured({ parts, algorithm, config, initial, limits })
    },
  }
  return algorithm
}

const factsOf = (parts: AlgorithmFacts): AlgorithmFacts => ({
  name: parts.name,
  title: parts.title,
  paper: parts.paper,
  help: parts.help,
  metrics: parts.metrics,
  colour: parts.colour,
  metricQuestions: parts.metricQuestions,
  alarmsOff: parts.alarmsOff,
  learnsFrom: parts.learnsFrom,
  usesReference: parts.usesReference,
})

function withShapeOf({ lora, from }: StartingAdapter, given: Settings, config: z.ZodObject): Settings {
  try {
    return settingsOfInitialAdapter(given, lora, config.shape, from)
  } catch (error) {
    throw new SettingsError(error instanceof Error ? error.message : String(error))
  }
}

interface Configured<Schema extends z.ZodObject> {
  readonly parts: AlgorithmParts<Schema>
  readonly algorithm: Algorithm<Schema>
  readonly config: z.output<Schema>
  readonly initial: StartingAdapter | null
  readonly limits: SequenceLimits
}

function configured<Schema extends z.ZodObject>({ parts, algorithm, config, initial, limits }: Configured<Schema>): ConfiguredAlgorithm {
  const { tokenize, limits: limitNames } = parts.tokenization(config, limits)
  const tokenizeWith =
    (codec: TextEncoding): TokenizeAll =>
    (labelled) =>
      labelled.map((one) => tokenize(one, codec))
  const isContinued = initial !== null
  const whole = parts.trainable(config, isContinued)
  const { mask, rewards, checks } = parts.preflight
  return {
    ...parts.sizes(config),
    algorithm,
    settings: config,
    trainable: { ...whole, valueHead: false },
    hasValueHead: whole.valueHead,
    notes: () => parts.notes(config),
    tokenize: (labelled, codec) => tokenizeWith(codec)(labelled),
    lengthLimits: limitNames,
    checkData: (labelled, { tokenizer }, seed) => parts.checkData(config, { labelled, tokenize: tokenizeWith(tokenizer), seed }),
    preflight: { mask: mask(config), rewards, checks: (sequences) => checks?.(config, sequences) ?? [] },
    memory: (request) =>
      parts.memory(config, { ...request, trainable: whole, isContinued, tokenize: tokenizeWith(request.model.tokenizer) }),
    smallerSettings: () =>
      smallerSettings(config, parts.halvable).map(({ change, settings }: SettingsChange) => ({
        change,
        configured: configured({ parts, algorithm, config: parts.config.parse(settings), initial, limits }),
      })),
    train: (context, feed) => {
      const plain = tokenizeWith(feed.model.tokenizer)
      const noted = (labelled: readonly LabelledTrajectory[], since = ''): TokenizedTrajectory[] => {
        const sequences = plain(labelled)
        const note = truncationNote(sequences, limitNames)
        if (note !== null) feed.onNote(`${since}${note}`)
        return sequences
      }
      return parts.train(context, config, { ...feed, tokenize: noted })
    },
  }
}

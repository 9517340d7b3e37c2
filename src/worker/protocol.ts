/**
 * What the page may ask of the studio, and what it hears back. Plain data only: weights never cross.
 * Commands are few and coarse; events leave on one MessagePort, batched at ≤ 10 Hz.
 */
import type { Activity } from '../base/activity'
import type { Opinion, ResolvedReward } from '../records/annotation'
import type { DatasetRow } from '../records/dataset'
import type { EvaluationRecord } from '../records/evaluation'
import type { GpuInfo, MetricTable, RunRecord } from '../records/run'
import type { JobRequest, ServerModel } from '../records/requests'
import type { AnswerStatus } from '../records/trajectory'
import type { ToolSpec } from '../records/trajectory'

export type { JudgePlan, NewOpinion } from '../records/annotation'
export type { DatasetRow, Problem } from '../records/dataset'
export type { DataSourceRow } from '../records/dataSource'
export type { FieldRemark } from '../records/fieldRemark'
export { CACHE_DTYPES, WEIGHT_DTYPES } from '../records/requests'
export type {
  CheckpointSettings,
  InitialAdapterRef as StartFrom,
  JobRequest,
  JudgeSettings,
  MergeRequest,
  RemoteModel,
  ServerModel,
  TrainRequest,
} from '../records/requests'
export type { DownloadPlan, ModelRow, OpenedModel, UnfinishedDownload } from './modelProtocol'
export { mergedJobId } from './trainingProtocol'
export type {
  ImportedAdapter,
  MemoryEstimate,
  MergedModel,
  PreflightFinding,
  RecipeFile,
  RecipeOnForm,
  RecipeSource,
} from './trainingProtocol'

/** Expected failures are values; only bugs throw. */
export type Reply<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly code: string; readonly message: string }

export interface AlgorithmDescription {
  readonly name: string
  readonly title: string
  readonly paper: string
  readonly help: string
  /**
   * `z.toJSONSchema(config, { io: 'input' })`: default, bounds, and in each property `help`, `essential` (one of the six shown first),
   * `group` (the heading it stands under) and `small` (the value that suits a model of less than a hundred million parameters).
   */
  readonly configSchema: Record<string, unknown>
  /** Metric name → meaning. */
  readonly metrics: Readonly<Record<string, string>>
  /** Number of its series colour, 1 to 7: an algorithm has the same colour on every screen. */
  readonly colour: number
  /** Metric name → what people ask when they see its chart, and the answer. */
  readonly metricQuestions: Readonly<Record<string, MetricQuestion | undefined>>
  /** Kinds of alarms that do not apply to it, because its metric of that name means something else. */
  readonly alarmsOff: readonly string[]
  /** What it can learn from: given trajectories, rollouts of its own policy, transcripts of an expert. */
  readonly learnsFrom: readonly ('files' | 'rollouts' | 'transcripts')[]
}

export interface MetricQuestion {
  readonly question: string
  readonly answer: string
}

/** What was shown of an architecture. */
export interface ArchitectureClaim {
  readonly architecture: string
  readonly title: string
  /** Rotary scaling → the goldens that its numbers are compared with. */
  readonly exact: Readonly<Record<string, readonly string[] | undefined>>
  /** Checkpoints with trained weights that were run. */
  readonly ran: readonly string[]
}

export interface EnvironmentDescription {
  readonly name: string
  readonly title: string
  readonly description: string
  /** What the user must give, as a noun phrase; null: nothing. Hash and tools are only known with it. */
  readonly needs: string | null
  /** JSON Schema of what the user may choose; null: nothing. */
  readonly settingsSchema: Readonly<Record<string, unknown>> | null
  /** Whether a model behind a server can play its tools. */
  readonly usesSimulator: boolean
  readonly hash: string | null
  readonly tools: readonly ToolSpec[]
}

export interface BenchmarkDescription {
  readonly name: string
  readonly title: string
  readonly environment: string
  /** What the user must give, as a noun phrase; null: nothing. Splits and budget are only known with it. */
  readonly needs: string | null
  /** JSON Schema of what the user may choose; null: nothing. */
  readonly settingsSchema: Readonly<Record<string, unknown>> | null
  readonly usesSimulator: boolean
  /** Queries of each split; first the one that a form offers first. */
  readonly splits: Readonly<Record<string, number>>
  /** Splits whose questions evaluations ask: a model should not be trained on them. */
  readonly heldOut: readonly string[]
  /** Whether it has a split for practice; null: that is only known with data. */
  readonly practises: boolean | null
  /** How many queries that split has. */
  readonly practiceQueries: number
  readonly callBudget: number | null
}

/** What the user gives an environment or a benchmark besides its name. */
export interface GivenWorld {
  /** Id of the data. */
  readonly data?: string
  readonly settings?: Readonly<Record<string, unknown>>
  readonly simulator?: ServerModel
}

/** A file that the user chose, with its path inside the folder it came from. */
export interface GivenFile {
  readonly path: string
  readonly file: File
}

/** Data for benchmarks. */
export interface WorldDataRow {
  readonly data_id: string
  readonly title: string
  readonly files: number
  readonly bytes: number
  /** false: they are read from where the user has them, and must be chosen again after a reload. */
  readonly isStored: boolean
}

/** A way to spend a budget of calls on an episode. */
export interface StrategyDescription {
  readonly name: string
  readonly title: string
  readonly help: string
  /** JSON Schema of its settings; null where they are not known. */
  readonly settingsSchema: Readonly<Record<string, unknown>> | null
  /** Turns of the model in an attempt where a request sets no limit; null: as many as the tool calls allow. */
  readonly modelCalls: number | null
}

export interface StudioDescription {
  /** Names that forms begin with. The model is the one that comes with the page. */
  readonly defaults: {
    readonly algorithm: string
    readonly model: string
    readonly environment: string
    readonly benchmark: string
    readonly strategy: string
  }
  readonly algorithms: readonly AlgorithmDescription[]
  readonly formats: readonly { readonly name: string; readonly title: string }[]
  readonly architectures: readonly string[]
  readonly claims: readonly ArchitectureClaim[]
  readonly environments: readonly EnvironmentDescription[]
  readonly benchmarks: readonly BenchmarkDescription[]
  readonly strategies: readonly StrategyDescription[]
  readonly callFormats: readonly { readonly name: string; readonly title: string }[]
  readonly ops: readonly string[]
}

export type GpuStatus =
  | { readonly state: 'ready'; readonly adapter: GpuInfo; readonly plannedBytes: number; readonly largestBufferBytes: number }
  /** `cause`: insecure-context · no-api · no-adapter · no-device · too-small · lost. */
  | { readonly state: 'unavailable'; readonly cause: string; readonly message: string }

/** One trained batch row as the model sees it. */
export interface TokenPreview {
  readonly trajectory_id: string
  readonly ids: readonly number[]
  readonly text: readonly string[]
  /** 1 where the token carries loss. */
  readonly mask: readonly number[]
  /** Step the token belongs to, −1 for none. */
  readonly step: readonly number[]
  readonly truncatedTokens: number
  readonly truncatedSteps: readonly number[]
  /** Steps none of whose tokens carry loss after truncation. */
  readonly notTrainedSteps: readonly number[]
}

export interface AdvantagePreview {
  readonly tokens: TokenPreview
  readonly rewards: readonly (number | null)[]
  /**
   * GAE advantage (before whitening) and whitened over this trajectory, one per token; 0 where mask is 0. Recorded advantages are those that the
   * loss used, in both.
   */
  readonly advantages: readonly number[]
  readonly whitened: readonly number[]
  /** PPO loss of the trajectory at ratio 1 with these rewards; null where advantages were recorded. */
  readonly loss: number | null
  /** The weighting that was used; absent where advantages were recorded. */
  readonly step_reward_weighting?: 'released' | 'paper'
  /** Where the numbers come from; absent in recordings that do not say. */
  readonly basis?: AdvantageBasis
}

/**
 * `recorded`: an update of the run used these advantages. `run`: computed from the run's settings. `default`: computed from the default
 * algorithm's settings. `algorithm` is the title of the algorithm; `limits` names the settings that bound the length.
 */
export interface AdvantageBasis {
  readonly kind: 'recorded' | 'run' | 'default'
  readonly algorithm: string
  readonly limits: string
}

export interface LabelState {
  readonly opinions: readonly Opinion[]
  /** One per step of the trajectory. */
  readonly resolved: readonly ResolvedReward[]
}

export type JobPhase =
  | 'starting'
  | 'before'
  | 'rewards'
  | 'training'
  | 'after'
  | 'rollout'
  | 'evaluating'
  | 'judging'
  | 'downloading'
  | 'merging'
  | 'measuring'
  | 'done'

/** `seconds`: of the whole run; null where nothing says. `basis`: how that is known, or why it is not, in a sentence. */
export interface TimeEstimate {
  readonly seconds: number | null
  readonly basis: string
}

export interface JobSnapshot {
  readonly job_id: string
  readonly run_id: string
  readonly kind: JobRequest['kind']
  readonly title: string
  readonly state: 'running' | 'paused' | 'finished' | 'cancelled' | 'failed'
  /** Whether a pause has begun: the work stands still and what it did is stored. Until then it goes on to where it can be paused. */
  readonly isStandingStill?: boolean
  readonly phase: JobPhase
  /** Of `total`; both are bytes while `downloading` and `merging`. */
  readonly done: number
  readonly total: number
  readonly tokensPerSecond: number | null
  /** Tokens trained and generated so far. */
  readonly tokens?: number
  /** The most that was allocated on the GPU at once. */
  readonly peakBytes?: number | null
  /** Seconds left of the whole job, all its phases counted; null while nothing says. */
  readonly etaSeconds: number | null
  /** What the GPU is busy with inside the phase. */
  readonly activity?: Activity | null
  readonly dispatches: number
  readonly message: string
  readonly error: string | null
}

export interface ExamCell {
  readonly query_id: string
  readonly group: string
  readonly text: string
  readonly status: AnswerStatus | null
  readonly calls: number
  readonly trajectory_id: string | null
}

export type StudioEvent =
  | { readonly type: 'job'; readonly job: JobSnapshot }
  /** New metric rows of a run since the last event. */
  | { readonly type: 'metrics'; readonly run_id: string; readonly rows: MetricTable }
  | ({ readonly type: 'slept'; readonly run_id: string } & NonNullable<RunRecord['slept']>[number])
  /** Cells that changed in a run's exam grid. */
  | {
      readonly type: 'exam'
      readonly run_id: string
      readonly phase: 'before' | 'after'
      readonly total: number
      readonly cells: readonly ExamCell[]
    }
  | { readonly type: 'trajectories'; readonly run_id: string; readonly trajectory_ids: readonly string[] }
  | { readonly type: 'token'; readonly run_id: string; readonly text: string }
  | { readonly type: 'dataset'; readonly dataset: DatasetRow }
  | ({ readonly type: 'import' } & ImportProgress)
  | { readonly type: 'network'; readonly url: string; readonly method: string; readonly status: number | null; readonly at: string }
  | { readonly type: 'gpu'; readonly status: GpuStatus }

/**
 * How far an import is, by its present phase. Of a data set the file is read, then its trajectories are stored; of an adapter the files are read,
 * then stored; of a model each part is stored as it is read, after the files were compared where a model of the same size is here.
 */
export interface ImportProgress {
  readonly import_id: string
  readonly phase: 'reading' | 'comparing' | 'storing'
  /** Of `total`: bytes, or trajectories while those of a data set are stored. */
  readonly done: number
  readonly total: number
  /** The one under way; null where there is only one. */
  readonly file: string | null
  /** Of this phase; null while nothing says. */
  readonly etaSeconds: number | null
}

/** What an import that ended before its time left. */
export interface UnfinishedImport {
  readonly kind: 'dataset' | 'model' | 'adapter' | 'world-data'
  readonly id: string
  /** Of the file or the folder; the id where that is not known. */
  readonly name: string
  /** Of its files; its records are not counted. */
  readonly bytes: number
}

/** Numbers of the run story's finish: from the exam only. */
export interface StoryResult {
  readonly before: EvaluationRecord
  readonly after: EvaluationRecord | null
  readonly beforeRate: RateWithInterval
  readonly afterRate: RateWithInterval | null
  readonly difference: PairedDifference | null
  readonly win: {
    readonly wins: number
    readonly ties: number
    readonly losses: number
    readonly rate: number
    readonly interval: readonly [number, number]
  } | null
}
export interface RateWithInterval {
  readonly n: number
  readonly passed: number
  readonly rate: number
  /** 95 % Wilson interval. */
  readonly interval: readonly [number, number]
}
export interface PairedDifference {
  readonly difference: number
  readonly interval: readonly [number, number]
  readonly gained: number
  readonly lost: number
  /** True when the interval excludes 0. */
  readonly distinguishable: boolean
}

export interface RunDetail {
  readonly run: RunRecord
  readonly metrics: MetricTable
  readonly metricMeanings: Readonly<Record<string, string>>
  /** Who is at work on it, where that is another tab or process: `in another tab, since …`. Here it can be read, not changed. */
  readonly elsewhere?: string
  readonly exam: { readonly before: readonly ExamCell[]; readonly after: readonly ExamCell[] }
  readonly story: StoryResult | null
  /** log π of a fixed prompt's tokens before and after: proof that the policy changed. */
  readonly probe: { readonly before: readonly number[]; readonly after: readonly number[] | null } | null
}

/**
 * What the page may ask of the studio, and what it hears back. Plain data only: weights never cross.
 * Commands are few and coarse; events leave on one MessagePort, batched at ≤ 10 Hz.
 */
import type { Opinion, ResolvedReward } from '../records/annotation'
import type { EvaluationRecord } from '../records/evaluation'
import type { AdapterReport, MetricTable, RunRecord } from '../records/run'
import type { SamplingFilters } from '../records/samplingFilters'
import type { AnswerStatus, Trajectory } from '../records/trajectory'
import type { ToolSpec } from '../records/trajectory'
import type { WandbSent } from '../records/wandbRun'
import type { DownloadPlan, ModelRow, RemoteModel, UnfinishedDownload } from './modelProtocol'
import type {
  ImportedAdapter,
  MemoryEstimate,
  MergedModel,
  MergeRequest,
  PreflightFinding,
  RecipeFile,
  RecipeOnForm,
  RecipeSource,
  TrainRequest,
} from './trainingProtocol'

export type { DownloadPlan, ModelRow, RemoteModel, UnfinishedDownload } from './modelProtocol'
export { CACHE_DTYPES, mergedJobId, WEIGHT_DTYPES } from './trainingProtocol'
export type {
  CheckpointSettings,
  FieldRemark,
  ImportedAdapter,
  MemoryEstimate,
  MergedModel,
  MergeRequest,
  PreflightFinding,
  RecipeFile,
  RecipeOnForm,
  RecipeSource,
  StartFrom,
  TrainRequest,
} from './trainingProtocol'

/** Expected failures are values; only bugs throw. */
export type Reply<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly code: string; readonly message: string }

export interface Problem {
  readonly file: string
  /** 1-based row of the file (header = 1); null when the whole file is meant. */
  readonly row: number | null
  readonly column: string | null
  readonly expected: string
  readonly found: string
  readonly message: string
}

export interface AlgorithmDescription {
  readonly name: string
  readonly title: string
  readonly paper: string
  readonly help: string
  /** `z.toJSONSchema(config, { io: 'input' })`: default, bounds, and `help`, `essential` (one of the six shown first) in each property. */
  readonly configSchema: Record<string, unknown>
  /** Metric name → meaning. */
  readonly metrics: Readonly<Record<string, string>>
}

/** What was shown of an architecture. */
export interface ArchitectureClaim {
  readonly architecture: string
  readonly title: string
  /** Rotary scaling → goldens its numbers are held to. */
  readonly exact: Readonly<Record<string, readonly string[] | undefined>>
  /** Checkpoints with trained weights that were run. */
  readonly ran: readonly string[]
}

export interface StudioDescription {
  readonly algorithms: readonly AlgorithmDescription[]
  readonly formats: readonly { readonly name: string; readonly title: string }[]
  readonly architectures: readonly string[]
  readonly claims: readonly ArchitectureClaim[]
  readonly environments: readonly {
    readonly name: string
    readonly title: string
    readonly hash: string
    readonly tools: readonly ToolSpec[]
  }[]
  readonly benchmarks: readonly { readonly name: string; readonly splits: Readonly<Record<string, number>> }[]
  readonly strategies: readonly string[]
  readonly ops: readonly string[]
}

export type GpuStatus =
  | { readonly state: 'ready'; readonly adapter: AdapterReport; readonly plannedBytes: number; readonly largestBufferBytes: number }
  /** `cause`: insecure-context · no-api · no-adapter · no-device · too-small · lost. */
  | { readonly state: 'unavailable'; readonly cause: string; readonly message: string }

export interface DatasetRow {
  readonly dataset_id: string
  readonly name: string
  readonly format: string
  readonly sha256: string
  readonly bytes: number
  readonly rows: number
  readonly trajectories: number
  readonly steps: number
  readonly problems: readonly Problem[]
  readonly created_at: string
}

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
  /** GAE advantage (before whitening) and whitened over this trajectory, one per token; 0 where mask is 0. */
  readonly advantages: readonly number[]
  readonly whitened: readonly number[]
  /** PPO loss of the trajectory at ratio 1 with these rewards. */
  readonly loss: number
}

export interface LabelState {
  readonly opinions: readonly Opinion[]
  /** One per step of the trajectory. */
  readonly resolved: readonly ResolvedReward[]
}

export interface NewOpinion {
  readonly trajectory_id: string
  readonly step: number
  readonly name: Opinion['name']
  readonly value: number | null
  readonly rationale?: string
}

export interface JudgeSettings {
  readonly baseUrl: string
  readonly model: string
  /** Held in memory only. */
  readonly apiKey: string
  readonly repeats: number
  readonly temperature: number
}
export interface JudgePlan {
  readonly calls: number
  readonly host: string
  readonly trajectories: number
  readonly promptTokensEstimate: number
}

export type JobRequest =
  /** The run story: exam, practice, training, exam. `size` null lets the probe choose. */
  | { readonly kind: 'story'; readonly seed: number; readonly size: 'gpu' | 'software' | null; readonly algorithm?: string }
  | TrainRequest
  | {
      readonly kind: 'evaluate'
      readonly model: string
      /** run id whose adapter to use; null for the base model. */
      readonly adapterOf: string | null
      readonly benchmark: string
      readonly split: string
      readonly strategy: string
      readonly maxCalls: number
      readonly limit: number | null
      readonly temperature: number
      /** Absent: tokens are drawn from the model itself. */
      readonly sampling?: SamplingFilters
      readonly seed: number
    }
  | { readonly kind: 'judge'; readonly dataset_id: string; readonly trajectory_ids: readonly string[]; readonly settings: JudgeSettings }
  | { readonly kind: 'download'; readonly model: RemoteModel }
  | MergeRequest

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

export interface JobSnapshot {
  readonly job_id: string
  readonly run_id: string
  readonly kind: JobRequest['kind']
  readonly title: string
  readonly state: 'running' | 'paused' | 'finished' | 'cancelled' | 'failed'
  readonly phase: JobPhase
  /** Of `total`; both are bytes while `downloading` and `merging`. */
  readonly done: number
  readonly total: number
  readonly tokensPerSecond: number | null
  readonly etaSeconds: number | null
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
  | { readonly type: 'network'; readonly url: string; readonly method: string; readonly status: number | null; readonly at: string }
  | { readonly type: 'gpu'; readonly status: GpuStatus }

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
  /** Another tab is at work on it: here it can be read, not changed. */
  readonly elsewhere?: boolean
  readonly exam: { readonly before: readonly ExamCell[]; readonly after: readonly ExamCell[] }
  readonly story: StoryResult | null
  /** log π of a fixed prompt's tokens before and after: proof that the policy changed. */
  readonly probe: { readonly before: readonly number[]; readonly after: readonly number[] | null } | null
}

export interface StudioApi {
  /** First call. `assetBase` is the page's own base URL, ending in `/`. Events leave on `port`. */
  connect(assetBase: string, port: MessagePort): Promise<Reply<StudioDescription>>
  gpu(): Promise<GpuStatus>

  importFile(file: File): Promise<Reply<DatasetRow>>
  datasets(): Promise<readonly DatasetRow[]>
  removeDataset(datasetId: string): Promise<Reply<null>>
  sampleCsv(): Promise<string>
  tokenPreview(trajectoryId: string, options: { maxContextLen: number; maxResponseLen: number }): Promise<Reply<TokenPreview>>

  /** Trajectories of a dataset or of a run, without token arrays. */
  trajectories(of: { dataset_id: string } | { run_id: string }): Promise<readonly Trajectory[]>
  trajectory(trajectoryId: string): Promise<Reply<Trajectory>>
  labels(trajectoryId: string): Promise<LabelState>
  addOpinions(rows: readonly NewOpinion[], annotator: string): Promise<Reply<LabelState>>
  undoOpinion(opinionId: string): Promise<Reply<LabelState>>
  /** Advantages with the stored labels, or with `override` (one reward per step, null = unlabelled) in their place. */
  advantagePreview(
    trajectoryId: string,
    override: readonly (number | null)[] | null,
    options: { maxContextLen: number; maxResponseLen: number; rewardWeighting: 'released' | 'paper' },
  ): Promise<Reply<AdvantagePreview>>

  testJudge(settings: JudgeSettings): Promise<Reply<string>>
  planJudge(datasetId: string, trajectoryIds: readonly string[], settings: JudgeSettings): Promise<Reply<JudgePlan>>

  /** @param memoryBytes what the GPU has, as the person says; else a guess. */
  estimateMemory(request: JobRequest, memoryBytes?: number): Promise<Reply<MemoryEstimate>>
  /** Everything that can be said of a run before it starts, without the GPU. */
  preflight(request: TrainRequest, memoryBytes?: number): Promise<Reply<readonly PreflightFinding[]>>
  /** A recipe file onto the form; `fallback`: the method of settings that name none. */
  readRecipe(file: string, text: string, fallback: string): Promise<Reply<RecipeOnForm>>
  writeRecipe(source: RecipeSource, to: 'hone' | 'trl' | 'verl'): Promise<Reply<RecipeFile>>
  start(request: JobRequest): Promise<Reply<JobSnapshot>>
  pause(jobId: string): Promise<Reply<null>>
  resume(jobId: string): Promise<Reply<null>>
  cancel(jobId: string): Promise<Reply<null>>
  jobs(): Promise<readonly JobSnapshot[]>

  runs(): Promise<readonly RunRecord[]>
  run(runId: string): Promise<Reply<RunDetail>>
  /** Goes on with a run that failed, was stopped or lost its tab, from its newest checkpoint, to the end it would have had. */
  resumeRun(runId: string): Promise<Reply<JobSnapshot>>
  removeRun(runId: string): Promise<Reply<null>>
  evaluations(): Promise<readonly EvaluationRecord[]>
  /** Adapter in PEFT layout: file name → bytes (transferred). `best`: the weights of the record's `best`. */
  exportAdapter(runId: string, which?: 'last' | 'best'): Promise<Reply<Readonly<Record<string, Uint8Array<ArrayBuffer>>>>>
  /** What a finished `merge` job made. */
  mergedModel(runId: string): Promise<Reply<MergedModel>>
  exportAnnotations(datasetId: string): Promise<Reply<string>>
  /** All metrics so far to wandb, with the key of Hone's gateway; what is there already is not sent again. */
  sendToWandb(runId: string): Promise<Reply<WandbSent>>

  models(): Promise<readonly ModelRow[]>
  /** Files of a Hugging Face folder the person picked. */
  importModel(name: string, files: readonly File[]): Promise<Reply<ModelRow>>
  /** Adapters one can begin a run from besides those that runs left. */
  importedAdapters(): Promise<readonly ImportedAdapter[]>
  /** PEFT's files: adapter_config.json, adapter_model.safetensors and, where there is one, v_head.safetensors. Refused when they do not fit the model. */
  importAdapter(modelId: string, name: string, files: readonly File[]): Promise<Reply<ImportedAdapter>>
  removeAdapter(adapterId: string): Promise<Reply<null>>
  /** Asks the server what there is. `start` with kind `download` then fetches it. */
  planDownload(model: RemoteModel): Promise<Reply<DownloadPlan>>
  unfinishedDownloads(): Promise<readonly UnfinishedDownload[]>
  /** A model, or what an interrupted download left. */
  removeModel(modelId: string): Promise<Reply<null>>
  callTool(tool: string, args: Readonly<Record<string, unknown>>): Promise<Reply<string>>

  storage(): Promise<{
    readonly items: readonly { readonly name: string; readonly bytes: number; readonly kind: string }[]
    readonly usage: number | null
    readonly quota: number | null
  }>
}

/**
 * What the page may ask of the studio, by area. Plain data only: weights never cross. Commands are few and coarse; events leave on one
 * MessagePort, batched at ≤ 10 Hz.
 */
import type { DataSourceRow } from '../records/dataSource'
import type { EvaluationRecord } from '../records/evaluation'
import type { RunRecord } from '../records/run'
import type { Trajectory } from '../records/trajectory'
import type { WandbSent } from '../records/wandbRun'
import type {
  AdvantagePreview,
  BenchmarkDescription,
  DatasetRow,
  DownloadPlan,
  EnvironmentDescription,
  GivenFile,
  GivenWorld,
  GpuStatus,
  ImportedAdapter,
  JobRequest,
  JobSnapshot,
  JudgePlan,
  JudgeSettings,
  LabelState,
  MemoryEstimate,
  MergedModel,
  ModelRow,
  NewOpinion,
  OpenedModel,
  PreflightFinding,
  RecipeFile,
  RecipeOnForm,
  RecipeSource,
  RemoteModel,
  Reply,
  RunDetail,
  ServerModel,
  StudioDescription,
  TokenPreview,
  TimeEstimate,
  TrainRequest,
  UnfinishedDownload,
  UnfinishedImport,
  WorldDataRow,
} from './protocol'

export interface GpuApi {
  status(): Promise<GpuStatus>
}

export interface DatasetsApi {
  list(): Promise<readonly DatasetRow[]>
  /** What a training request can name in `data`: data sets, and the practice of runs. */
  sources(): Promise<readonly DataSourceRow[]>
  /** `importId` names the import in events of its progress. `suggestions`: whether the rules give an opinion on every step; when absent, they do. */
  importFile(file: File, options?: { readonly suggestions: boolean; readonly importId?: string }): Promise<Reply<DatasetRow>>
  /** Stops an import by the `importId` that it was given; nothing of it stays. */
  cancelImport(importId: string): Promise<Reply<null>>
  remove(datasetId: string): Promise<Reply<null>>
  sampleCsv(): Promise<string>
}

export interface TrajectoriesApi {
  /** Trajectories of a dataset or of a run, without token arrays. */
  list(of: { dataset_id: string } | { run_id: string }): Promise<readonly Trajectory[]>
  get(trajectoryId: string): Promise<Reply<Trajectory>>
  /** @param options `model` is the id of the model whose tokenizer is used; when absent, the embedded one. */
  tokenPreview(
    trajectoryId: string,
    options: { maxContextLen: number; maxResponseLen: number; model?: string | null },
  ): Promise<Reply<TokenPreview>>
}

/** StepTool's two rules, sound or with the flaws of its released code; or what a tool world knew when the trajectory was rolled out. */
export type AnnotateBy = { readonly by: 'rules'; readonly rules: 'sound' | 'released' } | { readonly by: 'world' }

export interface ExportedFile {
  readonly text: string
  readonly trajectories: number
  readonly steps: number
  /** What the format cannot hold, and why. */
  readonly skipped: readonly { readonly trajectory_id: string; readonly reason: string }[]
}

export interface LabelsApi {
  get(trajectoryId: string): Promise<LabelState>
  add(rows: readonly NewOpinion[], annotator: string): Promise<Reply<LabelState>>
  undo(opinionId: string): Promise<Reply<LabelState>>
  /**
   * Advantages of a trajectory. With `override` null: those that the run which rolled it out recorded, or where it recorded none, those that the
   * stored labels give. With `override` (one reward per step, null = unlabelled): those that these rewards would give. They are computed with
   * the settings and the tokenizer of that run; where no run rolled it out, or its algorithm has no value head, with those of the default
   * algorithm. `options` replace the weighting and the model.
   */
  advantagePreview(
    trajectoryId: string,
    override: readonly (number | null)[] | null,
    options: { step_reward_weighting?: 'released' | 'paper' | null; model?: string | null },
  ): Promise<Reply<AdvantagePreview>>
  /** The labels of a data set, or of a run's practice, as StepTool's CSV. */
  exportCsv(id: string): Promise<Reply<string>>
  /** Adds the opinions of rules, or of what the environment knew, about every step of a source of data. Returns how many there are. */
  annotate(sourceId: string, how: AnnotateBy): Promise<Reply<number>>
  /** Sources of data as one file, each in its own order, with every opinion (`hone-jsonl`) or the resolved rewards. */
  exportFile(sourceIds: readonly string[], format: 'steptool-csv' | 'hone-jsonl'): Promise<Reply<ExportedFile>>
}

/** What a judge's job gave: opinions that were added, and answers that could not be used. */
export interface JudgeOutcome {
  readonly opinions: number
  readonly failures: readonly string[]
  /** Why judging ended early: the next question would have failed the same way. Null when every question was asked. */
  readonly stopped: string | null
}

export interface JudgesApi {
  test(settings: JudgeSettings): Promise<Reply<string>>
  plan(datasetId: string, trajectoryIds: readonly string[], settings: JudgeSettings): Promise<Reply<JudgePlan>>
  /** Of a job that is over, by its run id; null for another. */
  outcome(runId: string): Promise<JudgeOutcome | null>
}

export interface JobsApi {
  list(): Promise<readonly JobSnapshot[]>
  /** @param memoryBytes what the GPU has, as the person says; without it the budget is a guess. */
  estimateMemory(request: JobRequest, memoryBytes?: number): Promise<Reply<MemoryEstimate>>
  /** How long training would take, judged by earlier runs on this GPU. */
  estimateTime(request: TrainRequest): Promise<Reply<TimeEstimate>>
  /** Everything that can be said of a run before it starts, without the GPU. */
  preflight(request: TrainRequest, memoryBytes?: number): Promise<Reply<readonly PreflightFinding[]>>
  start(request: JobRequest): Promise<Reply<JobSnapshot>>
  pause(jobId: string): Promise<Reply<null>>
  resume(jobId: string): Promise<Reply<null>>
  cancel(jobId: string): Promise<Reply<null>>
}

export interface RecipesApi {
  /** Reads a recipe file into the form; `fallback` is the algorithm of settings that name none. */
  read(file: string, text: string, fallback: string): Promise<Reply<RecipeOnForm>>
  write(source: RecipeSource, to: 'hone' | 'trl' | 'verl'): Promise<Reply<RecipeFile>>
}

export interface RunsApi {
  list(): Promise<readonly RunRecord[]>
  get(runId: string): Promise<Reply<RunDetail>>
  /** Resumes a run that failed, was stopped or lost its tab, from its newest checkpoint to the end it would have had. */
  resume(runId: string): Promise<Reply<JobSnapshot>>
  remove(runId: string): Promise<Reply<null>>
  /**
   * Adapter in PEFT layout: file name → bytes (transferred). `best`: the weights of the record's `best`.
   * @param baseModel its configuration names this base instead of the run's.
   */
  exportAdapter(
    runId: string,
    which?: 'last' | 'best',
    baseModel?: string,
  ): Promise<Reply<Readonly<Record<string, Uint8Array<ArrayBuffer>>>>>
  /** Names of the files that `exportAdapter` would give, weights first. */
  adapterFiles(runId: string, which?: 'last' | 'best'): Promise<Reply<readonly string[]>>
  /** Opens the run that a folder holds; the host must have folders. */
  openFolder(folder: string): Promise<Reply<RunDetail>>
  /** What a finished `merge` job made. @param adapterOf id of the run, or of the imported adapter, that was merged. */
  mergedModel(adapterOf: string): Promise<Reply<MergedModel>>
  /** Sends all metrics so far to wandb, with the key of Hone's gateway; what is there already is not sent again. */
  /** @param gatewayToken what the gateway asks for before it uses its key; null where the page has none. */
  sendToWandb(runId: string, gatewayToken: string | null): Promise<Reply<WandbSent>>
}

export interface EvaluationsApi {
  list(): Promise<readonly EvaluationRecord[]>
}

export interface ModelsApi {
  list(): Promise<readonly ModelRow[]>
  /** Files of a Hugging Face folder the person picked. @param importId names the import in events, and to stop it. */
  importFiles(name: string, files: readonly File[], importId?: string): Promise<Reply<ModelRow>>
  /** Stops an import that is under way; nothing of it stays. */
  cancelImport(importId: string): Promise<Reply<null>>
  /** Opens a model that is here, or that the host knows by name, without reading its weights. @param seed of weights that are drawn at random. */
  open(modelId: string, seed?: number): Promise<Reply<OpenedModel>>
  /** Asks the server what there is. `jobs.start` with kind `download` then fetches it. */
  planDownload(model: RemoteModel): Promise<Reply<DownloadPlan>>
  unfinishedDownloads(): Promise<readonly UnfinishedDownload[]>
  /** A model, or what an interrupted download left. */
  remove(modelId: string): Promise<Reply<null>>
  /** Asks a server's model one small question; a sentence about what it did. @param asksForCall whether it has to call a tool. */
  testServer(server: ServerModel, asksForCall: boolean): Promise<Reply<string>>
}

/** Imported LoRA adapters. A run can start from these, besides those that runs left. */
export interface AdaptersApi {
  list(): Promise<readonly ImportedAdapter[]>
  /** PEFT's files: adapter_config.json, adapter_model.safetensors and, where there is one, v_head.safetensors. Files that do not fit the model are refused. */
  importFiles(modelId: string, name: string, files: readonly File[], importId?: string): Promise<Reply<ImportedAdapter>>
  /** Stops an import that is under way; nothing of it stays. */
  cancelImport(importId: string): Promise<Reply<null>>
  /** PEFT's files read and written again: what is handed over is known to be whole. @param baseModel when absent, as they say. */
  exportFiles(name: string, files: readonly File[], baseModel?: string): Promise<Reply<Readonly<Record<string, Uint8Array<ArrayBuffer>>>>>
  remove(adapterId: string): Promise<Reply<null>>
}

/** What is recorded of a tool server. */
export interface ToolRecordingRow {
  readonly name: string
  readonly bytes: number
  /** The server's own name. */
  readonly server: string
  readonly tools: number
  /** Calls with a recorded reply. */
  readonly replies: number
  /** Why it cannot be read; null: it can. */
  readonly problem: string | null
}

export interface EnvironmentsApi {
  /** Calls a tool in a fresh episode. @param environment null: the default one. */
  callTool(environment: string | null, tool: string, args: Readonly<Record<string, unknown>>, given?: GivenWorld): Promise<Reply<string>>
  /** An environment made from what the user gives it: its tools and its hash. */
  openEnvironment(name: string, given: GivenWorld): Promise<Reply<EnvironmentDescription>>
  /** A benchmark made from what the user gives it: its splits and its budget. */
  openBenchmark(name: string, given: GivenWorld): Promise<Reply<BenchmarkDescription>>
  /** Data for benchmarks that are here. */
  listData(): Promise<readonly WorldDataRow[]>
  addData(title: string, files: readonly GivenFile[]): Promise<Reply<WorldDataRow>>
  removeData(dataId: string): Promise<Reply<null>>
}

export interface ToolServersApi {
  /** A secret that a tool server asks for, such as the gateway's token. It is kept in memory and sent to that server's origin alone. */
  nameToken(address: string, token: string): Promise<Reply<null>>
  recordings(): Promise<readonly ToolRecordingRow[]>
  /** The file of a recording, which `addRecording` reads anywhere. */
  recordingText(name: string): Promise<Reply<string>>
  addRecording(name: string, text: string): Promise<Reply<ToolRecordingRow>>
  removeRecording(name: string): Promise<Reply<null>>
}

export interface StorageApi {
  usage(): Promise<{
    readonly items: readonly { readonly name: string; readonly bytes: number; readonly kind: string }[]
    /** What interrupted imports had left and was removed when the studio opened. */
    readonly removed: readonly UnfinishedImport[]
    readonly usage: number | null
    readonly quota: number | null
  }>
}

/** What the studio can do, by area: one folder of `studio/` each. */
export interface StudioAreas {
  readonly gpu: GpuApi
  readonly datasets: DatasetsApi
  readonly trajectories: TrajectoriesApi
  readonly labels: LabelsApi
  readonly judges: JudgesApi
  readonly jobs: JobsApi
  readonly recipes: RecipesApi
  readonly runs: RunsApi
  readonly evaluations: EvaluationsApi
  readonly models: ModelsApi
  readonly adapters: AdaptersApi
  readonly environments: EnvironmentsApi
  readonly toolServers: ToolServersApi
  readonly storage: StorageApi
}

export interface StudioApi extends StudioAreas {
  /** First call. `assetBase` is the page's own base URL, ending in `/`. Events leave on `port`. */
  connect(assetBase: string, port: MessagePort): Promise<Reply<StudioDescription>>
}

export interface LiveStudio {
  readonly studio: StudioApi
  readonly description: StudioDescription
}

export interface RecordedStudio {
  readonly studio: StudioApi
  readonly description: StudioDescription
  readonly gpu: GpuStatus
  readonly runId: string
  readonly title: string
  readonly recordedAt: string
  readonly adapterName: string
  /** Whether the file's bytes were compared with the manifest's hash. */
  readonly verified: boolean
}

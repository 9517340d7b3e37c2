/** One run of training as its parts share it: what was asked, who records it, and the files of what is trained. */
import type { RowParts } from '../../annotation/opinions'
import type { Store } from '../../storage/store'
import type { ConfiguredAlgorithm, TranscriptSource } from '../../training/algorithm'
import type { LabelledTrajectory } from '../../training/batches/labelledTrajectory'
import type { AdapterTensors } from '../../training/policy/adapterTensors'
import type { CheckpointSettings, StudioEvent } from '../../worker/protocol'
import type { GpuAccess, OpenGpu } from '../jobs/gpuAccess'
import type { JobControl } from '../jobs/jobControl'
import { trainedFiles, type AdapterFiles } from '../models/adapterFiles'
import { initialAdapterNote, type NamedInitialAdapter } from '../models/initialAdapter'
import type { InitialAdapters } from '../models/initialAdapters'
import type { LoadedModel, Models } from '../models/models'
import type { ActingPolicy, PolicyBackend } from './policyBackend'
import type { PracticePlan } from './practice'
import type { RunRecorder } from './runRecorder'

export interface RunTrainingRequest {
  readonly model: LoadedModel
  readonly configured: ConfiguredAlgorithm
  readonly steps: number
  /** The initial adapter; null for a new one. */
  readonly initialAdapter: NamedInitialAdapter | null
  readonly seed: number
  /** Whether the run was begun before. */
  readonly isResumed: boolean
  /** null: transcripts, or without them practice as the plan says. */
  readonly data: readonly LabelledTrajectory[] | null
  readonly transcripts?: TranscriptSource | null
  readonly practice: PracticePlan
  readonly checkpoints?: CheckpointSettings | undefined
  /** Whether checkpoints and the initial adapter stay when the run is finished, as they do in a folder. */
  readonly keepsCheckpoints?: boolean
}

export interface TrainingHooks {
  /** The model before its first step. */
  readonly before?: (policy: ActingPolicy) => Promise<void>
  /** The most that the steps allocated on the GPU at once; probes before and after them are not counted. */
  readonly trained?: (peakBytes: number) => void
  /** Seconds that what follows the steps will take; null: not known. Absent: next to none. */
  readonly secondsAfter?: () => number | null
  /** The model after its last step, with its adapter's hash. */
  readonly after?: (policy: ActingPolicy, adapterSha256: string) => Promise<void>
}

export interface TrainingParts {
  readonly store: Store
  readonly rows: RowParts
  readonly emit: (event: StudioEvent) => void
  readonly clock: () => number
  readonly gpu: GpuAccess
  readonly initialAdapters: Pick<InitialAdapters, 'forget'>
  readonly models: Pick<Models, 'folder'>
  readonly opened: OpenGpu
  readonly policyBackend: PolicyBackend
}

export interface TrainingRun {
  readonly request: RunTrainingRequest
  readonly hooks: TrainingHooks
  readonly recorder: RunRecorder
  readonly control: JobControl
  readonly parts: TrainingParts
  readonly filesOf: (tensors: AdapterTensors) => Promise<AdapterFiles>
}

export function createTrainingRun(
  request: RunTrainingRequest,
  hooks: TrainingHooks,
  recorder: RunRecorder,
  control: JobControl,
  parts: TrainingParts,
): TrainingRun {
  const { model, configured, initialAdapter } = request
  const note = `Run ${control.runId}: ${recorder.record.title}.${initialAdapterNote(initialAdapter)}`
  return {
    ...{ request, hooks, recorder, control, parts },
    filesOf: async (tensors) =>
      trainedFiles(tensors, configured.trainable, { ...model, folder: await parts.models.folder(model.id) }, note),
  }
}

/** What jobs share: the feature modules, and `runWork`, which turns work into a run whose end is always recorded. */
import type { NewId } from '../../base/id'
import { callFormatFor } from '../../agents/callFormats/callFormatFor'
import type { RunRecord } from '../../records/run'
import { isStorageFull } from '../../storage/storageFull'
import type { Store } from '../../storage/store'
import type { EvaluationParts } from '../evaluations/evaluatePolicy'
import type { GpuAccess, OpenGpu } from './gpuAccess'
import type { JobControl, JobWork } from './jobControl'
import type { Labels } from '../labels/labels'
import type { TrainingParts } from '../runs/trainingRun'
import type { Reply } from '../../worker/protocol'
import type { ServerChatParts } from '../models/serverChat'
import type { Models, ModelText } from '../models/models'
import type { RunRecorder } from '../runs/runRecorder'
import type { Runs } from '../runs/runs'
import type { InitialAdapters } from '../models/initialAdapters'
import type { Worlds } from '../worlds/worlds'
import { STORAGE_FULL_REASON, retryWhenStorageFull } from '../storage/retryWhenStorageFull'

export interface JobContext {
  readonly store: Store
  readonly models: Models
  readonly initialAdapters: InitialAdapters
  readonly labels: Labels
  readonly gpu: GpuAccess
  readonly worlds: Worlds
  readonly newId: NewId
  /** ISO time. */
  readonly now: () => string
  readonly evaluationParts: EvaluationParts
  /** For models behind servers. */
  readonly serverParts: ServerChatParts
  readonly trainingParts: Omit<TrainingParts, 'opened'>
  /** Where a new run is stored, if the request says; refused where the host has no directories. */
  placeRun(runId: string, kind: RunRecord['kind'], folder: string | undefined): Promise<Reply<null>>
  /** One sentence that says who is working on a run; null when nobody is. */
  whyBusy(runId: string): Promise<string | null>
  /** null when there is a call format for the model, else one sentence that says why it cannot act. */
  promptFormatProblem(model: ModelText): string | null
  /** Work as a job whose run record follows its state. */
  runWork(
    frame: Pick<JobWork, 'kind' | 'title' | 'usesGpu' | 'peakBytes'> & {
      readonly record: RunRecord
      readonly dispatches: () => number
    },
    work: (recorder: RunRecorder, control: JobControl) => Promise<void>,
  ): JobWork
}

/** A recorder whose writes wait until storage has space; the job is paused meanwhile. */
function waitForStorage(recorder: RunRecorder, control: JobControl): RunRecorder {
  return {
    get record() {
      return recorder.record
    },
    get detail() {
      return recorder.detail
    },
    change: (fields) => retryWhenStorageFull(control, () => recorder.change(fields)),
    changeStatus: (status, pauseReason) => recorder.changeStatus(status, pauseReason),
    note: (sentence, inPlaceOf) => {
      recorder.note(sentence, inPlaceOf)
    },
    slept: (ms) => {
      recorder.slept(ms)
    },
    report: (step, metrics) => {
      recorder.report(step, metrics)
    },
    exam: (phase, total, cells) => {
      recorder.exam(phase, total, cells)
    },
    sits: (phase, sitter) => {
      recorder.sits(phase, sitter)
    },
    probe: (probe) => {
      recorder.probe(probe)
    },
    settle: () => retryWhenStorageFull(control, () => recorder.settle()),
    close: () => recorder.close(),
  }
}

/** What the device does is shown with the job that has it. */
async function showingActivity(engine: OpenGpu['engine'] | null, control: JobControl, work: () => Promise<void>): Promise<void> {
  if (!engine) return work()
  engine.activity.listener = (activity) => {
    control.show(activity)
  }
  try {
    await work()
  } finally {
    engine.activity.listener = null
  }
}

export function createRunWork(runs: Runs, gpu: GpuAccess, now: () => string): JobContext['runWork'] {
  return ({ record, ...frame }, work) => {
    let hold: () => void = () => undefined
    let opening: Promise<RunRecorder> | null = null
    const onFull = (): void => {
      hold()
    }
    const opened = (): Promise<RunRecorder> =>
      (opening ??= runs.open(record, onFull).catch((error: unknown) => {
        opening = null
        throw error
      }))
    return {
      ...frame,
      runId: record.run_id,
      run: async (control) => {
        hold = () => {
          control.hold(STORAGE_FULL_REASON)
        }
        const waiting = waitForStorage(await retryWhenStorageFull(control, opened), control)
        const device = frame.usesGpu ? await gpu.open() : null
        await showingActivity(device?.ok ? device.value.engine : null, control, () => work(waiting, control))
        await waiting.settle()
      },
      onSlept: (ms, done) => {
        const sentence = `The tab was frozen or the machine slept for ${Math.round(ms / 1000)} s after step ${done}; that time is not counted.`
        opening?.then(
          (recorder) => {
            recorder.note(sentence)
            recorder.slept(ms)
          },
          () => undefined,
        )
      },
      onState: async (state, error, pauseReason = null) => {
        const isOver = state !== 'running' && state !== 'paused'
        if (!isOver) {
          // If storage has no space even for the record, the work waits until there is some.
          const recorder = await opened().catch((reason: unknown) => {
            if (isStorageFull(reason)) return null
            throw reason
          })
          if (recorder && recorder.record.status !== state) await recorder.changeStatus(state, pauseReason)
          return
        }
        try {
          const recorder = await opened()
          try {
            await recorder.change({ status: state, error, finished_at: now(), pause_reason: null })
          } finally {
            await recorder.close()
          }
        } finally {
          // A loop that was stopped does not free what it had allocated: the next job gets a new device.
          if (frame.usesGpu && state !== 'finished') gpu.renew()
        }
      },
    }
  }
}

/** null when there is a call format for the model, else one sentence that says why it cannot act. */
export function promptFormatProblem(model: ModelText): string | null {
  const choice = callFormatFor(model)
  return choice.ok ? null : choice.message
}

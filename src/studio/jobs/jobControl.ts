/** What a job is given while it works, and what it says of itself. */
import type { Activity } from '../../base/activity'
import type { Gate } from '../../engine/plan/executable'
import type { JobPhase, JobRequest, JobSnapshot } from '../../worker/protocol'
import type { PauseRequests } from '../../training/trainingContext'

/** The person stopped the job: no failure. */
export class JobCancelled extends Error {
  override readonly name = 'JobCancelled'
  constructor() {
    super('The job was cancelled.')
  }
}

/** What a job does while it works. */
export interface JobControl {
  readonly jobId: string
  readonly runId: string
  readonly signal: AbortSignal
  /** Waits while the job is paused; throws JobCancelled when it was cancelled. */
  readonly gate: Gate
  /** What a person's pause waits for. A pause by `hold` waits for nothing. */
  readonly pauses: PauseRequests
  /** Pauses the job by itself, with the reason in a sentence. */
  hold(reason: string): void
  /** @param done of `total`, done before and not now: it says nothing of the speed. */
  phase(phase: JobPhase, total: number, message?: string, done?: number): void
  advance(done: number, message?: string): void
  say(message: string): void
  /** Tokens trained or generated since the last call. */
  countTokens(count: number): void
  /** What is being done inside the phase. */
  show(activity: Activity): void
  /** Milliseconds the job has worked, pauses left out. */
  elapsedMs(): number
  /** Who knows the time left of the whole job, in seconds; null: the phase's own rate says. */
  estimateLeft(seconds: (() => number | null) | null): void
}

export interface JobWork {
  readonly kind: JobRequest['kind']
  readonly title: string
  readonly runId: string
  readonly usesGpu: boolean
  /** Dispatches the GPU has run so far. */
  readonly dispatches?: () => number
  /** The most that was allocated on the GPU at once. */
  readonly peakBytes?: () => number
  run(control: JobControl): Promise<void>
  /** The tab was frozen, or the machine slept, for so long while this ran; `done` of the phase were done then. */
  onSlept?(ms: number, done: number): void
  /** The state changed; the last call has how it ended. */
  onState?(state: JobSnapshot['state'], error: string | null, pauseReason?: string | null): Promise<void>
}

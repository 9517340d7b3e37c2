/** One job: its state, progress, speed and time left; pause, resume and cancel act between submits. */
import type { NewId } from '../../base/id'
import type { Activity } from '../../base/activity'
import type { Gate } from '../../engine/plan/executable'
import type { PauseRequests } from '../../training/trainingContext'
import type { JobPhase, JobSnapshot } from '../../worker/protocol'
import { sentenceOf } from '../failure'
import { JobCancelled, type JobControl, type JobWork } from './jobControl'
import { secondsLeft } from './secondsLeft'

export interface JobParts {
  readonly newId: NewId
  readonly clock: () => number
  readonly sleep: (ms: number) => Promise<void>
  readonly onChange: (job: JobSnapshot) => void
  /** Cancels every job when it aborts. */
  readonly signal?: AbortSignal | undefined
  readonly onError?: ((error: unknown) => void) | undefined
}

/** Speed is over the last while, so that it follows what happens. */
const SPEED_WINDOW_MS = 10_000
/** Over less, a speed says nothing. */
const LEAST_SECONDS = 0.25
/** How often a job is reported even when it only compiles or waits, so that the page can see it is alive. */
const HEARTBEAT_MS = 1000
/** Work keeps a heartbeat waiting for seconds; a sleeping tab for longer. */
const ASLEEP_MS = 15_000
const PAUSING = 'Pausing: the step under way is finished and stored first.'
const PAUSED = 'Paused. The steps taken so far are stored.'
/** Between two announcements of activity. */
const LEAST_BETWEEN_MS = 200

export class Job implements JobControl {
  readonly work: JobWork
  readonly id: string
  ended: Promise<void> = Promise.resolve()
  readonly #parts: JobParts
  readonly #abort = new AbortController()
  readonly #dispatchesBefore: number
  #state: JobSnapshot['state'] = 'running'
  #phase: JobPhase = 'starting'
  #done = 0
  #doneBefore = 0
  #total = 0
  #message = ''
  #error: string | null = null
  #counted: { readonly at: number; readonly tokens: number }[] = []
  #tokens = 0
  #activity: Activity | null = null
  #estimate: (() => number | null) | null = null
  #toldAt = Number.NEGATIVE_INFINITY
  /** Clock times, the paused ones taken out. */
  #phaseStarted: number
  #pausedMs = 0
  #pausedAt: number | null = null
  #lastAdvance: number
  #release: (() => void) | null = null
  #held: Promise<void> | null = null
  /** Work stands at the gate, and what it did is stored. */
  #isStandingStill = false
  /** A person asked for the pause, and what it would lose is not stored yet. */
  #isPauseAsked = false
  #storeBeforePause: (() => Promise<boolean>) | null = null
  #storing: Promise<boolean> | null = null

  constructor(work: JobWork, id: string, parts: JobParts) {
    this.work = work
    this.id = id
    this.#parts = parts
    this.#dispatchesBefore = work.dispatches?.() ?? 0
    this.#phaseStarted = parts.clock()
    this.#lastAdvance = this.#phaseStarted
  }

  get jobId(): string {
    return this.id
  }
  get runId(): string {
    return this.work.runId
  }
  get signal(): AbortSignal {
    return this.#abort.signal
  }
  get isActive(): boolean {
    return this.#state === 'running' || this.#state === 'paused'
  }

  readonly gate: Gate = () => {
    this.#followHost()
    if (this.#abort.signal.aborted) throw new JobCancelled()
    return this.#held === null ? undefined : this.#wait()
  }
  readonly pauses: PauseRequests = {
    isAsked: () => this.#isPauseAsked,
    beforePause: (store) => void (this.#storeBeforePause = store),
  }
  async #wait(): Promise<void> {
    if (this.#isPauseAsked && !(await this.#stored())) return
    if (this.#held !== null && !this.#isStandingStill) {
      this.#isStandingStill = true
      this.#tell()
    }
    while (this.#held !== null) await this.#held
    if (this.#abort.signal.aborted) throw new JobCancelled()
  }

  /** Whether the pause may begin. Everybody at the gate waits for one storing. */
  async #stored(): Promise<boolean> {
    if (this.#storeBeforePause === null) {
      this.#isPauseAsked = false
      return true
    }
    this.#storing ??= this.#storeBeforePause().finally(() => (this.#storing = null))
    const isStored = await this.#storing
    if (!this.#isPauseAsked) return true
    this.#isPauseAsked = !isStored
    const message = isStored ? PAUSED : PAUSING
    if (this.#message !== message) this.say(message)
    return isStored
  }

  #followHost(): void {
    try {
      this.#parts.signal?.throwIfAborted()
    } catch {
      if (!this.#abort.signal.aborted) this.cancel()
    }
  }

  begin(): void {
    this.#parts.signal?.addEventListener('abort', () => {
      this.#followHost()
    })
    this.#tell()
    this.ended = this.#run()
    void this.#beat()
  }

  async #beat(): Promise<void> {
    while (this.isActive) {
      const before = this.#parts.clock()
      await this.#parts.sleep(HEARTBEAT_MS)
      this.#notice(this.#parts.clock() - before - HEARTBEAT_MS)
      if (this.#state === 'running') this.#tell()
    }
  }

  /** A heartbeat that came far too late: the tab was frozen or the machine slept. That time says nothing of the speed. */
  #notice(lateMs: number): void {
    if (lateMs < ASLEEP_MS || this.#state !== 'running') return
    this.#pausedMs += lateMs
    this.#lastAdvance = Math.min(this.#lastAdvance, this.#activeMs())
    this.work.onSlept?.(lateMs, this.#done)
  }

  async #run(): Promise<void> {
    try {
      await this.work.onState?.('running', null)
      await this.work.run(this)
      await this.#end(this.#abort.signal.aborted ? 'cancelled' : 'finished', null)
    } catch (error) {
      if (this.#abort.signal.aborted) await this.#end('cancelled', null)
      else {
        this.#parts.onError?.(error)
        await this.#end('failed', sentenceOf(error))
      }
    }
  }

  /** The last snapshot is sent after the record was stored, so that the run is complete for whoever then asks for it. */
  async #end(state: 'finished' | 'cancelled' | 'failed', error: string | null): Promise<void> {
    let problem = error
    try {
      await this.work.onState?.(state, error)
    } catch (reason) {
      problem ??= `The result could not be stored: ${sentenceOf(reason)}`
    }
    this.#held = null
    this.#state = problem !== null && state === 'finished' ? 'failed' : state
    this.#error = problem
    if (this.#state === 'finished') this.#phase = 'done'
    this.#tell()
  }

  pause(): string | null {
    if (this.#state === 'paused') return null
    this.#isPauseAsked = true
    return this.#pause(null)
  }
  /** @param reason why it pauses by itself; null for a person's pause. */
  #pause(reason: string | null): string | null {
    this.#state = 'paused'
    this.#pausedAt = this.#parts.clock()
    this.#held = new Promise((resolve) => (this.#release = resolve))
    this.#announce('paused', reason)
    this.#tell()
    return null
  }

  hold(reason: string): void {
    if (!this.isActive) return
    this.#message = reason
    // Nothing can be stored now.
    this.#isPauseAsked = false
    if (this.#state === 'paused') this.#tell()
    else this.#pause(reason)
  }

  /** What cannot be stored now is said when the job ends. */
  #announce(state: 'running' | 'paused', reason: string | null): void {
    this.work.onState?.(state, null, reason).catch(() => undefined)
  }

  resume(): string | null {
    if (this.#state === 'running') return null
    this.#state = 'running'
    this.#isPauseAsked = false
    this.#message = ''
    this.#pausedMs += this.#parts.clock() - (this.#pausedAt ?? this.#parts.clock())
    this.#pausedAt = null
    this.#letGo()
    this.#announce('running', null)
    this.#tell()
    return null
  }

  cancel(): string | null {
    this.#abort.abort(new JobCancelled())
    this.#isPauseAsked = false
    this.#message = 'Stopping. Finished work is kept.'
    this.#letGo()
    this.#tell()
    return null
  }

  #letGo(): void {
    this.#held = null
    this.#isStandingStill = false
    this.#release?.()
    this.#release = null
  }

  phase(phase: JobPhase, total: number, message = '', done = 0): void {
    if (phase !== this.#phase) {
      this.#phaseStarted = this.#activeMs()
      this.#lastAdvance = this.#phaseStarted
      this.#counted = [{ at: this.#phaseStarted, tokens: this.#tokens }]
    }
    this.#phase = phase
    this.#done = done
    this.#doneBefore = done
    this.#total = total
    this.#message = message
    this.#activity = null
    this.#tell()
  }

  advance(done: number, message?: string): void {
    this.#done = done
    this.#lastAdvance = this.#activeMs()
    if (message !== undefined) this.#message = message
    this.#tell()
  }

  say(message: string): void {
    this.#message = message
    this.#tell()
  }

  countTokens(count: number): void {
    this.#tokens += count
    const at = this.#activeMs()
    this.#counted.push({ at, tokens: this.#tokens })
    // The first point left is the newest that is old enough: a whole step counted at once is spread over the time it took.
    while ((this.#counted[1]?.at ?? at) <= at - SPEED_WINDOW_MS) this.#counted.shift()
  }

  show(activity: Activity): void {
    this.#activity = activity
    this.#tellSoon()
  }

  estimateLeft(seconds: (() => number | null) | null): void {
    this.#estimate = seconds
  }

  elapsedMs(): number {
    return this.#activeMs()
  }

  #activeMs(): number {
    return (this.#pausedAt ?? this.#parts.clock()) - this.#pausedMs
  }

  /** Parts of a step may pass by the hundred in a second. */
  #tellSoon(): void {
    const now = this.#parts.clock()
    if (now - this.#toldAt >= LEAST_BETWEEN_MS) this.#tell()
  }

  #tell(): void {
    this.#toldAt = this.#parts.clock()
    this.#parts.onChange(this.snapshot())
  }

  snapshot(): JobSnapshot {
    const first = this.#counted[0]
    const last = this.#counted.at(-1)
    const seconds = first && last ? (last.at - first.at) / 1000 : 0
    const spent = (this.#lastAdvance - this.#phaseStarted) / 1000
    const since = (this.#activeMs() - this.#lastAdvance) / 1000
    const isOver = !this.isActive
    return {
      job_id: this.id,
      run_id: this.work.runId,
      kind: this.work.kind,
      title: this.work.title,
      state: this.#state,
      isStandingStill: this.#isStandingStill,
      phase: this.#phase,
      done: this.#done,
      total: this.#total,
      tokensPerSecond: first && last && seconds >= LEAST_SECONDS ? (last.tokens - first.tokens) / seconds : null,
      etaSeconds: isOver
        ? null
        : this.#estimate
          ? this.#estimate()
          : secondsLeft(this.#done - this.#doneBefore, this.#total - this.#doneBefore, spent, since),
      activity: isOver ? null : this.#activity,
      tokens: this.#tokens,
      peakBytes: this.work.peakBytes?.() ?? null,
      dispatches: (this.work.dispatches?.() ?? 0) - this.#dispatchesBefore,
      message: this.#message,
      error: this.#error,
    }
  }
}

/**
 * A training run in the studio that is killed again and again, over a store on disk and a real device. What goes wrong is drawn from a
 * seed; where, is counted in moments: submits to the GPU and writes to the store, of the rollout, of the update, or of a checkpoint.
 */
import { stepsOf } from '../../src/records/trajectory'
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createRng } from '../../src/base/random'
import { fullDeviceDescriptor, isSoftwareAdapter, openNodeAdapter } from '../../src/cli/node/dawn'
import type { RunRecord } from '../../src/records/run'
import { HEADER_BYTES, StoredBlobError } from '../../src/storage/blobSlots'
import { openNodeHost } from '../../src/storage/nodeStore'
import { createStore, type StoreHost } from '../../src/storage/store'
import { storedAdapterFiles } from '../../src/studio/models/adapterFiles'
import type { OpenedDevice } from '../../src/studio/parts'
import { STORAGE_FULL_REASON } from '../../src/studio/storage/retryWhenStorageFull'
import { decodeCheckpoint } from '../../src/training/checkpoints/checkpointFile'
import type { JobRequest } from '../../src/worker/protocol'
import { adapterUnderTest } from '../support/gpu'
import { throughProxy } from '../support/lastingDevice'
import { openTestStudio, report, type TestStudio } from './testStudio'
import { tinyAsset } from './tinyStarter'

export const FAULTS = ['worker terminated', 'page closed', 'device destroyed', 'write interrupted', 'quota full'] as const
type FaultKind = (typeof FAULTS)[number]
const PHASES = ['rollout', 'update', 'checkpoint'] as const
type Phase = (typeof PHASES)[number]

export interface Fault {
  readonly kind: FaultKind
  readonly where: Phase
  /** Where in that phase, as a share of a step's moments in it; over 1 is in a later step. */
  readonly depth: number
  /** For what is left open: the byte a write is torn at, whether a write was done before the end came. */
  readonly chance: number
}

/** As many of each kind as of any other. Writes are interrupted in checkpoints; the others come in every phase. */
export function drawFaults(seed: number, count: number): Fault[] {
  const rng = createRng(seed, 90)
  const kinds = rng.shuffle(Array.from({ length: count }, (_, index) => FAULTS[index % FAULTS.length] ?? 'page closed'))
  return kinds.map((kind, index) => ({
    kind,
    where: kind === 'write interrupted' ? 'checkpoint' : (PHASES[index % PHASES.length] ?? 'update'),
    depth: rng.uniform() * 1.3,
    chance: rng.uniform(),
  }))
}

type TrainRequest = Extract<JobRequest, { kind: 'train' }>

export interface Outcome {
  /** Every metric of every step, but speeds. */
  readonly metrics: Readonly<Record<string, readonly (number | null)[]>>
  /** SHA-256 of each exported file. */
  readonly adapter: Readonly<Record<string, string>>
  readonly trajectories: readonly string[]
  readonly opinions: number
}

export interface Kill {
  readonly kind: FaultKind
  readonly where: Phase
  /** Steps its newest checkpoint held when it went on. */
  readonly from: number
}

const never = <T>(): Promise<T> => new Promise<T>(() => undefined)

/** The life of one page and its worker: everything it does to device and store is counted here, and can end here. */
class Life {
  readonly moments: Record<Phase, number> = { rollout: 0, update: 0, checkpoint: 0 }
  phase: Phase = 'rollout'
  isFull = false
  readonly died: Promise<void>
  #die: () => void = () => undefined
  #isDead = false
  #armed: { readonly fault: Fault; readonly at: number } | null = null
  readonly #blobs: string
  readonly #inFlight = new Set<Promise<unknown>>()
  readonly #destroyDevice: () => void

  constructor(directory: string, destroyDevice: () => void) {
    this.#blobs = join(directory, 'blobs')
    this.#destroyDevice = destroyDevice
    this.died = new Promise((resolve) => (this.#die = resolve))
  }

  /** @param perStep moments a step has in the fault's phase. */
  arm(fault: Fault, perStep: number): void {
    const isOfWrites = fault.kind === 'quota full' || fault.kind === 'write interrupted'
    const span = isOfWrites ? 1 : Math.max(1, perStep)
    this.#armed = { fault, at: this.moments[fault.where] + 1 + Math.floor(fault.depth * span) }
  }

  /** Writes that were under way when the end came are over. */
  async rest(): Promise<void> {
    await Promise.allSettled([...this.#inFlight])
  }

  /** The fault that strikes now, or null. */
  #moment(isWrite: boolean, isCheckpoint: boolean): Fault | null {
    this.moments[this.phase] += 1
    const armed = this.#armed
    if (!armed) return null
    const { fault, at } = armed
    if (fault.kind === 'write interrupted' && !isCheckpoint) return null
    if (fault.kind === 'quota full' && !isWrite) return null
    if (this.phase !== fault.where || this.moments[this.phase] < at) return null
    this.#armed = null
    return fault
  }

  #isOver(): boolean {
    return this.#isDead
  }

  #end(): void {
    this.#isDead = true
    this.#die()
  }

  submit(): void {
    if (this.#isDead) throw new Error('this worker is gone')
    const fault = this.#moment(false, false)
    if (fault?.kind === 'device destroyed') this.#destroyDevice()
    // A page may be closed between any two moments, a worker is ended in the middle of one.
    if (fault?.kind === 'page closed') setTimeout(() => this.#end(), 20 * fault.chance)
    if (fault?.kind !== 'worker terminated') return
    this.#end()
    throw new Error('this worker is gone')
  }

  async #alive<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isOver()) return never()
    const done = work()
    this.#inFlight.add(done)
    try {
      return await done
    } finally {
      this.#inFlight.delete(done)
      if (this.#isOver()) await never()
    }
  }

  async #write(work: () => Promise<void>, slot: { readonly file: string; readonly whole: () => Uint8Array } | null): Promise<void> {
    if (this.#isDead) return never()
    const isCheckpoint = slot?.file.includes('checkpoint.') === true
    if (isCheckpoint) this.phase = 'checkpoint'
    const fault = this.#moment(true, isCheckpoint)
    if (fault?.kind === 'quota full') this.isFull = true
    if (this.isFull) {
      // Some of it found room, in the slot that may be lost.
      if (slot) this.#tear(slot, 0.5)
      throw new DOMException('The quota has been exceeded.', 'QuotaExceededError')
    }
    if (fault?.kind === 'device destroyed') this.#destroyDevice()
    if (fault?.kind === 'page closed') setTimeout(() => this.#end(), 20 * fault.chance)
    if (fault?.kind === 'write interrupted' && slot) this.#tear(slot, fault.chance)
    if (fault?.kind === 'worker terminated' && fault.chance < 0.5) await this.#alive(work)
    if (fault?.kind === 'write interrupted' || fault?.kind === 'worker terminated') {
      this.#end()
      return never()
    }
    await this.#alive(work)
    if (isCheckpoint) this.phase = 'rollout'
  }

  /** What a disk may hold after half a write: cut short, filled up with zeros, or without the header that is written last. */
  #tear({ file, whole }: { readonly file: string; readonly whole: () => Uint8Array }, chance: number): void {
    const bytes = whole()
    const at = Math.floor(chance * bytes.length)
    const torn = bytes.slice()
    torn.fill(0, at)
    const form = Math.floor(chance * 1000) % 3
    if (form === 2) torn.fill(0, 0, HEADER_BYTES)
    writeFileSync(join(this.#blobs, file), form === 1 ? torn : torn.subarray(0, at))
  }

  host(host: StoreHost): StoreHost {
    const { files } = host
    return {
      get: (kind, id) => this.#alive(() => host.get(kind, id)),
      list: (kind, owners) => this.#alive(() => host.list(kind, owners)),
      owners: (kind) => this.#alive(() => host.owners(kind)),
      put: async (rows) => {
        await this.#write(() => host.put(rows), null)
        // Practice is labelled once it is over.
        if (rows[0]?.kind === 'opinions') this.phase = 'update'
        if (rows[0]?.kind === 'trajectories') this.phase = 'rollout'
      },
      remove: (rows) => this.#write(() => host.remove(rows), null),
      files: {
        read: (file) => this.#alive(() => files.read(file)),
        readHead: (file, bytes) => this.#alive(() => files.readHead(file, bytes)),
        list: () => this.#alive(() => files.list()),
        remove: (file) => this.#alive(() => files.remove(file)),
        write: (file, header, content) =>
          this.#write(() => files.write(file, header, content), { file, whole: () => new Uint8Array([...header, ...content]) }),
      },
      close: () => Promise.resolve(),
    }
  }
}

/** One device for lives that follow one another, until it is destroyed: a software adapter compiles every kernel of a new one anew. */
class DeviceShelf {
  #device: Promise<GPUDevice> | null = null

  async open(life: () => Life): Promise<OpenedDevice> {
    const { adapter } = await openNodeAdapter(adapterUnderTest())
    const device = await (this.#device ??= adapter.requestDevice(fullDeviceDescriptor(adapter)))
    const { maxStorageBufferBindingSize } = device.limits
    const queue = throughProxy(device.queue, {
      submit: (buffers: GPUCommandBuffer[]) => {
        life().submit()
        device.queue.submit(buffers)
      },
    })
    return {
      ok: true,
      // A page that gives its device up leaves this one to the next page.
      device: throughProxy(device, { queue, destroy: () => undefined }),
      report: { ...report, limits: { maxStorageBufferBindingSize }, isSoftware: isSoftwareAdapter(adapter.info) },
    }
  }

  destroy(): void {
    void this.#device?.then((device) => {
      device.destroy()
    })
    this.#device = null
  }
}

export class ChaosRun {
  readonly #directory: string
  readonly #request: TrainRequest
  readonly #onKill: ((kill: Kill) => void) | null
  readonly #shelf = new DeviceShelf()
  /** Moments a step has in each phase, from the uninterrupted run. */
  #perStep: Readonly<Record<Phase, number>> | null = null

  constructor(directory: string, request: TrainRequest, onKill: ((kill: Kill) => void) | null = null) {
    this.#directory = directory
    this.#request = request
    this.#onKill = onKill
  }

  async #open(directory: string): Promise<{ life: Life; page: TestStudio }> {
    const life = new Life(directory, () => this.#shelf.destroy())
    const store = createStore(life.host(await openNodeHost(directory)))
    const page = await openTestStudio({ openDevice: () => this.#shelf.open(() => life), readAsset: tinyAsset }, store, 'gpu')
    return { life, page }
  }

  async uninterrupted(): Promise<Outcome> {
    const { life, page } = await this.#open(`${this.#directory}-whole`)
    const started = await page.studio.jobs.start(this.#request)
    if (!started.ok) throw new Error(started.message)
    const last = await page.finished(started.value.job_id)
    if (last.state !== 'finished') throw new Error(`the uninterrupted run ${last.state}: ${last.error ?? ''}`)
    page.close()
    const steps = this.#request.steps ?? 1
    const share = (phase: Phase): number => Math.round(life.moments[phase] / steps)
    this.#perStep = { rollout: share('rollout'), update: share('update'), checkpoint: share('checkpoint') }
    return outcomeOf(`${this.#directory}-whole`, started.value.run_id)
  }

  /** One run through all the faults, to its end. Call `uninterrupted` first. */
  async through(faults: readonly Fault[]): Promise<{ readonly outcome: Outcome; readonly kills: readonly Kill[] }> {
    const perStep = this.#perStep
    if (!perStep) throw new Error('the uninterrupted run comes first')
    const kills: Kill[] = []
    let { life, page } = await this.#open(this.#directory)
    const arm = (): void => {
      const next = faults[kills.length]
      if (next) life.arm(next, perStep[next.where])
    }
    const struck = async (runId: string): Promise<void> => {
      const { kind, where } = faults[kills.length] ?? { kind: FAULTS[0], where: PHASES[0] }
      const from = await checkpointStep(this.#directory, runId)
      kills.push({ kind, where, from })
      this.#onKill?.({ kind, where, from })
    }
    arm()
    let job = await page.studio.jobs.start(this.#request)
    if (!job.ok) throw new Error(job.message)
    const runId = job.value.run_id
    for (;;) {
      const { job_id: jobId } = job.value
      const last = await Promise.race([life.died.then(() => null), endOrPause(page, jobId)])
      if (last === null) {
        await life.rest()
        page.close()
        await struck(runId)
        ;({ life, page } = await this.#open(this.#directory))
        arm()
        job = await page.studio.runs.resume(runId)
        if (!job.ok) throw new Error(`after ${kills.length} kills: ${job.message}`)
      } else if (last.state === 'paused') {
        if (last.message !== STORAGE_FULL_REASON) throw new Error(`it paused and said ${JSON.stringify(last.message)}`)
        await struck(runId)
        life.isFull = false
        arm()
        await page.studio.jobs.resume(jobId)
        await page.until(() => stateOf(page, jobId)?.state !== 'paused')
      } else if (last.state === 'finished') {
        page.close()
        return { outcome: await outcomeOf(this.#directory, runId), kills }
      } else {
        if (!/device was lost/.test(last.error ?? '')) throw new Error(`it ${last.state}: ${last.error ?? ''}`)
        await struck(runId)
        arm()
        job = await page.studio.runs.resume(runId)
        if (!job.ok) throw new Error(`after ${kills.length} kills: ${job.message}`)
      }
    }
  }

  close(): void {
    this.#shelf.destroy()
  }
}

type Snapshot = Awaited<ReturnType<TestStudio['finished']>>

const stateOf = (page: TestStudio, jobId: string): Snapshot | undefined =>
  page.events.flatMap((event) => (event.type === 'job' && event.job.job_id === jobId ? [event.job] : [])).at(-1)

async function endOrPause(page: TestStudio, jobId: string): Promise<Snapshot> {
  await page.until(() => !['running', undefined].includes(stateOf(page, jobId)?.state))
  const last = stateOf(page, jobId)
  if (!last) throw new Error('no event of the job came')
  return last
}

/** Read by somebody else than the page: what is on the disk. A checkpoint once written is never lost again. */
async function checkpointStep(directory: string, runId: string): Promise<number> {
  const store = createStore(await openNodeHost(directory))
  const record: RunRecord | null = await store.runs.get(runId)
  // A first write that was torn leaves no whole copy: the run starts again.
  const bytes = await store.readBlob(`runs/${runId}/checkpoint`).catch((error: unknown) => {
    if (error instanceof StoredBlobError) return null
    throw error
  })
  const found = bytes ? decodeCheckpoint(bytes).step : 0
  if (record && found < (record.checkpoint?.step ?? 0))
    throw new Error(`the record promises a checkpoint of ${String(record.checkpoint?.step)} steps, the disk holds ${found}`)
  await store.close()
  return found
}

async function outcomeOf(directory: string, runId: string): Promise<Outcome> {
  const store = createStore(await openNodeHost(directory))
  const { columns } = await store.metrics.of(runId)
  const files = await storedAdapterFiles(store, runId)
  const { records } = await store.trajectories.listOf({ run_id: runId })
  let opinions = 0
  const trajectories: string[] = []
  for (const record of records) {
    const { trajectory_id: id } = record
    const steps = stepsOf(record)
    opinions += (await store.opinions.listOf(id)).records.length
    trajectories.push(`${id.replace(runId, '')}: ${steps.map(({ completion }) => completion).join('|')}`)
  }
  return {
    metrics: Object.fromEntries(Object.entries(columns).filter(([name]) => !name.startsWith('perf/'))),
    // The card names the run; weights and configuration are what was trained.
    adapter: Object.fromEntries(
      [...files].filter(([name]) => name !== 'README.md').map(([name, bytes]) => [name, createHash('sha256').update(bytes).digest('hex')]),
    ),
    trajectories,
    opinions,
  }
}

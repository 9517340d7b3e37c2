/** The studio on this computer: Node's device, directories and clock. A command asks it for jobs and prints how they go. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { openFolderStore } from '../storage/folderStore'
import type { StudioParts } from '../studio/parts'
import { STORAGE_FULL_REASON } from '../studio/storage/retryWhenStorageFull'
import { createStudio } from '../studio/studio'
import type { JobRequest, JobSnapshot, Reply, StudioDescription, StudioEvent } from '../worker/protocol'
import type { StudioApi } from '../worker/studioApi'
import { InterruptedError, UsageError, type CommandContext } from './command'
import { gpuInfoOf } from './gpuInfo'
import { openModel, type OpenModel } from './modelSpec'
import { openFileTree } from './node/fileTree'
import { fileClaims } from './node/fileClaims'
import { openOutputFolder } from './node/outputFolder'
import { openToolProcess } from './node/toolProcess'
import { openNodePython } from './node/pythonSandbox'

export interface CommandStudio extends StudioApi {
  readonly description: StudioDescription
  /** Hears of every event. */
  onEvent: (event: StudioEvent) => void
  /** Starts a job and waits for its end. Throws one sentence when it fails or is stopped. */
  run(request: JobRequest): Promise<JobSnapshot>
  close(): Promise<void>
}

async function openStudio(context: CommandContext): Promise<CommandStudio> {
  const models: OpenModel[] = []
  const studio = createStudio(partsOf(context, models))
  const channel = new MessageChannel()
  const ended = new Map<string, (job: JobSnapshot) => void>()
  const description = must(await studio.connect('http://localhost/', channel.port1))
  const opened: CommandStudio = {
    ...studio,
    description,
    onEvent: () => undefined,
    run: async (request) => endOf(opened, await finished(opened, ended, request, context), request, context),
    async close() {
      channel.port1.close()
      channel.port2.close()
      for (const model of models) await model.close()
    },
  }
  channel.port2.onmessage = ({ data }: MessageEvent<readonly StudioEvent[]>) => {
    for (const event of data) {
      opened.onEvent(event)
      if (event.type === 'job' && isOver(event.job)) ended.get(event.job.job_id)?.(event.job)
    }
  }
  return opened
}

/** Runs `work` with a studio that is closed afterwards. */
export async function withStudio<T>(context: CommandContext, work: (studio: CommandStudio) => Promise<T>): Promise<T> {
  const studio = await openStudio(context)
  try {
    return await work(studio)
  } finally {
    await studio.close()
  }
}

export function must<T>(reply: Reply<T>): T {
  if (!reply.ok) throw new UsageError(reply.message)
  return reply.value
}

function partsOf(context: CommandContext, models: OpenModel[]): StudioParts {
  const store = openFolderStore(context.homeDirectory)
  return {
    openDevice: async () => {
      const { adapter } = await context.openAdapter()
      return { ok: true, device: await context.openDevice(), report: gpuInfoOf(adapter) }
    },
    openStore: () => Promise.resolve(store),
    fetch: context.fetch,
    readAsset: async (path) => {
      // The studio asks for files that need not be there.
      const bytes = await readFile(join(context.projectRoot, 'public', path)).catch(() => null)
      return bytes && new Uint8Array(bytes)
    },
    modelSource: {
      async open(spec, seed) {
        const model = await openModel(spec, seed, context)
        models.push(model)
        return model
      },
    },
    openOutput: openOutputFolder,
    worldFiles: openFileTree,
    openPython: openNodePython,
    secret: (name) => process.env[name] ?? null,
    openToolProcess: (command, options) => openToolProcess(command, (line) => context.progress(line), options),
    now: () => Date.now(),
    clock: () => performance.now(),
    random: () => Math.random(),
    sleep: (ms, signal) => wait(ms, undefined, signal ? { signal } : {}),
    signal: context.signal,
    onJobError: (error) => {
      if (process.env.HONE_DEBUG && error instanceof Error) context.progress(error.stack ?? error.message)
    },
    storeEveryMs: 0,
    storageEstimate: () => Promise.resolve({ usage: null, quota: null }),
    claim: fileClaims(store, context.homeDirectory),
    interrupted: 'The process that worked on this run ended before the run did.',
  }
}

const isOver = ({ state }: JobSnapshot): boolean => state !== 'running' && state !== 'paused'
/** Ctrl-C paused it, and all that it did is stored. */
const isPaused = ({ state, isStandingStill }: JobSnapshot): boolean => state === 'paused' && isStandingStill === true
const isDiskFull = ({ state, message }: JobSnapshot): boolean => state === 'paused' && message === STORAGE_FULL_REASON

async function finished(
  studio: CommandStudio,
  ended: Map<string, (job: JobSnapshot) => void>,
  request: JobRequest,
  context: CommandContext,
): Promise<JobSnapshot> {
  const started = must(await studio.jobs.start(request))
  if (isResumable(request)) context.onInterrupt(() => void pause(studio, started.job_id, context))
  return new Promise<JobSnapshot>((resolve) => {
    const hear = studio.onEvent
    studio.onEvent = (event) => {
      hear(event)
      // No person is there to free space and to resume the job.
      if (event.type === 'job' && event.job.job_id === started.job_id && (isDiskFull(event.job) || isPaused(event.job))) resolve(event.job)
    }
    ended.set(started.job_id, resolve)
    void studio.jobs.list().then((jobs) => {
      const now = jobs.find(({ job_id }) => job_id === started.job_id)
      if (now && isOver(now)) resolve(now)
    })
  }).finally(() => {
    context.onInterrupt(null)
  })
}

/** What a later command can go on with. */
const isResumable = (request: JobRequest): boolean => request.kind === 'train' && request.folder !== undefined

async function pause(studio: CommandStudio, jobId: string, context: CommandContext): Promise<void> {
  context.progress('Pausing: the step under way is finished and stored first. Press Ctrl-C again to end at once, without storing it.')
  await studio.jobs.pause(jobId)
}

async function endOf(studio: CommandStudio, job: JobSnapshot, request: JobRequest, { signal }: CommandContext): Promise<JobSnapshot> {
  if (job.state === 'finished') return job
  if (isDiskFull(job)) throw new UsageError(fullSentence('folder' in request ? request.folder : undefined))
  if (isPaused(job)) throw new InterruptedError(await pausedSentence(studio, job, request))
  if (job.state === 'cancelled') throw signal.reason instanceof Error ? signal.reason : new UsageError('Stopped.')
  throw new UsageError(job.error ?? `${job.title} ended ${job.state}.`)
}

async function pausedSentence(studio: CommandStudio, { run_id }: JobSnapshot, request: JobRequest): Promise<string> {
  const folder = request.kind === 'train' ? (request.folder ?? '') : ''
  const { checkpoint } = must(await studio.runs.get(run_id)).run
  const step = checkpoint?.step ?? 0
  const where =
    step > 0 ? `after step ${step} of ${String(checkpoint?.of)}, which is stored in ${folder}` : 'before its first step was over'
  return `The run is paused ${where}. Run the same command with --resume --out ${folder} to go on.`
}

const fullSentence = (folder: string | undefined): string =>
  `The disk is full${folder === undefined ? '' : ` at ${folder}`}. Nothing stored was lost: free some space, then resume with --resume.`

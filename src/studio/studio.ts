/** The application without a screen: commands, jobs, events. Rooms do the work; here they are opened and joined. */
import { createNewId } from '../base/id'
import { createFetchLedger } from '../network/fetchLedger'
import { sampleCsv } from '../data/sampleCsv'
import { advantageSettings } from '../training/advantage'
import { algorithms, DEFAULT_ALGORITHM } from '../training/algorithms'
import type { RunRecord } from '../records/run'
import { forwardStudio } from '../worker/forwardStudio'
import { checkedRequest } from './jobs/checkedRequest'
import type { JobRequest, JobSnapshot, Reply, StudioDescription, StudioEvent } from '../worker/protocol'
import type { StudioApi, StudioAreas } from '../worker/studioApi'
import { storedAdapterFiles, storedAdapterNames } from './models/adapterFiles'
import { createDatasets } from './data/datasets'
import { describeStudio } from './describe'
import { estimateJob } from './runs/estimateJob'
import { evaluateWork } from './evaluations/evaluateJob'
import { rolloutWork } from './evaluations/rolloutJob'
import { placeRun } from './runs/placeRun'
import { createEventHub } from './events'
import { accept, attempt, refuse, sentenceOf } from './failure'
import { beginningOfRun } from './runs/resume'
import { createGpuAccess } from './jobs/gpuAccess'
import { createGpuPolicyBackend } from './runs/gpuPolicyBackend'
import { createRunWork, promptFormatProblem, type JobContext } from './jobs/jobContext'
import { createJobQueue, type JobWork } from './jobs/jobQueue'
import { createJudges } from './labels/judges'
import { createLabels } from './labels/labels'
import { createMerges } from './models/mergeJob'
import { createModels, STARTER } from './models/models'
import type { StudioParts } from './parts'
import { preflightJob } from './runs/preflightJob'
import { practiceMeanings } from './runs/practice'
import { createPreviews } from './labels/preview'
import { createRemoteModels } from './models/remoteModels'
import { createRecipes } from './runs/recipes'
import { createRuns } from './runs/runs'
import { createWandb } from './runs/wandb'
import { starterFolder } from './models/starterFiles'
import { createInitialAdapters } from './models/initialAdapters'
import { storageItems } from './storage/storageItems'
import { storyResultOf } from './runs/storyResult'
import { callTool } from './worlds/callTool'
import { createWorlds } from './worlds/worlds'
import { trainWork } from './runs/trainJob'
import { storyWork } from './runs/storyJob'

interface OpenStudio extends StudioAreas {
  readonly description: StudioDescription
  reach(port: MessagePort): void
}

export function createStudio(parts: StudioParts): StudioApi {
  let opening: Promise<OpenStudio> | null = null
  return {
    async connect(assetBase, port) {
      try {
        const opened = await (opening ??= openStudio(parts, assetBase))
        opened.reach(port)
        return accept(opened.description)
      } catch (error) {
        opening = null
        return refuse('store', `Hone could not open its storage: ${sentenceOf(error)}`)
      }
    },
    ...forwardStudio(async () => {
      if (!opening) throw new Error('connect must be the first call')
      const opened = await opening
      return () => opened
    }),
  }
}

async function openStudio(parts: StudioParts, assetBase: string): Promise<OpenStudio> {
  const store = await parts.openStore()
  const nowText = (): string => new Date(parts.now()).toISOString()
  const newId = createNewId({ now: parts.now, random: parts.random })
  const rows = { newId, now: nowText }

  const ports = new Set<MessagePort>()
  const hub = createEventHub({
    send: (events) => {
      for (const port of ports) port.postMessage(events)
    },
    clock: parts.clock,
    sleep: parts.sleep,
  })
  const emit = (event: StudioEvent): void => {
    hub.emit(event)
  }
  const ledger = createFetchLedger({
    fetch: parts.fetch,
    now: nowText,
    ownOrigin: assetBase,
    onEntry: (entry) => {
      emit({ type: 'network', ...entry })
    },
  })
  const gpu = createGpuAccess(parts, (status) => {
    emit({ type: 'gpu', status })
  })
  const worlds = createWorlds()
  const models = createModels({
    store,
    starter: starterFolder((path) => parts.readAsset(path, assetBase, ledger.fetch)),
    now: nowText,
    source: parts.modelSource,
  })
  const remote = createRemoteModels({
    store,
    models,
    ledger,
    now: nowText,
    clock: parts.clock,
    sleep: parts.sleep,
    claim: (name) => parts.claim(name),
    storageEstimate: () => parts.storageEstimate(),
    isOffline: parts.isOffline ?? (() => false),
  })
  const datasets = createDatasets({ store, rows, emit })
  const labels = createLabels({ store, rows })
  const runs = createRuns({
    store,
    emit,
    now: nowText,
    clock: parts.clock,
    claim: (name) => parts.claim(name),
    meaningsOf,
    storyOf: (run) => storyResultOf(run, store),
    storeEveryMs: parts.storeEveryMs,
  })
  const judges = createJudges({ store, rows, ledger, sleep: parts.sleep, nowMs: parts.now })
  const desk = createJobQueue({
    newId,
    clock: parts.clock,
    sleep: parts.sleep,
    onChange: (job) => {
      emit({ type: 'job', job })
    },
    signal: parts.signal,
    onError: parts.onJobError,
  })
  const previews = createPreviews({
    trajectory: (id) => store.trajectories.get(id),
    rewards: (trajectory) => labels.rewards(trajectory),
    model: (id) => models.text(id ?? STARTER),
    advantages: advantageSettings.parse(algorithms[DEFAULT_ALGORITHM].configure({}).settings),
  })
  const starts = createInitialAdapters({ store, models, newId, now: nowText })
  const context: JobContext = {
    store,
    models,
    initialAdapters: starts,
    labels,
    gpu,
    worlds,
    newId,
    now: nowText,
    examParts: { store, emit, newId, now: nowText },
    trainingParts: {
      store,
      rows,
      emit,
      clock: parts.clock,
      gpu,
      starts,
      models,
      policyBackend: parts.policyBackend ?? createGpuPolicyBackend(parts.clock),
    },
    placeRun: (runId, kind, folder) => placeRun(store, runId, kind, folder),
    promptFormatProblem,
    runWork: createRunWork(runs, gpu, nowText),
  }

  const merges = createMerges(context)

  function workOf(request: JobRequest): Promise<Reply<JobWork>> {
    switch (request.kind) {
      case 'story':
        return storyWork(request, context)
      case 'train':
        return trainWork(request, context)
      case 'evaluate':
        return evaluateWork(request, context)
      case 'rollout':
        return rolloutWork(request, context)
      case 'judge':
        return judges.job(request, newId('judge'))
      case 'download':
        return remote.job(request.model, newId('download'))
      case 'merge':
        return merges.job(request)
      default:
        return request satisfies never
    }
  }
  /** Preparing takes a moment; a second click in it must not start a second job. */
  let isPreparing = false
  async function start(asked: JobRequest): Promise<Reply<JobSnapshot>> {
    const request = checkedRequest(asked)
    if (!request.ok) return request
    const { value } = request
    return begin(value.kind !== 'judge' && value.kind !== 'download', () => workOf(value))
  }
  async function begin(usesGpu: boolean, prepare: () => Promise<Reply<JobWork>>): Promise<Reply<JobSnapshot>> {
    const busy = usesGpu ? (isPreparing ? 'Another job is about to start.' : desk.busy()) : null
    if (busy !== null) return refuse('busy', busy)
    if (usesGpu) isPreparing = true
    try {
      return await attempt('start', async () => {
        const work = await prepare()
        return work.ok ? desk.start(work.value) : work
      })
    } finally {
      if (usesGpu) isPreparing = false
    }
  }

  async function workGoingOn(runId: string): Promise<Reply<JobWork>> {
    const [record, held] = [await store.runs.get(runId), await runs.heldBy(runId)]
    if (!record) return refuse('unknown-run', `There is no run ${runId}; it may have been removed.`)
    const began = beginningOfRun(record)
    if (held !== null) return refuse('at-work', held)
    if (record.status === 'finished') return refuse('over', 'This run is finished: there is nothing to go on with.')
    if (!began) return refuse('no-checkpoint', 'Nothing was kept of this run that it could go on from. Start a new one.')
    const { request } = began
    return request.kind === 'train' ? trainWork(request, context, { record, began }) : storyWork(request, context, { record, began })
  }

  await runs.recover()
  return {
    description: describeStudio(worlds),
    reach: (port) => {
      ports.add(port)
    },

    gpu: { status: () => gpu.status() },
    datasets: {
      list: () => datasets.list(),
      importFile: (file, options) => datasets.importFile(file, options),
      remove: (id) => datasets.remove(id),
      sampleCsv: () => Promise.resolve(sampleCsv()),
    },
    trajectories: {
      list: (of) => datasets.trajectories(of),
      get: async (id) => {
        const found = await store.trajectories.get(id)
        return found ? accept(found) : refuse('unknown-trajectory', `There is no trajectory ${id}.`)
      },
      tokenPreview: (id, options) => previews.tokenPreview(id, options),
    },
    labels: {
      get: (id) => labels.labels(id),
      add: (news, annotator) => labels.add(news, annotator),
      undo: (id) => labels.undo(id),
      advantagePreview: (id, override, options) => previews.advantagePreview(id, override, options),
      exportCsv: (id) => labels.exportCsv(id),
      annotate: (id, how) => labels.annotate(id, how),
      exportFile: (ids, format) => labels.exportFile(ids, format),
    },
    judges,
    jobs: {
      list: () => Promise.resolve(desk.list()),
      estimateMemory: (request, memoryBytes) => estimateJob(request, context, memoryBytes),
      preflight: (request, memoryBytes) => preflightJob(request, context, memoryBytes),
      start,
      pause: (id) => Promise.resolve(desk.pause(id)),
      resume: (id) => Promise.resolve(desk.resume(id)),
      cancel: (id) => Promise.resolve(desk.cancel(id)),
    },
    recipes: createRecipes({ store, models: () => models.list(), imported: () => starts.list() }),
    runs: {
      list: () => runs.list(),
      get: (id) => runs.detail(id),
      resume: (id) => begin(true, () => workGoingOn(id)),
      remove: (id) => runs.remove(id),
      exportAdapter: (runId, which) =>
        attempt('adapter', async () => {
          const files = await storedAdapterFiles(store, runId, which)
          return files.size === 0 ? refuse('no-adapter', 'This run left no adapter.') : accept(Object.fromEntries(files))
        }),
      adapterFiles: async (runId, which) => accept(await storedAdapterNames(store, runId, which)),
      openFolder: (folder) =>
        attempt('folder', async () => {
          if (!store.folders) return refuse('no-folders', 'Runs are stored in the browser here, not in folders.')
          const runId = await store.folders.open(folder)
          return runId === null ? refuse('no-run', `${folder} holds no run.json: it is no directory of a run.`) : runs.detail(runId)
        }),
      mergedModel: (runId) => Promise.resolve(merges.merged(runId)),
      ...createWandb({ ledger, ownOrigin: assetBase, detail: (id) => runs.detail(id) }),
    },
    evaluations: { list: async () => (await store.evaluations.list()).records },
    models: {
      list: () => models.list(),
      open: async (id, seed) => {
        const text = await models.text(id, seed)
        return text.ok ? accept({ title: text.value.title }) : text
      },
      importFiles: (name, files) => models.importModel(name, files),
      planDownload: (model) => remote.plan(model),
      unfinishedDownloads: () => remote.unfinished(),
      remove: (id) => models.remove(id),
    },
    adapters: {
      list: () => starts.list(),
      importFiles: (modelId, name, files) => starts.importFiles(modelId, name, files),
      remove: (id) => starts.remove(id),
    },
    environments: {
      callTool: async (environment, tool, args) => {
        const known = worlds.environment(environment ?? undefined)
        return known.ok ? callTool(known.value, tool, args) : known
      },
    },
    storage: {
      usage: async () => ({ items: await storageItems(store, { models, remote, starts }), ...(await parts.storageEstimate()) }),
    },
  }
}

function meaningsOf(run: RunRecord): Readonly<Record<string, string>> {
  const method = Object.values(algorithms).find(({ name }) => name === run.algorithm)
  return { ...practiceMeanings, ...method?.metrics }
}

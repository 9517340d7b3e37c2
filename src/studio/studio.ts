/** The application without a screen: opens the feature modules and joins them into `StudioApi`. */
import { forwardStudio } from '../worker/forwardStudio'
import type { StudioDescription } from '../worker/protocol'
import type { StudioApi, StudioAreas } from '../worker/studioApi'
import { createDatasets } from './data/datasets'
import { createDatasetsApi } from './data/datasetsApi'
import { createDataSources } from './data/dataSources'
import { createTrajectoriesApi } from './data/trajectoriesApi'
import { describeStudio } from './describe'
import { createEvaluationsApi } from './evaluations/evaluationsApi'
import { accept, refuse, sentenceOf } from './failure'
import { createImports } from './imports'
import { createJobQueue } from './jobs/jobQueue'
import { createJobsApi } from './jobs/jobsApi'
import { createJobStarter } from './jobs/jobStarter'
import { openJobContext } from './jobs/openJobContext'
import { createJudges } from './labels/judges'
import { createLabels } from './labels/labels'
import { createLabelsApi } from './labels/labelsApi'
import { createPreviews } from './labels/preview'
import { createPreviewBasis } from './labels/previewBasis'
import { createAdaptersApi } from './models/adaptersApi'
import { createImportedAdapters } from './models/importedAdapters'
import { createInitialAdapters } from './models/initialAdapters'
import { createMerges } from './models/mergeJob'
import { createModels, STARTER } from './models/models'
import { createModelsApi } from './models/modelsApi'
import { createRemoteModels } from './models/remoteModels'
import { starterFolder } from './models/starterFiles'
import type { StudioParts } from './parts'
import { createGpuPolicyBackend } from './runs/gpuPolicyBackend'
import { createRecipes } from './runs/recipes'
import { createRuns } from './runs/runs'
import { createRunsApi } from './runs/runsApi'
import { openServices } from './services'
import { createStorageApi } from './storage/storageApi'
import { removeUnfinishedImports } from './storage/unfinishedImports'
import { createEnvironmentsApi } from './worlds/environmentsApi'
import { openSimulator } from './worlds/simulator'
import { createToolRecordings } from './worlds/toolRecordings'
import { createToolServers } from './worlds/toolServers'
import { createToolServersApi } from './worlds/toolServersApi'
import { createWorldData } from './worlds/worldData'
import { createWorlds } from './worlds/worlds'

interface OpenStudio extends StudioAreas {
  readonly description: StudioDescription
  readonly addPort: (port: MessagePort) => void
}

export function createStudio(parts: StudioParts): StudioApi {
  let opening: Promise<OpenStudio> | null = null
  return {
    async connect(assetBase, port) {
      try {
        const opened = await (opening ??= openStudio(parts, assetBase))
        opened.addPort(port)
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
  const services = await openServices(parts, assetBase)
  const { store, gpu, ledger, emit, addPort } = services
  const starter = starterFolder((path) => parts.readAsset(path, assetBase, ledger.fetch))
  const worldData = createWorldData({ ...services, openHost: parts.worldFiles })
  const toolServers = createToolServers({ ledger, openToolProcess: parts.openToolProcess, secret: parts.secret })
  const toolRecordings = createToolRecordings(store, () => worlds.forget())
  const worlds = createWorlds({
    ...{
      files: (id) => worldData.open(id),
      fetch: ledger.fetch,
      now: services.nowMs,
      connectTools: toolServers.connect,
      recordings: toolRecordings,
    },
    simulator: (settings) => openSimulator(settings, services),
    ...(parts.openPython ? { python: parts.openPython } : {}),
    ...(parts.secret ? { secret: parts.secret } : {}),
  })
  const imports = createImports(services)
  const models = createModels({ ...services, imports, starter, source: parts.modelSource })
  const remote = createRemoteModels({ ...services, models })
  const importedAdapters = createImportedAdapters({ ...services, imports, models })
  const initialAdapters = createInitialAdapters({ store, importedAdapters })
  const datasets = createDatasets({ ...services, imports, openDatasetReader: parts.openDatasetReader })
  const labels = createLabels(services)
  const previews = createPreviews({
    trajectory: (id) => store.trajectories.get(id),
    rewards: (trajectory) => labels.rewards(trajectory),
    model: (id) => models.text(id ?? STARTER),
    basisOf: createPreviewBasis({ store, rewards: (trajectory) => labels.rewards(trajectory), nowMs: services.nowMs }),
  })
  const judges = createJudges(services)
  const runs = createRuns(services)
  const queue = createJobQueue({
    ...services,
    onChange: (job) => {
      emit({ type: 'job', job })
      // However it ended, what it had planned is given back.
      if (job.state !== 'running' && job.state !== 'paused') services.gpu.announce()
    },
    signal: parts.signal,
    onError: parts.onJobError,
  })
  const policyBackend = parts.policyBackend ?? createGpuPolicyBackend(parts.clock)
  const context = openJobContext(services, { models, initialAdapters, labels, runs, worlds, policyBackend })
  const merges = createMerges(context, parts.openOutput)
  const jobStarter = createJobStarter(queue)

  await runs.recover()
  const removedImports = await removeUnfinishedImports(services)
  return {
    description: describeStudio(),
    addPort,
    gpu: { status: () => gpu.status() },
    datasets: createDatasetsApi(datasets, createDataSources(services)),
    trajectories: createTrajectoriesApi(store, datasets, previews),
    labels: createLabelsApi(labels, previews),
    judges,
    jobs: createJobsApi({ queue, starter: jobStarter, context, judges, remote, merges }),
    recipes: createRecipes({ store, models: () => models.list(), imported: () => importedAdapters.list() }),
    runs: createRunsApi(services, { runs, context, merges, starter: jobStarter }),
    evaluations: createEvaluationsApi(store),
    models: createModelsApi({ models, remote, imports, serverParts: services }),
    adapters: createAdaptersApi(importedAdapters, imports),
    environments: createEnvironmentsApi(worlds, worldData),
    toolServers: createToolServersApi(toolServers, toolRecordings),
    storage: createStorageApi(services, { models, remote, importedAdapters, worldData }, removedImports),
  }
}

/** Trains a model: on data sets with their labels, or online on a benchmark's practice. */
import { stepsOf } from '../../records/trajectory'
import type { GpuInfo } from '../../records/run'
import type { RunRecord } from '../../records/run'
import type { Reply, TrainRequest } from '../../worker/protocol'
import { accept, refuse } from '../failure'
import type { JobWork } from '../jobs/jobQueue'
import { splitFor } from '../../environments/benchmark'
import { PRACTICE_TEMPERATURE } from '../defaults'
import type { JobContext } from '../jobs/jobContext'
import { dataHash, storedBeginning, resumedRecord, type ResumedRun } from './resume'
import { settleKernels } from './kernels'
import { algorithmNamed, configureAlgorithm } from './configure'
import { runTraining } from './runTraining'
import { practiceMeanings } from './practice'
import { withPrecision, type LoadedModel } from '../models/models'
import { initialAdapterConfig, initialAdapterNotes } from '../models/initialAdapter'
import { retryWhenStorageFull } from '../storage/retryWhenStorageFull'
import type { LabelledTrajectory } from '../../training/batches/labelledTrajectory'

/** @param going a run that goes on, with the request it began with. */
export async function trainWork(request: TrainRequest, room: JobContext, going: ResumedRun | null = null): Promise<Reply<JobWork>> {
  const found = algorithmNamed(request.algorithm)
  if (!found.ok) return found
  const algorithm = found.value
  const asked = configureAlgorithm(algorithm, request.config)
  if (!asked.ok) return asked
  const isOnline = request.data.length === 0
  if (isOnline && !algorithm.learnsFrom.includes('rollouts'))
    return refuse('needs-data', `${algorithm.title} learns from trajectories one has: choose a data set. It does not practise by itself.`)
  const [stored, gpu] = [await room.models.load(request.model), await room.gpu.open()]
  if (!stored.ok) return stored
  const model = withPrecision(stored.value, request.dtype, request.kvDtype)
  if (!gpu.ok) return gpu
  const begun = await room.starts.open(request.initAdapter, model, going?.record ?? null)
  if (!begun.ok) return begun
  const start = begun.value
  const settled = start ? configureAlgorithm(algorithm, request.config, start) : asked
  if (!settled.ok) return settled
  const configured = settled.value
  const speaks = isOnline ? room.promptFormatProblem(model) : null
  if (speaks !== null) return refuse('prompt-format', speaks)
  const known = room.worlds.benchmark(request.benchmark)
  if (!known.ok) return known
  const benchmark = known.value
  const gathered = isOnline ? accept(null) : await gatherData(request, room)
  if (!gathered.ok) return gathered
  const steps = request.steps ?? configured.steps
  const best = request.checkpoints?.best ?? null
  if (best && !(best.metric in { ...algorithm.metrics, ...practiceMeanings }))
    return refuse('config', `${algorithm.title} reports no metric ${best.metric}.`)
  const runId = room.newId('run')
  const title = `${algorithm.title} on ${gathered.value ? gathered.value.title : `${benchmark.name} practice`}`
  const first = newRun({
    runId,
    kind: 'train',
    title,
    algorithm: request.algorithm,
    config: { ...configured.settings, ...heldConfig(request), ...initialAdapterConfig(start) },
    model,
    seed: request.seed,
    adapter: gpu.value.report,
    worldHash: isOnline ? benchmark.environment.hash : null,
    now: room.now(),
  })
  const data = gathered.value ? dataHash(gathered.value.labelled) : null
  const fresh: RunRecord = {
    ...first,
    data: gathered.value ? [...gathered.value.data] : [],
    began: storedBeginning({ request: { ...request, steps }, data }),
    checkpoint: { step: 0, of: steps },
  }
  const { config: settings, world_hash: world } = first
  const now = { config: settings, model: model.sha256, data, world, adapter: gpu.value.report }
  const record = going ? resumedRecord(going, now) : accept(fresh)
  if (!record.ok) return record
  return accept(
    room.runWork(
      {
        ...{ kind: 'train', title: record.value.title, record: record.value, usesGpu: true },
        dispatches: () => gpu.value.engine.counters.dispatches,
      },
      async (keeper, control) => {
        const begins = start ? initialAdapterNotes(start, configured) : []
        for (const note of [...begins, ...configured.notes(), ...(gathered.value?.notes ?? [])]) keeper.note(note)
        if (start) await retryWhenStorageFull(control, () => room.starts.keep(keeper.record.run_id, start))
        const opened = gpu.value
        const putBack = await settleKernels(model.config, configured.trainable, keeper, control, { ...room.learnParts, opened })
        await runTraining(
          {
            model,
            configured,
            steps,
            start,
            seed: request.seed,
            data: gathered.value?.labelled ?? null,
            practice: {
              benchmark,
              split: splitFor(benchmark, 'practice'),
              queriesPerStep: configured.batch / configured.samplesPerQuery,
              samplesPerQuery: configured.samplesPerQuery,
              callBudget: benchmark.limits.toolCalls,
              temperature: PRACTICE_TEMPERATURE,
              seed: request.seed,
            },
            checkpoints: request.checkpoints,
          },
          {},
          keeper,
          control,
          { ...room.learnParts, opened },
        ).finally(putBack)
      },
    ),
  )
}

/** Beside the method's settings, where it is not f32. */
const heldConfig = ({ dtype = 'f32', kvDtype = 'f32' }: TrainRequest): Readonly<Record<string, unknown>> => ({
  ...(dtype === 'f32' ? {} : { dtype }),
  ...(kvDtype === 'f32' ? {} : { kv_dtype: kvDtype }),
})

interface Gathered {
  readonly title: string
  readonly data: RunRecord['data']
  readonly labelled: readonly LabelledTrajectory[]
  readonly notes: readonly string[]
}

/** The chosen data sets' trajectories in their order, with the rewards their labels resolve to. */
export async function gatherData(request: TrainRequest, { store, labels }: Pick<JobContext, 'store' | 'labels'>): Promise<Reply<Gathered>> {
  const data: RunRecord['data'] = []
  const names: string[] = []
  const labelled: LabelledTrajectory[] = []
  for (const id of request.data) {
    const dataset = await store.datasets.get(id)
    if (!dataset) return refuse('unknown-dataset', `There is no data set ${id}; it may have been removed.`)
    data.push({ id, sha256: dataset.sha256 })
    names.push(dataset.name)
    for (const trajectory of (await store.trajectories.listOf({ dataset_id: id })).records)
      if (stepsOf(trajectory).length > 0) labelled.push({ trajectory, rewards: await labels.rewards(trajectory) })
  }
  const chosen = request.rowLimit === null ? labelled : labelled.slice(0, request.rowLimit)
  if (chosen.length === 0) return refuse('empty', `${names.join(', ')} ${names.length === 1 ? 'holds' : 'hold'} no trajectory to train on.`)
  const unlabelled = chosen.reduce((sum, { rewards }) => sum + rewards.filter((reward) => reward === null).length, 0)
  const steps = chosen.reduce((sum, { rewards }) => sum + rewards.length, 0)
  const notes = [
    ...(chosen.length < labelled.length ? [`Trained on the first ${chosen.length} of ${labelled.length} trajectories.`] : []),
    ...(unlabelled > 0 ? [`${unlabelled} of ${steps} steps have no label.`] : []),
  ]
  return accept({ title: names.join(', '), data, labelled: chosen, notes })
}

export interface NewRun {
  readonly runId: string
  readonly kind: RunRecord['kind']
  readonly title: string
  readonly algorithm: string | null
  readonly config: Readonly<Record<string, unknown>>
  readonly model: Pick<LoadedModel, 'id' | 'sha256'>
  readonly seed: number
  readonly adapter: GpuInfo | null
  readonly worldHash: string | null
  readonly now: string
}

export function newRun({ runId, kind, title, algorithm, config, model, seed, adapter, worldHash, now }: NewRun): RunRecord {
  return {
    version: 1,
    run_id: runId,
    title,
    kind,
    algorithm,
    config: { ...config },
    model: { id: model.id, sha256: model.sha256 },
    data: [],
    seed,
    adapter,
    world_hash: worldHash,
    created_at: now,
    finished_at: null,
    status: 'running',
    error: null,
    steps_done: 0,
    adapter_sha256: null,
    notes: [],
    evaluations: [],
  }
}

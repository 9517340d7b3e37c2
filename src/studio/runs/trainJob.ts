/** Trains a model: on data sets with their labels, on an expert's transcripts, or online on a benchmark's practice. */
import { chooseStrategy, type StrategyChoice } from '../../agents/strategies/strategyChoice'
import { splitFor } from '../../environments/benchmark'
import type { RunRecord } from '../../records/run'
import type { ConfiguredAlgorithm } from '../../training/algorithm'
import type { Reply, TrainRequest } from '../../worker/protocol'
import { DEFAULT_STRATEGY, PRACTICE_TEMPERATURE } from '../defaults'
import { accept, refuse } from '../failure'
import type { OpenGpu } from '../jobs/gpuAccess'
import type { JobContext } from '../jobs/jobContext'
import type { JobControl, JobWork } from '../jobs/jobControl'
import { initialAdapterConfig, initialAdapterNotes, type NamedInitialAdapter } from '../models/initialAdapter'
import { withCallFormat, withPrecision, type LoadedModel } from '../models/models'
import { retryWhenStorageFull } from '../storage/retryWhenStorageFull'
import { algorithmNamed, configureAlgorithm } from './configure'
import { settleKernels } from './kernels'
import { limitsFor } from './episodeLimits'
import { formatConfig } from './formatConfig'
import { materialOf, type Material } from './material'
import { newRun } from './newRun'
import { practiceMeanings, type PracticePlan } from './practice'
import { resumedRecord, storedOrigin, type ResumedRun } from './resume'
import { runInFolder } from './runInFolder'
import type { RunRecorder } from './runRecorder'
import { runTraining } from './runTraining'

/** Everything a training run needs, found and checked. */
interface TrainPlan {
  readonly request: TrainRequest
  readonly configured: ConfiguredAlgorithm
  readonly model: LoadedModel
  readonly gpu: OpenGpu
  readonly initialAdapter: NamedInitialAdapter | null
  readonly isResumed: boolean
  readonly material: Material
  readonly practice: PracticePlan
  readonly steps: number
}

/** @param resumed a run that is resumed, with the request it began with. */
export async function trainWork(request: TrainRequest, context: JobContext, resumed: ResumedRun | null = null): Promise<Reply<JobWork>> {
  const found = resumed ? accept(resumed) : await runInFolder(request, context)
  if (!found.ok) return found
  const before = found.value
  const plan = await planTraining(request, context, before)
  if (!plan.ok) return plan
  const record = recordOf(plan.value, context, before)
  if (!record.ok) return record
  if (!before) {
    const placed = await context.placeRun(record.value.run_id, 'train', request.folder)
    if (!placed.ok) return placed
  }
  const { engine } = plan.value.gpu
  let peak: number | null = null
  const onPeak = (bytes: number): void => void (peak = bytes)
  const frame = {
    ...{ kind: 'train' as const, title: record.value.title, record: record.value, usesGpu: true },
    dispatches: () => engine.counters.dispatches,
    peakBytes: () => peak ?? engine.peakBytes,
  }
  return accept(context.runWork(frame, (recorder, control) => train(plan.value, context, recorder, control, onPeak)))
}

async function planTraining(request: TrainRequest, context: JobContext, before: ResumedRun | null): Promise<Reply<TrainPlan>> {
  const algorithm = algorithmNamed(request.algorithm)
  if (!algorithm.ok) return algorithm
  // A mistake in the settings is said before a model is opened.
  const early = (request.initAdapter ?? before) ? accept(null) : configureAlgorithm(algorithm.value, request.config, null, request.limits)
  if (!early.ok) return early
  const best = request.checkpoints?.best ?? null
  const known = { ...algorithm.value.metrics, ...practiceMeanings }
  if (best && !(best.metric in known))
    return refuse('config', `${algorithm.value.title} reports no metric ${best.metric}; it reports ${Object.keys(known).join(', ')}.`)
  const strategy = strategyOf(request)
  if (!strategy.ok) return strategy
  const [stored, gpu] = [await context.models.load(request.model, request.seed), await context.gpu.open()]
  if (!stored.ok) return stored
  const model = withCallFormat(withPrecision(stored.value, request.dtype, request.kvDtype), request)
  if (!gpu.ok) return gpu
  const initialAdapter = await context.initialAdapters.open(request.initAdapter, model, before)
  if (!initialAdapter.ok) return initialAdapter
  const configured = configureAlgorithm(algorithm.value, request.config, initialAdapter.value, request.limits)
  if (!configured.ok) return configured
  const material = await materialOf(request, algorithm.value, model, context)
  if (!material.ok) return material
  const problem = dataProblem(configured.value, material.value, model, request.seed)
  if (problem !== null) return refuse('data', problem)
  return accept({
    ...{ request, configured: configured.value, model, gpu: gpu.value, initialAdapter: initialAdapter.value, material: material.value },
    practice: practiceOf({ request, model, choice: strategy.value }, configured.value, material.value),
    steps: request.steps ?? configured.value.steps,
    isResumed: before !== null,
  })
}

const dataProblem = (configured: ConfiguredAlgorithm, { labelled }: Material, model: LoadedModel, seed: number): string | null =>
  labelled && configured.checkData(labelled, model, seed)

function strategyOf({ practice }: TrainRequest): Reply<StrategyChoice> {
  const choice = chooseStrategy({ ...practice, strategy: practice?.strategy ?? DEFAULT_STRATEGY })
  return choice.ok ? choice : refuse(choice.field === 'strategy' ? 'unknown-strategy' : 'config', choice.message)
}

function practiceOf(
  { request, model, choice }: Pick<TrainPlan, 'request' | 'model'> & { readonly choice: StrategyChoice },
  { batch, samplesPerQuery }: ConfiguredAlgorithm,
  { benchmark }: Material,
): PracticePlan {
  return {
    ...{ benchmark, split: splitFor(benchmark, 'practice'), choice, seed: request.seed, temperature: PRACTICE_TEMPERATURE },
    ...{ queriesPerStep: batch / samplesPerQuery, samplesPerQuery },
    callBudget: request.practice?.maxCalls ?? benchmark.limits.toolCalls,
    limits: limitsFor(benchmark.limits, model),
    slots: request.practice?.slots ?? null,
    shufflesRewards: request.shuffleRewards === true,
    // A disk has space for every attempt.
    keepsAll: request.folder !== undefined,
  }
}

/** A new record, or that of the run that is resumed. */
function recordOf(plan: TrainPlan, context: JobContext, before: ResumedRun | null): Reply<RunRecord> {
  const { request, configured, material, initialAdapter, model, steps } = plan
  const { title } = configured.algorithm
  const first = newRun({
    ...{ runId: context.newId('run'), kind: 'train', title: `${title} on ${material.title}`, algorithm: request.algorithm, model },
    config: { ...configured.settings, ...practiceConfig(plan), ...precisionConfig(request), ...initialAdapterConfig(initialAdapter) },
    ...{ seed: request.seed, adapter: plan.gpu.report, worldHash: material.worldHash, now: context.now() },
  })
  const fresh: RunRecord = {
    ...first,
    data: [...material.sources],
    began: storedOrigin({ request: { ...request, steps }, data: material.hash }),
    checkpoint: { step: 0, of: steps },
  }
  return before ? resumedRecord(before, fresh, material.hash) : accept(fresh)
}

/** What a request says of practice beyond the algorithm's settings. */
function practiceConfig({ request, material, practice, model }: TrainPlan): Readonly<Record<string, unknown>> {
  const { strategySettings, maxModelCalls } = request.practice ?? {}
  const said = request.practice && material.isPractice ? { max_calls: practice.callBudget, strategy: practice.choice.strategy } : {}
  const more = {
    ...(strategySettings === undefined ? {} : { strategy_settings: strategySettings }),
    ...(maxModelCalls === undefined ? {} : { max_model_calls: maxModelCalls }),
  }
  const format = material.isPractice ? formatConfig(model) : {}
  return { ...said, ...more, ...format, ...(request.shuffleRewards ? { shuffle_rewards: true } : {}) }
}

/** Beside the algorithm's settings, where it is not f32. */
const precisionConfig = ({ dtype = 'f32', kvDtype = 'f32' }: TrainRequest): Readonly<Record<string, unknown>> => ({
  ...(dtype === 'f32' ? {} : { dtype }),
  ...(kvDtype === 'f32' ? {} : { kv_dtype: kvDtype }),
})

async function train(
  plan: TrainPlan,
  context: JobContext,
  recorder: RunRecorder,
  control: JobControl,
  onPeak: (bytes: number) => void,
): Promise<void> {
  const { request, configured, material, initialAdapter, model, gpu } = plan
  const adapterNotes = initialAdapter ? initialAdapterNotes(initialAdapter, configured) : []
  for (const note of [...adapterNotes, ...configured.notes(), ...material.notes]) recorder.note(note)
  if (initialAdapter) await retryWhenStorageFull(control, () => context.initialAdapters.keep(recorder.record.run_id, initialAdapter))
  const parts = { ...context.trainingParts, opened: gpu }
  const putBack = await settleKernels(model.config, configured.trainable, recorder, control, { ...parts, choice: request.kernels })
  await runTraining(
    {
      ...{
        model,
        configured,
        initialAdapter,
        steps: plan.steps,
        seed: request.seed,
        practice: plan.practice,
        checkpoints: request.checkpoints,
      },
      isResumed: plan.isResumed,
      ...{ data: material.labelled, transcripts: material.transcripts, keepsCheckpoints: request.folder !== undefined },
    },
    { trained: onPeak },
    recorder,
    control,
    parts,
  ).finally(putBack)
}

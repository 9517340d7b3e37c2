/** What acts in an evaluation or a rollout: a model, with or without an adapter, the queries it is asked, and how its tokens are drawn. */
import { strategies, type StrategyName } from '../../agents/strategies'
import { KV_DTYPES } from '../../engine/ops/kvCache'
import { WEIGHT_FORMATS } from '../../engine/weightFormat'
import type { Benchmark } from '../../environments/benchmark'
import type { Query } from '../../environments/environment'
import type { EvaluateRequest, RolloutRequest } from '../../records/requests'
import type { RunRecord } from '../../records/run'
import { noFilters, type SamplingFilters } from '../../records/samplingFilters'
import type { Reply } from '../../worker/protocol'
import { accept, attempt, refuse } from '../failure'
import type { OpenGpu } from '../jobs/gpuAccess'
import type { JobContext } from '../jobs/jobContext'
import type { JobControl, JobWork } from '../jobs/jobControl'
import { actingAdapter, loadAdapter, type LoadedAdapter } from '../models/adapterFiles'
import { withPrecision, type LoadedModel } from '../models/models'
import { newRun } from '../runs/newRun'
import { plainTrainable, type ActingPolicy } from '../runs/policyBackend'
import type { RunRecorder } from '../runs/runRecorder'
import { worldOf } from '../worlds/worlds'
import { stratified } from './evaluatePolicy'
import { queriesOf } from './queries'

type ActingRequest = EvaluateRequest | RolloutRequest

export interface Acting {
  readonly title: string
  readonly benchmark: Benchmark
  readonly queries: readonly Query[]
  readonly strategy: StrategyName
  /** Tool calls of an episode. */
  readonly maxCalls: number
  readonly sampling: SamplingFilters
  readonly model: LoadedModel
  readonly adapter: LoadedAdapter | null
  readonly gpu: OpenGpu
}

/** Refuses with the first field of the request that names nothing. */
export async function openActing(request: ActingRequest, context: JobContext): Promise<Reply<Acting>> {
  const benchmark = await context.worlds.benchmark(request.benchmark, worldOf(request))
  if (!benchmark.ok) return benchmark
  const asked = queriesOf(benchmark.value, request.split)
  if (!asked.ok) return asked
  const strategy = (Object.keys(strategies) as StrategyName[]).find((known) => known === request.strategy)
  if (strategy === undefined)
    return refuse('unknown-strategy', `There is no strategy ${request.strategy}; there is ${Object.keys(strategies).join(', ')}.`)
  const [stored, gpu] = [await context.models.load(request.model, request.seed), await context.gpu.open()]
  if (!stored.ok) return stored
  if (!gpu.ok) return gpu
  const problem = context.promptFormatProblem(stored.value)
  if (problem !== null) return refuse('prompt-format', problem)
  const source = request.adapterOf === null ? null : await context.store.runs.get(request.adapterOf)
  if (request.adapterOf !== null && !source) return refuse('unknown-run', `There is no run ${request.adapterOf}; it may have been removed.`)
  const model = withPrecision(stored.value, ...dtypesOf(request, source))
  const adapter = await adapterOf(request, model, context)
  if (!adapter.ok) return adapter
  return accept({
    title: `${source ? source.title : model.title} on ${request.split}`,
    benchmark: benchmark.value,
    queries: stratified(asked.value, request.limit ?? asked.value.length),
    strategy,
    maxCalls: request.maxCalls ?? benchmark.value.limits.toolCalls,
    sampling: request.sampling ?? noFilters,
    model: adapter.value ? { ...model, reader: adapter.value.reader } : model,
    adapter: adapter.value,
    gpu: gpu.value,
  })
}

/** An adapter acts on the base as it was trained on, unless the request says otherwise. */
function dtypesOf(request: ActingRequest, source: RunRecord | null) {
  const weights = request.dtype ?? WEIGHT_FORMATS.find((format) => format === source?.config.dtype)
  const kv = request.kvDtype ?? KV_DTYPES.find((one) => one === source?.config.kv_dtype)
  return [weights, kv] as const
}

function adapterOf(
  request: ActingRequest,
  model: LoadedModel,
  { store, initialAdapters }: JobContext,
): Promise<Reply<LoadedAdapter | null>> {
  return attempt('adapter', async () => {
    if (request.adapterOf !== null) return accept(await loadAdapter(store, request.adapterOf, model))
    const imported = await initialAdapters.openToAct(request.adapter, model)
    if (!imported.ok || !imported.value) return imported.ok ? accept(null) : imported
    const { whole, sha256 } = imported.value.adapter
    return accept({ ...actingAdapter(whole, model), sha256 })
  })
}

function actingRecord(request: ActingRequest, acting: Acting, { newId, now }: Pick<JobContext, 'newId' | 'now'>): RunRecord {
  const config = {
    split: request.split,
    strategy: request.strategy,
    max_calls: acting.maxCalls,
    limit: request.limit,
    temperature: request.temperature,
    ...acting.sampling,
    adapter_of: request.adapterOf,
    ...(request.benchmarkData === undefined ? {} : { benchmark_data: request.benchmarkData }),
    ...(request.benchmarkSettings === undefined ? {} : { benchmark_settings: request.benchmarkSettings }),
    ...(request.kind === 'rollout' ? { samples: request.samples } : {}),
  }
  return newRun({
    ...{ runId: newId('run'), kind: request.kind, title: acting.title, algorithm: null, config, model: acting.model },
    ...{ seed: request.seed, adapter: acting.gpu.report, worldHash: acting.benchmark.environment.hash, now: now() },
  })
}

/** A job that opens the policy, lets `act` use it, and frees it. */
export function actingWork(
  request: ActingRequest,
  acting: Acting,
  context: JobContext,
  act: (policy: ActingPolicy, recorder: RunRecorder, control: JobControl) => Promise<void>,
): JobWork {
  const record = actingRecord(request, acting, context)
  const { engine } = acting.gpu
  const frame = {
    ...{ kind: request.kind, title: acting.title, record, usesGpu: true },
    dispatches: () => engine.counters.dispatches,
    peakBytes: () => engine.peakBytes,
  }
  return context.runWork(frame, async (recorder, control) => {
    control.phase('starting', 0, 'Loading the model')
    const policy = await context.trainingParts.policyBackend.openPolicy({
      engine,
      model: acting.model,
      trainable: acting.adapter?.trainable ?? plainTrainable,
      adapter: acting.adapter?.tensors ?? null,
      seed: request.seed,
      slots: request.slots ?? null,
      limits: acting.benchmark.limits,
      gate: control.gate,
      onTokens: (count) => {
        control.countTokens(count)
      },
    })
    try {
      context.gpu.announce()
      await act(policy, recorder, control)
    } finally {
      await policy.destroy()
      context.gpu.announce()
    }
  })
}

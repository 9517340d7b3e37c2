/** What acts in an evaluation or a rollout: a model, with or without an adapter, the queries it is asked, and how its tokens are drawn. */
import { chooseStrategy, type StrategyChoice } from '../../agents/strategies/strategyChoice'
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
import { withCallFormat, withPrecision, type LoadedModel } from '../models/models'
import { formatConfig } from '../runs/formatConfig'
import { newRun } from '../runs/newRun'
import { limitsFor } from '../runs/episodeLimits'
import { plainTrainable, type ActingPolicy, type GenerationLimits } from '../runs/policyBackend'
import type { RunRecorder } from '../runs/runRecorder'
import { worldOf } from '../worlds/worlds'
import { stratified } from './evaluatePolicy'
import { openServerSpeaker, serverPolicy, type ServerSpeaker } from './serverPolicy'
import { queriesOf } from './queries'

type ActingRequest = EvaluateRequest | RolloutRequest

export interface Acting {
  readonly title: string
  readonly benchmark: Benchmark
  readonly queries: readonly Query[]
  readonly choice: StrategyChoice
  /** Tool calls of an episode. */
  readonly maxCalls: number
  readonly limits: GenerationLimits
  readonly sampling: SamplingFilters
  readonly speaker: LocalSpeaker | ServerSpeaker
}

/** A model of the studio, loaded on the GPU. */
interface LocalSpeaker {
  readonly kind: 'local'
  readonly title: string
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
  const choice = chooseStrategy(request)
  if (!choice.ok) return refuse(choice.field === 'strategy' ? 'unknown-strategy' : 'config', choice.message)
  const speaker = request.server ? openServerSpeaker(request.server, context.serverParts) : await openLocalSpeaker(request, context)
  if (!speaker.ok) return speaker
  return accept({
    title: `${speaker.value.kind === 'local' ? speaker.value.title : speaker.value.settings.model} on ${request.split}`,
    benchmark: benchmark.value,
    queries: stratified(asked.value, request.limit ?? asked.value.length),
    choice: choice.value,
    maxCalls: request.maxCalls ?? benchmark.value.limits.toolCalls,
    limits: limitsFor(benchmark.value.limits, speaker.value.kind === 'local' ? speaker.value.model : null),
    sampling: request.sampling ?? noFilters,
    speaker: speaker.value,
  })
}

async function openLocalSpeaker(request: ActingRequest, context: JobContext): Promise<Reply<LocalSpeaker>> {
  const [stored, gpu] = [await context.models.load(request.model, request.seed), await context.gpu.open()]
  if (!stored.ok) return stored
  if (!gpu.ok) return gpu
  const chosen = withCallFormat(stored.value, request)
  const problem = context.promptFormatProblem(chosen)
  if (problem !== null) return refuse('prompt-format', problem)
  const source = request.adapterOf === null ? null : await context.store.runs.get(request.adapterOf)
  if (request.adapterOf !== null && !source) return refuse('unknown-run', `There is no run ${request.adapterOf}; it may have been removed.`)
  const model = withPrecision(chosen, ...dtypesOf(request, source))
  const adapter = await adapterOf(request, model, context)
  if (!adapter.ok) return adapter
  return accept({
    ...{ kind: 'local', title: source ? source.title : model.title, gpu: gpu.value, adapter: adapter.value },
    model: adapter.value ? { ...model, reader: adapter.value.reader } : model,
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
    ...(request.strategySettings === undefined ? {} : { strategy_settings: request.strategySettings }),
    max_calls: acting.maxCalls,
    ...(request.maxModelCalls === undefined ? {} : { max_model_calls: request.maxModelCalls }),
    limit: request.limit,
    temperature: request.temperature,
    ...acting.sampling,
    ...(acting.speaker.kind === 'local' ? formatConfig(acting.speaker.model) : {}),
    adapter_of: request.adapterOf,
    ...(request.benchmarkData === undefined ? {} : { benchmark_data: request.benchmarkData }),
    ...(request.benchmarkSettings === undefined ? {} : { benchmark_settings: request.benchmarkSettings }),
    ...(request.kind === 'rollout' ? { samples: request.samples } : {}),
  }
  return newRun({
    ...{ runId: newId('run'), kind: request.kind, title: acting.title, algorithm: null, config, model: modelOf(acting.speaker) },
    ...{ seed: request.seed, adapter: acting.speaker.kind === 'local' ? acting.speaker.gpu.report : null },
    ...{ worldHash: acting.benchmark.environment.hash, now: now() },
  })
}

/** The model as records name it; nobody can hash a server's. */
export function modelOf(speaker: Acting['speaker']): {
  readonly id: string
  readonly sha256: string
  readonly adapterSha256: string | null
} {
  if (speaker.kind === 'server') return { id: `${speaker.host}/${speaker.settings.model}`, sha256: '', adapterSha256: null }
  return { id: speaker.model.id, sha256: speaker.model.sha256, adapterSha256: speaker.adapter?.sha256 ?? null }
}

type Act = (policy: Pick<ActingPolicy, 'rollout'>, recorder: RunRecorder, control: JobControl) => Promise<void>

/** A job that lets `act` use the model, opened before and freed afterwards. */
export function actingWork(request: ActingRequest, acting: Acting, context: JobContext, act: Act): JobWork {
  const record = actingRecord(request, acting, context)
  const frame = { kind: request.kind, title: acting.title, record }
  const { speaker } = acting
  if (speaker.kind === 'server') {
    const shared = { limits: acting.limits, seed: request.seed, now: context.serverParts.nowMs }
    return context.runWork({ ...frame, usesGpu: false, dispatches: () => 0, peakBytes: () => 0 }, (recorder, control) => {
      const note = (sentence: string): void => {
        recorder.note(sentence)
      }
      return act(serverPolicy(speaker, { ...shared, control, note }), recorder, control)
    })
  }
  const { engine } = speaker.gpu
  const usage = { usesGpu: true, dispatches: () => engine.counters.dispatches, peakBytes: () => engine.peakBytes }
  return context.runWork({ ...frame, ...usage }, async (recorder, control) => {
    control.phase('starting', 0, 'Loading the model')
    const policy = await openLocalPolicy(request, acting, speaker, context, control)
    try {
      context.gpu.announce()
      await act(policy, recorder, control)
    } finally {
      await policy.destroy()
      context.gpu.announce()
    }
  })
}

const openLocalPolicy = (
  request: ActingRequest,
  { limits }: Pick<Acting, 'limits'>,
  { model, adapter, gpu }: LocalSpeaker,
  context: JobContext,
  control: JobControl,
): Promise<ActingPolicy> =>
  context.trainingParts.policyBackend.openPolicy({
    engine: gpu.engine,
    model,
    trainable: adapter?.trainable ?? plainTrainable,
    adapter: adapter?.tensors ?? null,
    ...{ seed: request.seed, slots: request.slots ?? null, limits, gate: control.gate },
    onTokens: (count) => {
      control.countTokens(count)
    },
  })

/** Evaluates a model, with or without an adapter, on a split of a benchmark. */
import { strategies, type StrategyName } from '../../agents/strategies'
import { KV_DTYPES } from '../../engine/ops/kvCache'
import { WEIGHT_FORMATS } from '../../engine/weightFormat'
import { noFilters, samplingFilters } from '../../records/samplingFilters'
import type { JobRequest, Reply } from '../../worker/protocol'
import { loadAdapter } from '../models/adapterFiles'
import { runExam, stratified } from './exam'
import { accept, refuse } from '../failure'
import type { JobWork } from '../jobs/jobQueue'
import type { JobContext } from '../jobs/jobContext'
import { withPrecision } from '../models/models'
import { newRun } from '../runs/trainJob'
import { plainTrainable } from '../runs/policyBackend'

type EvaluateRequest = Extract<JobRequest, { kind: 'evaluate' }>

export async function evaluateWork(request: EvaluateRequest, room: JobContext): Promise<Reply<JobWork>> {
  const { store } = room
  const known = room.worlds.benchmark(request.benchmark)
  if (!known.ok) return known
  const benchmark = known.value
  const splits = benchmark.splits.map(({ name }) => name)
  if (!splits.includes(request.split))
    return refuse('unknown-split', `${benchmark.name} has no split ${request.split}; it has ${splits.join(', ')}.`)
  const strategy = strategyNamed(request.strategy)
  if (!strategy)
    return refuse('unknown-strategy', `There is no strategy ${request.strategy}; there is ${Object.keys(strategies).join(', ')}.`)
  if (!Number.isInteger(request.maxCalls) || request.maxCalls < 1)
    return refuse('budget', `Expected a call budget of at least 1, found ${request.maxCalls}.`)
  if (request.limit !== null && !(request.limit >= 1)) return refuse('limit', `Expected at least 1 question, found ${request.limit}.`)
  if (!(request.temperature >= 0)) return refuse('temperature', `Expected a temperature of at least 0, found ${request.temperature}.`)
  const sampling = samplingFilters.safeParse(request.sampling ?? noFilters)
  if (!sampling.success) {
    const [issue] = sampling.error.issues
    return refuse('sampling', `${String(issue?.path[0])}: ${issue?.message ?? ''}`)
  }
  const [stored, gpu] = [await room.models.load(request.model), await room.gpu.open()]
  if (!stored.ok) return stored
  if (!gpu.ok) return gpu
  const speaks = room.promptFormatProblem(stored.value)
  if (speaks !== null) return refuse('prompt-format', speaks)
  const source = request.adapterOf === null ? null : await store.runs.get(request.adapterOf)
  if (request.adapterOf !== null && !source) return refuse('unknown-run', `There is no run ${request.adapterOf}; it may have been removed.`)
  // An adapter acts on the base it was trained on.
  const dtype = WEIGHT_FORMATS.find((format) => format === source?.config.dtype)
  const kvDtype = KV_DTYPES.find((one) => one === source?.config.kv_dtype)
  const model = withPrecision(stored.value, dtype, kvDtype)
  const adapter = request.adapterOf === null ? null : await loadAdapter(store, request.adapterOf, model)
  const all = benchmark.queries(request.split)
  const queries = stratified(all, request.limit ?? all.length)
  const runId = room.newId('run')
  const title = `${source ? source.title : model.title} on ${request.split}`
  const { engine, report } = gpu.value
  const config = {
    split: request.split,
    strategy: request.strategy,
    max_calls: request.maxCalls,
    limit: request.limit,
    temperature: request.temperature,
    ...sampling.data,
    adapter_of: request.adapterOf,
  }
  const record = newRun({
    runId,
    kind: 'evaluate',
    title,
    algorithm: null,
    config,
    model,
    seed: request.seed,
    adapter: report,
    worldHash: benchmark.environment.hash,
    now: room.now(),
  })
  return accept(
    room.runWork(
      { kind: 'evaluate', title, record, usesGpu: true, dispatches: () => engine.counters.dispatches },
      async (keeper, control) => {
        control.phase('starting', 0, 'Loading the model')
        const policy = await room.learnParts.workshop.openPolicy({
          engine,
          model,
          trainable: adapter?.trainable ?? plainTrainable,
          adapter: adapter?.tensors ?? null,
          seed: request.seed,
          limits: benchmark.limits,
          gate: control.gate,
          onTokens: (count) => {
            control.countTokens(count)
          },
        })
        try {
          room.gpu.announce()
          control.phase('evaluating', queries.length, 'The model sits the exam')
          await runExam(
            policy,
            {
              title,
              benchmark,
              split: request.split,
              queries,
              strategy,
              callBudget: request.maxCalls,
              temperature: request.temperature,
              sampling: sampling.data,
              seed: request.seed,
              model: { id: model.id, adapter_sha256: adapter?.sha256 ?? null },
            },
            'before',
            keeper,
            control,
            room.examParts,
          )
        } finally {
          await policy.destroy()
          room.gpu.announce()
        }
      },
    ),
  )
}

function strategyNamed(name: string): StrategyName | null {
  return (Object.keys(strategies) as StrategyName[]).find((known) => known === name) ?? null
}

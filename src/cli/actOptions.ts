/** Flags that `rollout` and `evaluate` share, and the model they open. */
import { z } from 'zod'
import { strategies, type StrategyName } from '../agents/strategies'
import { EngineDevice } from '../engine/device/engineDevice'
import type { KvDtype } from '../engine/ops/kvCache'
import { WEIGHT_FORMATS, type WeightFormat } from '../engine/weightFormat'
import { DEFAULT_BENCHMARK, DEFAULT_MODEL, DEFAULT_STRATEGY } from '../studio/defaults'
import { promptFormatProblem } from '../studio/jobs/jobContext'
import { filtersOf, samplingFilters, type SamplingFilters } from '../records/samplingFilters'
import type { Trajectory } from '../records/trajectory'
import { openActor, type Actor } from './acting'
import { gpuInfoOf } from './gpuInfo'
import { benchmarkNames, openExam, type Exam } from './benchmark'
import { UsageError, type CommandContext } from './command'
import { DTYPE_HELP, kvDtypeOption, MODEL_HELP, openModel } from './modelSpec'
import { readTrainedAdapter } from './trainedFiles'

export const actOptions = {
  model: z.string().default(DEFAULT_MODEL).meta({ help: MODEL_HELP }),
  dtype: z.enum(WEIGHT_FORMATS).default('f32').meta({ help: DTYPE_HELP }),
  lora: z.string().optional().meta({ help: 'directory of an adapter to put on the model (PEFT layout; what train leaves)' }),
  benchmark: z.enum(benchmarkNames).default(DEFAULT_BENCHMARK).meta({ help: 'the exam' }),
  strategy: z
    .enum(Object.keys(strategies) as StrategyName[])
    .default(DEFAULT_STRATEGY)
    .meta({ help: 'how calls are spent' }),
  maxCalls: z.int().positive().optional().meta({ help: 'tool calls of an episode; else what the benchmark allows' }),
  limit: z.int().positive().optional().meta({ help: 'this many queries, every group in its share, in a fixed order; else all' }),
  slots: z.int().positive().optional().meta({ help: 'episodes generated at once; results do not depend on it' }),
  kvDtype: kvDtypeOption,
  ...samplingFilters.shape,
  seed: z.int().nonnegative().default(1).meta({ help: 'of sampling, and of random weights' }),
} as const

export interface ActSettings extends SamplingFilters {
  readonly model: string
  readonly dtype: WeightFormat
  readonly lora?: string | undefined
  readonly benchmark: string
  readonly split: string
  readonly strategy: StrategyName
  readonly maxCalls?: number | undefined
  readonly limit?: number | undefined
  readonly slots?: number | undefined
  readonly kvDtype: KvDtype
  readonly seed: number
  readonly temperature: number
  readonly samples: number
  readonly source: string
}

export interface Acted {
  readonly exam: Exam
  /** Tool calls an episode was allowed. */
  readonly callBudget: number
  /** In the order of queries, then samples. */
  readonly trajectories: readonly Trajectory[]
  readonly model: { readonly id: string; readonly adapter_sha256: string | null }
  readonly generatedTokens: number
  readonly seconds: number
  readonly peakBytes: number
}

/** Opens the model, lets it act on every query, closes it. */
export async function actOnExam(settings: ActSettings, context: CommandContext): Promise<Acted> {
  const exam = openExam(settings.benchmark, settings.split, settings.limit ?? null)
  const { limits, environment } = exam.benchmark
  const callBudget = settings.maxCalls ?? limits.toolCalls
  const model = await openModel(settings.model, settings.seed, context, { weights: settings.dtype, kv: settings.kvDtype })
  let actor: Actor | null = null
  try {
    const refusal = promptFormatProblem(model)
    if (refusal !== null) throw new UsageError(refusal)
    const adapter = settings.lora === undefined ? null : await readTrainedAdapter(settings.lora, model)
    const report = gpuInfoOf((await context.openAdapter()).adapter)
    const engine = new EngineDevice(await context.openDevice(), { isSoftware: report.isSoftware })
    const now = (): number => performance.now()
    actor = await openActor(engine, model, adapter, {
      slots: settings.slots ?? null,
      limits,
      seed: settings.seed,
      gate: () => context.signal.throwIfAborted(),
      now,
    })
    const total = exam.queries.length * settings.samples
    let done = 0
    let told = now()
    const started = now()
    const trajectories = await actor.act({
      environment,
      queries: exam.queries,
      samples: settings.samples,
      strategy: settings.strategy,
      callBudget,
      temperature: settings.temperature,
      sampling: filtersOf(settings),
      source: settings.source,
      signal: context.signal,
      onTrajectory: () => {
        done += 1
        if (now() - told < 5000 && done < total) return
        told = now()
        context.progress(
          `${done} of ${total} episodes, ${((actor?.generatedTokens ?? 0) / ((now() - started) / 1000)).toFixed(0)} tokens/s`,
        )
      },
    })
    return {
      exam,
      callBudget,
      trajectories,
      model: { id: model.id, adapter_sha256: adapter?.sha256 ?? null },
      generatedTokens: actor.generatedTokens,
      seconds: (now() - started) / 1000,
      peakBytes: engine.peakBytes,
    }
  } finally {
    await actor?.destroy()
    await model.close()
  }
}

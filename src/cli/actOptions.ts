/** Flags that `rollout` and `evaluate` share, and the request they make. */
import { z } from 'zod'
import { strategies, type StrategyName } from '../agents/strategies'
import { WEIGHT_FORMATS } from '../engine/weightFormat'
import type { EvaluateRequest } from '../records/requests'
import { filtersOf, samplingFilters } from '../records/samplingFilters'
import { DEFAULT_BENCHMARK, DEFAULT_MODEL, DEFAULT_STRATEGY } from '../studio/defaults'
import type { StudioEvent } from '../worker/protocol'
import { importAdapterFolder } from './adapterFolder'
import { benchmarkGiven, benchmarkNames, benchmarkOptions } from './benchmark'
import { UsageError, type CommandContext } from './command'
import { strategyGiven, strategyOptions } from './strategyOptions'
import { DTYPE_HELP, kvDtypeOption, MODEL_HELP } from './modelSpec'
import { formatGiven, formatOptions } from './formatOptions'
import type { CommandStudio } from './openStudio'
import { serverGiven, serverOptions } from './serverOptions'

export const actOptions = {
  model: z.string().default(DEFAULT_MODEL).meta({ help: MODEL_HELP }),
  ...serverOptions,
  dtype: z.enum(WEIGHT_FORMATS).default('f32').meta({ help: DTYPE_HELP }),
  lora: z.string().optional().meta({ help: 'directory of a LoRA adapter for the model, in PEFT’s layout, as train writes it' }),
  benchmark: z.enum(benchmarkNames).default(DEFAULT_BENCHMARK).meta({ help: 'the benchmark that is attempted' }),
  ...benchmarkOptions,
  strategy: z
    .enum(Object.keys(strategies) as StrategyName[])
    .default(DEFAULT_STRATEGY)
    .meta({ help: 'the strategy of an episode: how it spends its tool calls' }),
  ...strategyOptions,
  maxCalls: z.int().positive().optional().meta({ help: 'most tool calls of an episode; by default as many as the benchmark allows' }),
  limit: z
    .int()
    .positive()
    .optional()
    .meta({ help: 'attempt only this many queries, from every group in proportion, in a fixed order; by default all' }),
  ...formatOptions,
  slots: z.int().positive().optional().meta({ help: 'how many episodes are generated at once; results do not depend on it' }),
  kvDtype: kvDtypeOption,
  ...samplingFilters.shape,
  seed: z.int().nonnegative().default(1).meta({ help: 'seed of sampling, and of random weights' }),
} as const

type ActOptions = z.output<z.ZodObject<typeof actOptions>> & { readonly split: string; readonly temperature: number }

/** What both commands ask for; an adapter that is named is imported first. */
export async function actingRequest(studio: CommandStudio, options: ActOptions, folder: string): Promise<Omit<EvaluateRequest, 'kind'>> {
  if (options.server !== undefined && options.lora !== undefined)
    throw new UsageError('--lora names an adapter for a model of this computer; with --server, the server loads its own adapters.')
  const adapter = options.lora === undefined ? null : await importAdapterFolder(studio, options.model, options.lora)
  return {
    ...{ model: options.model, dtype: options.dtype, kvDtype: options.kvDtype, adapterOf: null },
    ...(adapter ? { adapter } : {}),
    ...{ benchmark: options.benchmark, split: options.split, strategy: options.strategy },
    ...serverGiven(options),
    ...strategyGiven(options),
    ...benchmarkGiven(options),
    ...formatGiven(options),
    ...(options.maxCalls === undefined ? {} : { maxCalls: options.maxCalls }),
    ...{ limit: options.limit ?? null, temperature: options.temperature },
    ...{ sampling: filtersOf(options), seed: options.seed, folder },
    ...(options.slots === undefined ? {} : { slots: options.slots }),
  }
}

export interface ActProgress {
  readonly hear: (event: StudioEvent) => void
  /** Generated since the first episode began. */
  tokensPerSecond(): number
}

/** A line every few seconds. */
export function actProgress({ progress }: Pick<CommandContext, 'progress'>): ActProgress {
  let startedAt: number | null = null
  let last = 0
  let newest = { at: 0, tokens: 0 }
  const speed = (): number => (startedAt === null || newest.at <= startedAt ? 0 : newest.tokens / ((newest.at - startedAt) / 1000))
  return {
    hear(event) {
      if (event.type !== 'job' || !['evaluating', 'rollout', 'done'].includes(event.job.phase)) return
      const { phase, done, total, tokens = 0 } = event.job
      newest = { at: performance.now(), tokens }
      if (startedAt === null) last = startedAt = newest.at
      if (phase === 'done' || done === 0 || (newest.at - last < 5000 && done < total)) return
      last = newest.at
      progress(`${done} of ${total} episodes, ${speed().toFixed(0)} tokens/s`)
    },
    tokensPerSecond: speed,
  }
}

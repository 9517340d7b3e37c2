/** What the new-run form holds, as the URL holds it, and the request it makes. */
import { z } from 'zod'
import { CACHE_DTYPES, WEIGHT_DTYPES, type RecipeOnForm, type ServerModel, type TrainRequest } from '../../worker/protocol'
import { trainRequest as storedRequest } from '../../records/requests'
import { settingsInEffect, type RunRecord } from '../../records/run'
import { fieldsFromSchema, isChanged } from '../widgets/schemaFields'
import { startFolder, startOf, startText } from './startChoices'

export const newRunUrl = z.object({
  algorithm: z.string().default(''),
  model: z.string().default(''),
  /** Comma-separated dataset ids; empty: online rollouts in the tool world. */
  data: z.string().default(''),
  /** Of online practice: the benchmark, where it is not the default one, with its data and settings; how the model acts, and its calls at most. */
  benchmark: z.string().default(''),
  benchmarkData: z.string().default(''),
  benchmarkSettings: z.string().default(''),
  strategy: z.string().default(''),
  maxCalls: z.coerce.number().int().positive().nullable().catch(null).default(null),
  /** How the base model's frozen weights are held. */
  dtype: z.enum(WEIGHT_DTYPES).catch('f32').default('f32'),
  /** How generation keeps keys and values. */
  kv: z.enum(CACHE_DTYPES).catch('f32').default('f32'),
  /** How the model writes its calls in practice; empty: as its chat template teaches it. */
  format: z.string().default(''),
  /** The initial adapter; empty for a new one. */
  start: z.string().default(''),
  /** It stands for the setting max_steps in an address that was written by hand; the form itself holds it among the settings. */
  steps: z.coerce.number().int().positive().nullable().catch(null).default(null),
  seed: z.coerce.number().int().catch(1).default(1),
  rows: z.coerce.number().int().positive().nullable().catch(null).default(null),
  /** Settings that differ from the method's defaults, as JSON. */
  config: z.string().default(''),
  /** Checkpoints: steps and minutes between them, and the metric whose best weights are kept. */
  saveSteps: z.coerce.number().int().positive().catch(10).default(10),
  saveMinutes: z.coerce.number().positive().catch(2).default(2),
  bestMetric: z.string().default(''),
  bestIs: z.enum(['larger', 'smaller']).catch('larger').default('larger'),
  /** Run whose practice and settings are taken over. */
  from: z.string().default(''),
})
export type NewRunUrl = z.infer<typeof newRunUrl>

const configShape = z.record(z.string(), z.unknown())
export function configOf(url: Pick<NewRunUrl, 'config' | 'steps'>): Readonly<Record<string, unknown>> {
  const config = settingsOf(url.config)
  return url.steps === null ? config : { ...config, max_steps: url.steps }
}
export function settingsOf(text: string): Readonly<Record<string, unknown>> {
  if (text === '') return {}
  try {
    const read = configShape.safeParse(JSON.parse(text))
    return read.success ? read.data : {}
  } catch {
    return {}
  }
}
export const configText = (config: Readonly<Record<string, unknown>>): string =>
  Object.keys(config).length === 0 ? '' : JSON.stringify(config)

/** @param simulator holds a key, so it is in no address. */
export function trainRequest(url: NewRunUrl, algorithm: string, model: string, simulator?: ServerModel): TrainRequest {
  const initAdapter = startOf(url.start)
  return {
    kind: 'train',
    algorithm,
    model,
    data: url.data === '' ? [] : url.data.split(','),
    config: configOf(url),
    steps: null,
    seed: url.seed,
    rowLimit: url.rows,
    ...(url.data === '' ? practiceOf(url, simulator) : {}),
    ...(initAdapter ? { initAdapter } : {}),
    ...(url.dtype === 'f32' ? {} : { dtype: url.dtype }),
    ...(url.kv === 'f32' ? {} : { kvDtype: url.kv }),
    ...(url.format === '' ? {} : { callFormat: url.format }),
    checkpoints: {
      everySteps: url.saveSteps,
      everyMinutes: url.saveMinutes,
      best: url.bestMetric === '' ? null : { metric: url.bestMetric, greaterIsBetter: url.bestIs === 'larger' },
    },
  }
}

type Practice = Pick<TrainRequest, 'benchmark' | 'benchmarkData' | 'benchmarkSettings' | 'simulator' | 'practice'>

function practiceOf({ strategy, maxCalls, ...url }: NewRunUrl, simulator: ServerModel | undefined): Practice {
  const practice = { ...(strategy === '' ? {} : { strategy }), ...(maxCalls === null ? {} : { maxCalls }) }
  return {
    ...(url.benchmark === '' ? {} : { benchmark: url.benchmark }),
    ...(url.benchmarkData === '' ? {} : { benchmarkData: url.benchmarkData }),
    ...(url.benchmarkSettings === '' ? {} : { benchmarkSettings: settingsOf(url.benchmarkSettings) }),
    ...(simulator === undefined ? {} : { simulator }),
    ...(Object.keys(practice).length === 0 ? {} : { practice }),
  }
}

/** What a recipe changes of the form; what it does not name stays. */
export function formOf(recipe: RecipeOnForm): Partial<NewRunUrl> {
  return {
    algorithm: recipe.algorithm,
    config: configText(recipe.steps === null ? recipe.config : { ...recipe.config, max_steps: recipe.steps }),
    steps: null,
    ...(recipe.seed === null ? {} : { seed: recipe.seed }),
    ...(recipe.model === null ? {} : { model: recipe.model }),
    ...(recipe.data.length === 0 ? {} : { data: recipe.data.join(',') }),
    ...(recipe.dtype === null ? {} : { dtype: recipe.dtype }),
    ...(recipe.kvDtype === null ? {} : { kv: recipe.kvDtype }),
    ...(recipe.initAdapter === null ? {} : { start: startText(recipe.initAdapter) }),
  }
}

/** The form as a run was: its settings where they differ from the defaults, its data, precision, seed and checkpoints. */
export function formOfRun(run: RunRecord, configSchema: Readonly<Record<string, unknown>>): Partial<NewRunUrl> {
  const settings = settingsInEffect(run)
  const began = storedRequest.safeParse(run.began?.request)
  const changed = fieldsFromSchema(configSchema).filter((field) => isChanged(field, settings))
  const { dtype, kv_dtype: kvDtype } = run.config
  const asked = newRunUrl.parse({ dtype, kv: kvDtype })
  const { everySteps, everyMinutes, best } = began.data?.checkpoints ?? {}
  return {
    ...(run.algorithm === null ? {} : { algorithm: run.algorithm }),
    model: run.model.id,
    data: (began.data?.data ?? []).join(','),
    config: configText(Object.fromEntries(changed.map(({ name }) => [name, settings[name]]))),
    seed: run.seed,
    ...practiceOnForm(began.data),
    ...(asked.dtype === 'f32' ? {} : { dtype: asked.dtype }),
    ...(asked.kv === 'f32' ? {} : { kv: asked.kv }),
    ...(began.data?.rowLimit ? { rows: began.data.rowLimit } : {}),
    ...(began.data?.callFormat ? { format: began.data.callFormat } : {}),
    ...(everySteps === undefined ? {} : { saveSteps: everySteps }),
    ...(everyMinutes === undefined ? {} : { saveMinutes: everyMinutes }),
    ...(best ? { bestMetric: best.metric, bestIs: best.greaterIsBetter ? 'larger' : 'smaller' } : {}),
  }
}
/** Its practice as the form holds it. */
function practiceOnForm(request: TrainRequest | undefined): Partial<NewRunUrl> {
  const { benchmark, benchmarkData, benchmarkSettings, practice } = request ?? {}
  return {
    ...(benchmark === undefined ? {} : { benchmark }),
    ...(benchmarkData === undefined ? {} : { benchmarkData }),
    ...(benchmarkSettings === undefined ? {} : { benchmarkSettings: configText(benchmarkSettings) }),
    ...(practice?.strategy === undefined ? {} : { strategy: practice.strategy }),
    ...(practice?.maxCalls === undefined ? {} : { maxCalls: practice.maxCalls }),
  }
}

function quoted(text: string): string {
  return /^[\w./:@=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
/** A list is written word by word, a truth value with `=`: alone it would be a word of its own. */
function flagText(name: string, value: unknown): string {
  const text = (one: unknown): string => (typeof one === 'string' ? one : JSON.stringify(one))
  if (typeof value === 'boolean') return `--${name}=${String(value)}`
  return `--${name} ${(Array.isArray(value) ? value : [value]).map((one) => quoted(text(one))).join(' ')}`
}
/** Data of a benchmark have a path there, which nobody knows here. */
function practiceFlags({ benchmark, benchmarkData, benchmarkSettings, practice }: TrainRequest): string[] {
  return [
    ...(benchmark === undefined ? [] : [`--data ${quoted(benchmark)}`]),
    ...(benchmarkData === undefined ? [] : ['--benchmark-data PATH']),
    ...(benchmarkSettings === undefined ? [] : [`--benchmark-settings ${quoted(JSON.stringify(benchmarkSettings))}`]),
    ...(practice?.strategy === undefined ? [] : [`--strategy ${quoted(practice.strategy)}`]),
    ...(practice?.maxCalls === undefined ? [] : [`--max-calls ${practice.maxCalls}`]),
  ]
}
/** The same run from the command line. */
export function commandLine(request: TrainRequest, fileNames: readonly string[]): string {
  const parts = ['npm run -s hone -- train', `--algorithm ${quoted(request.algorithm)}`, `--model ${quoted(request.model)}`]
  if (request.initAdapter) parts.push(`--init-adapter ${quoted(startFolder(request.initAdapter))}`)
  if (fileNames.length > 0) parts.push(`--data ${fileNames.map(quoted).join(' ')}`)
  parts.push(...practiceFlags(request))
  if (request.rowLimit !== null && fileNames.length > 0) parts.push(`--rows ${request.rowLimit}`)
  if (request.dtype !== undefined) parts.push(`--dtype ${request.dtype}`)
  if (request.kvDtype !== undefined) parts.push(`--kv-dtype ${request.kvDtype}`)
  if (request.callFormat) parts.push(`--call-format ${quoted(request.callFormat)}`)
  if (request.steps !== null) parts.push(`--steps ${request.steps}`)
  parts.push(`--seed ${request.seed}`)
  const best = request.checkpoints?.best
  if (best) parts.push(`--best-metric ${quoted(best.metric)} --best-is ${best.greaterIsBetter ? 'larger' : 'smaller'}`)
  for (const [name, value] of Object.entries(request.config)) parts.push(flagText(name, value))
  return parts.join(' \\\n  ')
}

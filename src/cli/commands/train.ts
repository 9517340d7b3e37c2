/** `hone train`: one run, resumable; a PEFT adapter or a whole model in its directory. */
import { stepsOf } from '../../records/trajectory'
import { basename, join } from 'node:path'
import { z } from 'zod'
import { strategies, type StrategyName } from '../../agents/strategies'
import { EngineDevice } from '../../engine/device/engineDevice'
import { WEIGHT_FORMATS } from '../../engine/weightFormat'
import { honeJsonlLine } from '../../data/formats/honeJsonl'
import { watchMetrics } from '../../records/alarms'
import type { RunRecord } from '../../records/run'
import { DEFAULT_BENCHMARK, DEFAULT_MODEL, DEFAULT_STRATEGY, DEFAULT_TRAIN_ALGORITHM } from '../../studio/defaults'
import { promptFormatProblem } from '../../studio/jobs/jobContext'
import { algorithmNamed, configureAlgorithm } from '../../studio/runs/configure'
import type { Algorithm, ConfiguredAlgorithm } from '../../training/algorithm'
import { practiceMeanings } from '../../studio/runs/practice'
import { initialAdapterNote, initialAdapterConfig, initialAdapterNotes, type NamedInitialAdapter } from '../../studio/models/initialAdapter'
import { newRun } from '../../studio/runs/trainJob'
import { algorithms } from '../../training/algorithms'
import type { BestRule } from '../../training/checkpoints/checkpoint'
import { totalBytes } from '../../training/preflight/memoryPlan'
import type { FieldRemark } from '../../records/fieldRemark'
import {
  checkedSettings,
  isAlgorithmName,
  knownSettings,
  recipeFromObject,
  type ReadRecipe,
  type Recipe,
} from '../../training/recipes/recipe'
import type { BenchmarkDefinition } from '../../environments/benchmark'
import { benchmarkNames, definitionNamed } from '../benchmark'
import { gpuInfoOf } from '../gpuInfo'
import { defineCommand, UsageError, type CommandContext, type JsonObject } from '../command'
import { labelled, readTrajectories, rowParts } from '../datasetFiles'
import { DTYPE_HELP, KV_DTYPE_HELP, kvDtypeOption, MODEL_HELP, openModel, type OpenModel } from '../modelSpec'
import { keptKernels, useKernels } from '../kernelChoice'
import { algorithmOfRecipeFile, readRecipeFile } from '../recipeFile'
import { openRunDirectory, runFailure, type StepMetrics } from '../runDirectory'
import { openStart } from '../startAdapter'
import { writeTrained } from '../trainedFiles'
import { prepareTraining, type CommandData } from '../trainingJob'
import { holdPreflight } from '../trainPreflight'

const names = Object.keys(algorithms) as (keyof typeof algorithms)[]
const algorithmOf = (name: string): Algorithm => {
  const found = algorithmNamed(name)
  if (!found.ok) throw new UsageError(found.message)
  return found.value
}

const options = z.object({
  algorithm: z
    .enum(names)
    .optional()
    .meta({ help: `the method; else what --config is for, else ${DEFAULT_TRAIN_ALGORITHM}` }),
  model: z
    .string()
    .optional()
    .meta({ help: `${MODEL_HELP}; else the config’s, else ${DEFAULT_MODEL}` }),
  initAdapter: z.string().optional().meta({
    help: 'begin from this adapter: a folder as Hone or peft writes it (adapter_config.json, adapter_model.safetensors); else the config’s, else a new one',
  }),
  dtype: z
    .enum(WEIGHT_FORMATS)
    .optional()
    .meta({ help: `${DTYPE_HELP}; else the config’s, else f32` }),
  data: z
    .array(z.string())
    .default([])
    .meta({
      help: `files with trajectories; or a benchmark (${benchmarkNames.join(', ')}): practise on it; or BENCHMARK-corpus: its expert’s transcripts (sft)`,
    }),
  rows: z.int().positive().optional().meta({ help: 'of files: train on the first so many trajectories only' }),
  config: z.string().optional().meta({ help: 'JSON: settings, a recipe, or StepTool’s StepTool_ppo.json. Flags win over it' }),
  steps: z.int().positive().optional().meta({ help: 'steps to take: batches with all their epochs for PPO, optimizer updates else' }),
  seed: z.int().nonnegative().optional().meta({ help: 'of weights, order and sampling; else the config’s, else 1' }),
  out: z.string().optional().meta({ help: 'directory of the run; else a new one under .hone/runs' }),
  resume: z.boolean().default(false).meta({ help: 'go on from the last checkpoint in --out' }),
  checkpointEvery: z.int().positive().default(100).meta({ help: 'steps between checkpoints' }),
  checkpointMinutes: z.number().positive().default(10).meta({ help: 'minutes after which the end of a step is a checkpoint too' }),
  bestMetric: z.string().optional().meta({ help: 'keep the weights that did best by this metric too, in best/ of --out' }),
  bestIs: z.enum(['larger', 'smaller']).default('larger').meta({ help: 'which value of --best-metric is the better one' }),
  max_context_len: z.int().positive().optional().meta({ help: 'tokens kept before the final response; the oldest go first' }),
  max_response_len: z.int().positive().optional().meta({ help: 'tokens kept of the final response' }),
  slots: z.int().positive().optional().meta({ help: 'practice: episodes generated at once; results do not depend on it' }),
  kvDtype: kvDtypeOption.unwrap().optional().meta({ help: KV_DTYPE_HELP }),
  maxCalls: z.int().positive().optional().meta({ help: 'practice: tool calls of an episode; else what the benchmark allows' }),
  strategy: z
    .enum(Object.keys(strategies) as StrategyName[])
    .default(DEFAULT_STRATEGY)
    .meta({ help: 'practice: how an episode is run' }),
  preflight: z.boolean().default(true).meta({ help: 'check settings, data and model before step 0; --no-preflight leaves it out' }),
  kernels: z.enum(['fixed', 'tuned', 'tuned-half']).optional().meta({
    help: 'for matrix products: fixed, or those hone tune found (tuned-half: with --half); else tuned on a GPU, fixed on a processor',
  }),
  shuffleRewards: z.boolean().default(false).meta({ help: 'the null experiment: step rewards and statuses permuted within each batch' }),
})
type Options = z.output<typeof options>

export const train = defineCommand({
  name: 'train',
  summary: 'trains a model, or an adapter on it; resumable',
  options,
  extraOptions: ({ algorithm, config }) => {
    const name = typeof algorithm === 'string' ? algorithm : (algorithmOfRecipeFile(config) ?? DEFAULT_TRAIN_ALGORITHM)
    const found = algorithmNamed(name)
    return found.ok ? found.value.config : null
  },
  run: async (context, given, extra) => {
    const file = given.config === undefined ? noRecipe : readRecipeFile(given.config)
    const { recipe } = file
    const algorithm = algorithmOf(given.algorithm ?? recipe.algorithm ?? DEFAULT_TRAIN_ALGORITHM)
    const { config, ignored } = settingsOf(algorithm, given, file, extra)
    for (const { field, reason } of ignored) context.progress(`${field} changes nothing: ${reason}`)
    for (const { field, value, reason } of file.assumed) context.progress(`${field} is ${JSON.stringify(value)}: ${reason}`)
    // Before anything is opened.
    configuredWith(algorithm, config, null, given)
    if (given.bestMetric !== undefined) checkMetric(given.bestMetric, algorithm.metrics)
    const seed = given.seed ?? recipe.seed ?? 1

    const dtype = given.dtype ?? recipe.dtype ?? 'f32'
    const kvDtype = given.kvDtype ?? recipe.kv_dtype ?? 'f32'
    const model = await openModel(given.model ?? recipe.model ?? DEFAULT_MODEL, seed, context, { weights: dtype, kv: kvDtype })
    try {
      const start = await openStart(given.initAdapter ?? recipe.init_adapter, given.resume ? (given.out ?? null) : null, model)
      const configured = configuredWith(algorithm, config, start, given)
      const steps = given.steps ?? recipe.steps ?? configured.steps
      const { data, sources } = await dataOf(algorithm, given, recipe, model, seed, context)
      const callBudget = given.maxCalls ?? (data.kind === 'files' ? 1 : data.benchmark.limits.toolCalls)
      const { adapter } = await context.openAdapter()
      const report = gpuInfoOf(adapter)
      const engine = new EngineDevice(await context.openDevice(), { isSoftware: report.isSoftware })
      const now = (): number => performance.now()
      const gate = (): void => context.signal.throwIfAborted()
      const job = prepareTraining({
        ...{ configured, model, data, engine, seed, steps, shuffleRewards: given.shuffleRewards },
        practice: {
          ...{
            strategy: given.strategy,
            callBudget,
            slots: given.slots ?? null,
            kvDtype,
            gate,
            signal: context.signal,
            now,
          },
          keep: (step, attempts) => run.practised(step, attempts.map((one) => honeJsonlLine(one.trajectory, one.opinions)).join('')),
        },
      })
      const predictedBytes = totalBytes(job.memory)
      context.progress(`${algorithm.title}: ${steps} steps, ${(predictedBytes / 1e6).toFixed(1)} MB on the GPU`)

      if (given.preflight && !given.resume)
        await holdPreflight({ configured, model, data, seed, engine, gate, initial: start?.adapter ?? null }, context)

      const runId = rowParts.newId('run')
      const directory = given.out ?? join(context.homeDirectory, 'runs', runId)
      const started: RunRecord = {
        ...newRun({
          ...{ runId, kind: 'train', algorithm: algorithm.name, model, seed, adapter: report, now: rowParts.now() },
          title: `${algorithm.title} of ${model.title}`,
          config: {
            ...configured.settings,
            ...(data.kind === 'rollouts' ? { max_calls: callBudget, strategy: given.strategy } : {}),
            ...(dtype === 'f32' ? {} : { dtype }),
            ...(kvDtype === 'f32' ? {} : { kv_dtype: kvDtype }),
            ...(given.shuffleRewards ? { shuffle_rewards: true } : {}),
            ...initialAdapterConfig(start),
          },
          worldHash: data.kind === 'files' ? null : data.benchmark.environment.hash,
        }),
        data: sources,
        kernels: (await keptKernels(context, report, given.kernels)) ?? undefined,
      }
      const run = await openRunDirectory(directory, started, given.resume, start?.adapter.files)
      useKernels(engine, run.kernels)
      const progress = progressOf(context, steps, now)
      const reports = [...run.earlier]
      const alarms = watchMetrics(algorithm.alarmsOff)
      for (const { step, metrics } of reports) alarms.take(step, metrics)
      const trainingStarted = now()
      const tokensBefore = lastTokens(reports)
      try {
        const policy = await job.run({
          ...{ engine, model: model.config, reader: model.reader, seed, steps, gate, now, initial: start?.adapter ?? null },
          report: (step, metrics) => {
            const all = { ...job.takeMetrics(step), ...metrics }
            reports.push({ step, metrics: all })
            run.report(step, all)
            progress(step, all)
            for (const { message, advice } of alarms.take(step, all)) context.progress(`alarm at step ${step + 1}: ${message} ${advice}`)
          },
          checkpoints: run.checkpoints,
          checkpointEvery: given.checkpointEvery,
          checkpointMinutes: given.checkpointMinutes,
          best: given.bestMetric === undefined ? null : bestRule(given.bestMetric, given.bestIs, reports),
        })
        const seconds = (now() - trainingStarted) / 1000
        const began = initialAdapterNote(start)
        const written = await writeTrained(directory, policy, model, `Run ${runId}, ${algorithm.title}.${began}`)
        const best = given.bestMetric === undefined ? null : await run.checkpoints.best?.load()
        if (best) {
          const note = `Run ${runId}, ${algorithm.title}: the weights after ${best.step} steps, ${best.metric} ${short(best.value)}.${began}`
          await writeTrained(join(directory, 'best'), policy, model, note, best.weights)
        }
        const notes = [...startSentences(start, configured), ...job.notes, ...run.notes]
        run.write({
          ...started,
          status: 'finished',
          finished_at: rowParts.now(),
          steps_done: reports.length,
          notes,
          adapter_sha256: { before: start?.adapter.sha256 ?? '', after: written.sha256 },
        })
        const { peakBytes } = engine
        await job.destroy()
        await policy.destroy()
        return {
          algorithm: algorithm.name,
          steps: reports.length,
          metrics: reports.at(-1)?.metrics ?? {},
          loss: reports.map(({ metrics }) => lossOf(metrics)),
          adapter: directory,
          tokensPerSecond: seconds > 0 ? (lastTokens(reports) - tokensBefore + job.generatedTokens()) / seconds : 0,
          peakBytes,
          predictedBytes,
          files: written.files,
          sha256: written.sha256,
          best: best ? { metric: best.metric, value: best.value, step: best.step, adapter: join(directory, 'best') } : null,
          ignored,
          notes,
          alarms: alarms.all,
        }
      } catch (error) {
        const status = context.signal.aborted ? 'cancelled' : 'failed'
        const failure = runFailure(error, directory)
        try {
          run.write({ ...started, status, finished_at: rowParts.now(), error: failure.message, steps_done: reports.length })
        } catch {
          // On a full disk the record stays as it was, that of a run at work: it goes on from there as well.
        }
        throw failure
      }
    } finally {
      await model.close()
    }
  },
  show: (result) => {
    // A loss that is not finite is NaN here, and null where the result went through JSON.
    const { algorithm, steps, loss, adapter } = z
      .object({ algorithm: z.string(), steps: z.int(), loss: z.array(z.number().or(z.nan()).nullable()), adapter: z.string() })
      .parse(result)
    const shown = (value: number | null | undefined): string =>
      value === undefined ? '' : value !== null && Number.isFinite(value) ? value.toFixed(4) : 'not finite'
    return `${algorithm}: ${steps} steps, loss ${shown(loss[0])} → ${shown(loss.at(-1))}; written to ${adapter}`
  },
})

/** With defaults filled in; of a run that begins from an adapter the shape is the adapter's. */
function configuredWith(
  algorithm: Algorithm,
  settings: JsonObject,
  start: NamedInitialAdapter | null,
  { max_context_len: maxContextLen, max_response_len: maxResponseLen }: Options,
): ConfiguredAlgorithm {
  const limits = { ...(maxContextLen === undefined ? {} : { maxContextLen }), ...(maxResponseLen === undefined ? {} : { maxResponseLen }) }
  const found = configureAlgorithm(algorithm, settings, start, limits)
  if (!found.ok) throw new UsageError(found.message)
  return found.value
}

const startSentences = (start: NamedInitialAdapter | null, configured: ConfiguredAlgorithm): string[] =>
  start ? initialAdapterNotes(start, configured) : []

/** Weights are judged by what their step reported. */
const bestRule = (
  metric: string,
  is: 'larger' | 'smaller',
  reports: readonly { readonly step: number; readonly metrics: StepMetrics }[],
): BestRule => ({
  metric,
  greaterIsBetter: is === 'larger',
  valueOf: (step) => reports.findLast((one) => one.step === step)?.metrics[metric],
})

function checkMetric(metric: string, ofMethod: Readonly<Record<string, string>>): void {
  const known = Object.keys({ ...ofMethod, ...practiceMeanings })
  if (!known.includes(metric)) throw new UsageError(`--best-metric: there is no metric ${metric}; there is ${known.join(', ')}.`)
}

const lossOf = (metrics: StepMetrics): number => metrics.loss ?? metrics['ppo/loss/total'] ?? Number.NaN
const lastTokens = (reports: readonly { readonly metrics: StepMetrics }[]): number => reports.at(-1)?.metrics.num_tokens ?? 0

const noRecipe: ReadRecipe = { ...recipeFromObject('', {}), assumed: [] }

/** What flags say wins over what the file says. */
function settingsOf(
  { name: algorithm, config: schema }: Algorithm,
  given: Options,
  { recipe, ignored }: ReadRecipe,
  extra: JsonObject,
): { config: JsonObject; ignored: readonly FieldRemark[] } {
  const { shape } = schema
  const fromFile = isAlgorithmName(algorithm) ? knownSettings(recipe.config, algorithm) : { known: {}, ignored: [] }
  // What is wrong in the file is said with its name.
  if (given.config !== undefined && isAlgorithmName(algorithm)) checkedSettings(basename(given.config), fromFile.known, algorithm)
  const limits: Record<string, unknown> = {}
  for (const name of ['max_context_len', 'max_response_len'] as const)
    if (given[name] !== undefined && name in shape) limits[name] = given[name]
  return { config: { ...fromFile.known, ...limits, ...extra }, ignored: [...ignored, ...fromFile.ignored] }
}

async function dataOf(
  algorithm: Algorithm,
  given: Options,
  recipe: Recipe,
  model: OpenModel,
  seed: number,
  context: CommandContext,
): Promise<{ data: CommandData; sources: RunRecord['data'] }> {
  const named = given.data.length > 0 ? given.data : recipe.data
  const [first, another] = named
  const asked = another === undefined ? benchmarkOf(first ?? DEFAULT_BENCHMARK) : null
  if (!asked) {
    const { annotated, sources } = await readTrajectories(named, context)
    const usable = annotated.map(labelled).filter(({ trajectory }) => stepsOf(trajectory).length > 0)
    return { data: { kind: 'files', labelled: usable.slice(0, given.rows) }, sources }
  }
  const refusal = promptFormatProblem(model)
  if (refusal !== null) throw new UsageError(refusal)
  const benchmark = asked.definition.create(recipe.world_seed)
  // For an algorithm that learns from transcripts a benchmark's data is its expert's.
  if (!asked.isCorpus && !(first === asked.definition.name && algorithm.learnsFrom.includes('transcripts')))
    return { data: { kind: 'rollouts', benchmark }, sources: [] }
  if (!benchmark.expert) throw new UsageError(`${benchmark.title} has no expert whose transcripts could be imitated.`)
  const transcripts = benchmark.expert.transcripts(seed, recipe)
  return {
    data: { kind: 'transcripts', benchmark, transcripts },
    sources: [{ id: `${benchmark.name}${CORPUS}`, sha256: transcripts.sha256 }],
  }
}

/** What `--data` adds to a benchmark's name for its expert's transcripts. */
const CORPUS = '-corpus'

/** null: it names a file. */
function benchmarkOf(name: string): { readonly definition: BenchmarkDefinition; readonly isCorpus: boolean } | null {
  const isCorpus = name.endsWith(CORPUS)
  const definition = definitionNamed(isCorpus ? name.slice(0, -CORPUS.length) : name)
  return definition && { definition, isCorpus }
}

/** A line every few seconds: the loss is of all steps since the last line, the rest of the newest. */
function progressOf(context: CommandContext, steps: number, now: () => number): (step: number, metrics: StepMetrics) => void {
  let last = Number.NEGATIVE_INFINITY
  const recent: number[] = []
  return (step, metrics) => {
    recent.push(lossOf(metrics))
    if (now() - last < 5000 && step + 1 < steps) return
    last = now()
    const mean = short(recent.reduce((sum, value) => sum + value, 0) / recent.length)
    const loss = recent.length > 1 ? `${mean} (mean of ${recent.length} steps)` : mean
    recent.length = 0
    const more = ['grad_norm', 'reward', 'pass_rate', 'objective/kl', 'num_tokens'].flatMap((name) =>
      metrics[name] === undefined ? [] : [`${name} ${short(metrics[name])}`],
    )
    context.progress(`step ${step + 1} of ${steps}, loss ${loss}${more.length > 0 ? `, ${more.join(', ')}` : ''}`)
  }
}

const short = (value: number): string => (Number.isInteger(value) ? String(value) : value.toPrecision(4))

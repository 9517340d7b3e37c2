/** What the flags and the recipe of `hone train` ask the studio for. Flags win over the recipe. */
import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { z } from 'zod'
import { strategies, type StrategyName } from '../agents/strategies'
import { WEIGHT_FORMATS } from '../engine/weightFormat'
import { runOfSource } from '../records/dataSource'
import type { FieldRemark } from '../records/fieldRemark'
import { KERNEL_CHOICES, type InitialAdapterRef, type TrainRequest } from '../records/requests'
import { DEFAULT_BENCHMARK, DEFAULT_MODEL, DEFAULT_STRATEGY } from '../studio/defaults'

import { algorithmNamed } from '../studio/runs/configure'
import type { Algorithm } from '../training/algorithm'
import { algorithms, DEFAULT_TRAIN_ALGORITHM } from '../training/algorithms'
import { checkedSettings, isAlgorithmName, knownSettings, recipeFromObject, type ReadRecipe, type Recipe } from '../training/recipes/recipe'
import { importAdapterFolder } from './adapterFolder'
import { benchmarkGiven, benchmarkNames, benchmarkOptions } from './benchmark'
import { formatGiven, formatOptions } from './formatOptions'
import { UsageError, type CommandContext, type JsonObject } from './command'
import { checkFiles } from './importDataFiles'
import { DTYPE_HELP, KV_DTYPE_HELP, kvDtypeOption, MODEL_HELP } from './modelSpec'
import { must, type CommandStudio } from './openStudio'
import { openDataWords } from './runSources'
import { strategyGiven, strategyOptions } from './strategyOptions'

/** What `--data` adds to a benchmark's name for its expert's transcripts. */
const CORPUS = '-corpus'

export const trainOptions = z.object({
  algorithm: z
    .enum(Object.keys(algorithms))
    .optional()
    .meta({ help: `the algorithm; by default the one of --config, else ${DEFAULT_TRAIN_ALGORITHM}` }),
  model: z
    .string()
    .optional()
    .meta({ help: `${MODEL_HELP}; by default the one of --config, else ${DEFAULT_MODEL}` }),
  initAdapter: z.string().optional().meta({
    help: 'begin from this LoRA adapter: a folder as Hone or peft writes it (adapter_config.json, adapter_model.safetensors); by default the one of --config, else a new one',
  }),
  dtype: z
    .enum(WEIGHT_FORMATS)
    .optional()
    .meta({ help: `${DTYPE_HELP}; by default as --config says, else f32` }),
  data: z
    .array(z.string())
    .default([])
    .meta({
      help: `files with trajectories; run:ID or run:DIRECTORY: the practice of a run, with its labels; or a benchmark (${benchmarkNames.join(', ')}): practise on it; or BENCHMARK-corpus: its expert’s transcripts, for algorithms that imitate`,
    }),
  ...benchmarkOptions,
  rows: z.int().positive().optional().meta({ help: 'train on the first so many trajectories of the files only' }),
  config: z
    .string()
    .optional()
    .meta({ help: 'a JSON or YAML file with settings, a recipe, or another program’s configuration; flags override it' }),
  steps: z
    .int()
    .positive()
    .optional()
    .meta({ help: 'how many steps to train: for PPO a step is a batch with all its epochs, otherwise an optimizer update' }),
  seed: z.int().nonnegative().optional().meta({ help: 'seed of weights, order and sampling; by default the one of --config, else 1' }),
  out: z
    .string()
    .optional()
    .meta({ help: 'directory of the run, which Hone lists with the others whatever its place; by default a new one under .hone/runs' }),
  resume: z.boolean().default(false).meta({ help: 'resume the run in --out from its last checkpoint' }),
  checkpointEvery: z.int().positive().default(100).meta({ help: 'steps between checkpoints' }),
  checkpointMinutes: z
    .number()
    .positive()
    .default(10)
    .meta({ help: 'minutes after which the end of a step is stored as a checkpoint too' }),
  bestMetric: z.string().optional().meta({ help: 'also store the weights with the best value of this metric, in best/ of --out' }),
  bestIs: z.enum(['larger', 'smaller']).default('larger').meta({ help: 'whether a larger or a smaller value of --best-metric is better' }),
  max_context_len: z
    .int()
    .positive()
    .optional()
    .meta({ help: 'how many tokens before the final response are kept; the oldest are dropped first' }),
  max_response_len: z.int().positive().optional().meta({ help: 'how many tokens of the final response are kept' }),
  ...formatOptions,
  slots: z.int().positive().optional().meta({ help: 'practice: how many episodes are generated at once; results do not depend on it' }),
  kvDtype: kvDtypeOption.unwrap().optional().meta({ help: KV_DTYPE_HELP }),
  maxCalls: z
    .int()
    .positive()
    .optional()
    .meta({ help: 'practice: most tool calls of an episode; by default as many as the benchmark allows' }),
  strategy: z
    .enum(Object.keys(strategies) as StrategyName[])
    .default(DEFAULT_STRATEGY)
    .meta({ help: 'practice: the strategy of an episode' }),
  ...strategyOptions,
  preflight: z.boolean().default(true).meta({ help: 'check settings, data and model before step 0; --no-preflight skips the checks' }),
  kernels: z.enum(KERNEL_CHOICES).optional().meta({
    help: 'kernels of matrix products: fixed, or the fastest as measured on this GPU (tuned-half: as hone tune --half measured); by default tuned on a GPU and fixed on a processor',
  }),
  shuffleRewards: z
    .boolean()
    .default(false)
    .meta({ help: 'run the null experiment: step rewards and statuses are permuted within each batch' }),
})
export type TrainOptions = z.output<typeof trainOptions>

export const noRecipe: ReadRecipe = { ...recipeFromObject('', {}), assumed: [] }

/** Throws one sentence for a name that the catalogue does not have. */
export const algorithmOf = (name: string): Algorithm => must(algorithmNamed(name))

/** What flags say wins over what the file says. */
export function settingsOf(
  { name, config }: Algorithm,
  given: TrainOptions,
  { recipe, ignored }: ReadRecipe,
  extra: JsonObject,
): { config: JsonObject; ignored: readonly FieldRemark[] } {
  const fromFile = isAlgorithmName(name) ? knownSettings(recipe.config, name) : { known: {}, ignored: [] }
  // The file's name begins the sentence about what is wrong in it.
  if (given.config !== undefined && isAlgorithmName(name)) checkedSettings(basename(given.config), fromFile.known, name)
  const limits: Record<string, unknown> = {}
  for (const limit of ['max_context_len', 'max_response_len'] as const)
    if (given[limit] !== undefined && limit in config.shape) limits[limit] = given[limit]
  return { config: { ...fromFile.known, ...limits, ...extra }, ignored: [...ignored, ...fromFile.ignored] }
}

/** Imports the files and the adapter that are named, and puts everything into one request. */
export async function trainRequestOf(
  studio: CommandStudio,
  given: TrainOptions,
  recipe: Recipe,
  { algorithm, config }: { readonly algorithm: Algorithm; readonly config: JsonObject },
  context: CommandContext,
): Promise<TrainRequest> {
  const model = given.model ?? recipe.model ?? DEFAULT_MODEL
  must(await studio.models.open(model, given.seed ?? recipe.seed ?? 1))
  const dtype = given.dtype ?? recipe.dtype
  const kvDtype = given.kvDtype ?? recipe.kv_dtype
  const initAdapter = await initialAdapterOf(studio, model, given.initAdapter ?? recipe.init_adapter, given)
  const limits = limitsOf(given)
  return {
    kind: 'train',
    algorithm: algorithm.name,
    model,
    config,
    ...(await dataOf(studio, algorithm, given, recipe, context)),
    ...benchmarkGiven(given),
    ...formatGiven(given),
    rowLimit: given.rows ?? null,
    steps: given.steps ?? recipe.steps,
    seed: given.seed ?? recipe.seed ?? 1,
    ...(dtype === undefined ? {} : { dtype }),
    ...(kvDtype === undefined ? {} : { kvDtype }),
    ...(initAdapter ? { initAdapter } : {}),
    ...(limits ? { limits } : {}),
    ...(given.kernels === undefined ? {} : { kernels: given.kernels }),
    ...(given.shuffleRewards ? { shuffleRewards: true } : {}),
    practice: {
      strategy: given.strategy,
      ...strategyGiven(given),
      ...(given.maxCalls === undefined ? {} : { maxCalls: given.maxCalls }),
      ...(given.slots === undefined ? {} : { slots: given.slots }),
    },
    checkpoints: {
      everySteps: given.checkpointEvery,
      everyMinutes: given.checkpointMinutes,
      best: given.bestMetric === undefined ? null : { metric: given.bestMetric, greaterIsBetter: given.bestIs === 'larger' },
    },
    folder: given.out ?? join(context.homeDirectory, 'runs', new Date().toISOString().replaceAll(/[^\d]/g, '')),
    ...(given.resume ? { resume: true } : {}),
  }
}

function limitsOf({ max_context_len: context, max_response_len: response }: TrainOptions): TrainRequest['limits'] {
  if (context === undefined && response === undefined) return undefined
  return {
    ...(context === undefined ? {} : { maxContextLen: context }),
    ...(response === undefined ? {} : { maxResponseLen: response }),
  }
}

/** A run that is resumed has its own copy: what it began from need not be there any more. */
async function initialAdapterOf(
  studio: CommandStudio,
  model: string,
  named: string | null,
  { resume }: TrainOptions,
): Promise<InitialAdapterRef | null> {
  if (named === null || (resume && !existsSync(join(named, 'adapter_model.safetensors')))) return null
  return importAdapterFolder(studio, model, named)
}

async function dataOf(
  studio: CommandStudio,
  algorithm: Algorithm,
  given: TrainOptions,
  recipe: Recipe,
  context: CommandContext,
): Promise<Pick<TrainRequest, 'data' | 'benchmark' | 'expert' | 'worldSeed'>> {
  const named = given.data.length > 0 ? given.data : recipe.data
  const [first = DEFAULT_BENCHMARK, another] = named
  const benchmark = another === undefined ? benchmarkOf(first) : null
  if (benchmark === null) {
    checkFiles(named.filter((word) => runOfSource(word) === null))
    if (!algorithm.learnsFrom.includes('files'))
      throw new UsageError(
        `${algorithm.name} compares fresh attempts at the same query: it practises with --data BENCHMARK, such as ${DEFAULT_BENCHMARK}.`,
      )
    return { data: await openDataWords(studio, named, context) }
  }
  const { isCorpus, name } = benchmark
  const practises = algorithm.learnsFrom.includes('rollouts')
  const imitates = algorithm.learnsFrom.includes('transcripts')
  if (isCorpus && !imitates)
    throw new UsageError(
      `${algorithm.name} does not learn from an expert’s transcripts: name files with --data${practises ? `, or ${name} to practise` : ''}.`,
    )
  if (!isCorpus && !practises && (!imitates || named.length === 0))
    throw new UsageError(`${algorithm.name} does not practise by itself: name files with --data${imitates ? `, or ${name}${CORPUS}` : ''}.`)
  const world = recipe.world_seed === undefined ? {} : { worldSeed: recipe.world_seed }
  // An algorithm that only imitates learns from the benchmark's expert.
  return { data: [], benchmark: name, ...world, ...(isCorpus || !practises ? { expert: expertSettings(recipe) } : {}) }
}

/** null: it names a file. */
function benchmarkOf(word: string): { readonly name: string; readonly isCorpus: boolean } | null {
  const isCorpus = word.endsWith(CORPUS)
  const name = isCorpus ? word.slice(0, -CORPUS.length) : word
  return benchmarkNames.some((known) => known === name) ? { name, isCorpus } : null
}

const EXPERT_FIELDS = ['samples', 'drills_share', 'lasting_drills', 'made_up_tools', 'slip_rate', 'wrong_rate'] as const
const expertSettings = (recipe: Recipe): JsonObject =>
  Object.fromEntries(EXPERT_FIELDS.flatMap((field) => (recipe[field] === undefined ? [] : [[field, recipe[field]]])))

/** A recipe is a run in one file: algorithm, settings, model, data and seed. The settings of each algorithm have TRL's names. */
import { z } from 'zod'
import type { FieldRemark } from '../../records/fieldRemark'
import { KV_DTYPES } from '../../engine/ops/kvCache'
import { WEIGHT_FORMATS } from '../../engine/weightFormat'
import { excerpt } from '../../base/excerpt'
import { expectedBySchema } from '../../data/problem'
import { algorithms } from '../algorithms'

export type AlgorithmName = keyof typeof algorithms
const algorithmNames = Object.keys(algorithms)
export const isAlgorithmName = (name: string): name is AlgorithmName => algorithmNames.includes(name)

const share = z.number().min(0).max(1).optional()
/** How a benchmark's environment and its expert's transcripts are drawn. */
const expertFields = {
  world_seed: z.int().optional(),
  samples: z.int().positive().optional(),
  drills_share: share,
  lasting_drills: share,
  made_up_tools: share,
  slip_rate: z.number().min(0).max(0.9).optional(),
  wrong_rate: share,
}
export const EXPERT_FIELDS = [
  'world_seed',
  'samples',
  'drills_share',
  'lasting_drills',
  'made_up_tools',
  'slip_rate',
  'wrong_rate',
] as const satisfies readonly (keyof typeof expertFields)[]

const recipeSchema = z.object({
  /** Files from before versions were counted have none and are the same. */
  version: z.literal(1).default(1),
  /** null if the run chooses it. A recipe with a name that is not in `algorithms` can be read and stored, but not run. */
  algorithm: z.string().min(1).nullable().default(null),
  seed: z.int().nonnegative().nullable().default(null),
  /** Steps to take instead of the config's max_steps. */
  steps: z.int().positive().nullable().default(null),
  /** As `hone train --model` takes it. */
  model: z.string().min(1).nullable().default(null),
  /** The initial adapter, as `hone train --init-adapter` takes it; null for a new one. */
  init_adapter: z.string().min(1).nullable().default(null),
  /** The precision of its frozen weights; f32 where it is left out. */
  dtype: z.enum(WEIGHT_FORMATS).optional(),
  /** The precision of keys and values while generating; f32 where it is left out. */
  kv_dtype: z.enum(KV_DTYPES).optional(),
  /** As `hone train --data` takes it. */
  data: z.array(z.string().min(1)).default([]),
  /** Settings of the algorithm; those left out have its defaults. */
  config: z.record(z.string(), z.unknown()).default({}),
  ...expertFields,
  /** The results of the run that used the recipe. */
  made: z.unknown().optional(),
})
export type Recipe = z.output<typeof recipeSchema>

export interface ReadRecipe {
  readonly recipe: Recipe
  /** Fields that change nothing here. */
  readonly ignored: readonly FieldRemark[]
  /** Settings the file does not name, whose value in the program it was written for is not Hone's default. */
  readonly assumed: readonly FieldRemark[]
}

/** Throws one sentence that names the field, what was expected and what was found. */
export function recipeFromObject(file: string, found: Readonly<Record<string, unknown>>): Pick<ReadRecipe, 'recipe' | 'ignored'> {
  const ignored = Object.entries(found)
    .filter(([field]) => !(field in recipeSchema.shape))
    .map(([field, value]) => ({ field, value, reason: 'A recipe has no such field.' }))
  return { recipe: parsed(file, recipeSchema, found, []), ignored }
}

/** A recipe with a known algorithm and all of its settings. */
export interface CompleteRecipe extends Recipe {
  readonly algorithm: AlgorithmName
}

/** Defaults filled in, `steps` taken into `max_steps`; settings the algorithm has not are listed. Throws one sentence for what is wrong. */
export function completeRecipe(file: string, recipe: Recipe): { recipe: CompleteRecipe; ignored: readonly FieldRemark[] } {
  const { algorithm } = recipe
  if (algorithm === null || !isAlgorithmName(algorithm))
    throw fieldError(file, 'algorithm', `one of ${algorithmNames.join(', ')}`, algorithm ?? undefined)
  const { known, ignored } = knownSettings(recipe.config, algorithm)
  const hasSteps = recipe.steps !== null && 'max_steps' in algorithms[algorithm].config.shape
  const config = checkedSettings(file, hasSteps ? { ...known, max_steps: recipe.steps } : known, algorithm)
  return { recipe: { ...recipe, algorithm, steps: hasSteps ? null : recipe.steps, config }, ignored }
}

type Settings = Readonly<Record<string, unknown>>

/** Splits settings into those the algorithm has and those it has not. */
export function knownSettings(settings: Settings, algorithm: AlgorithmName): { known: Record<string, unknown>; ignored: FieldRemark[] } {
  const { shape } = algorithms[algorithm].config
  const entries = Object.entries(settings)
  return {
    known: Object.fromEntries(entries.filter(([field]) => Object.hasOwn(shape, field))),
    ignored: entries
      .filter(([field]) => !Object.hasOwn(shape, field))
      .map(([field, value]) => ({ field, value, reason: `${algorithm} has no such setting.` })),
  }
}

/** The settings with defaults; throws one sentence that names the file and the field. */
export function checkedSettings(file: string, settings: Settings, algorithm: AlgorithmName): Record<string, unknown> {
  const schema: z.ZodObject = algorithms[algorithm].config
  return parsed(file, schema, settings, ['config'])
}

/** The recipe's text, with fields in a fixed order and without empty ones. */
export function recipeText(recipe: Recipe): string {
  const said = Object.keys(recipeSchema.shape).flatMap((field) => {
    const value: unknown = Object.entries(recipe).find(([name]) => name === field)?.[1]
    return value === undefined || value === null ? [] : [[field, value]]
  })
  return `${JSON.stringify(Object.fromEntries(said), null, 2)}\n`
}

function parsed<Schema extends z.ZodObject>(file: string, schema: Schema, value: unknown, at: readonly string[]): z.output<Schema> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const path = issue?.path ?? []
  const found = path.reduce<unknown>((inner, key) => (isRecord(inner) || Array.isArray(inner) ? Reflect.get(inner, key) : undefined), value)
  throw fieldError(file, [...at, ...path].join('.'), expectedBySchema(issue?.message) ?? 'another value', found)
}

const isRecord = (value: unknown): value is Settings => typeof value === 'object' && value !== null

/** @param found undefined: the field is not there. */
function fieldError(file: string, field: string, expected: string, found: unknown): Error {
  const text = JSON.stringify(found)
  const shown =
    found === undefined ? 'nothing' : typeof found === 'string' ? excerpt(found) : text.length > 40 ? `${text.slice(0, 40)}…` : text
  return new Error(`${file}, field ${field}: expected ${expected.replaceAll('|', ', ')}, found ${shown}.`)
}

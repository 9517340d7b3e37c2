/** Writes a recipe as another program's configuration, with a remark about every field that has no exact counterpart there. */
import type { FieldRemark } from '../../records/fieldRemark'
import type { Algorithm } from '../algorithm'
import { algorithms } from '../algorithms'
import { unmapped, type FieldMapping } from './fieldMapping'
import type { RecipeMapping } from './interop'
import { EXPERT_FIELDS, type CompleteRecipe } from './recipe'

export interface RecipeExport {
  /** The release that the names belong to, as pip takes it. */
  readonly requires: string
  /** Settings nested by the dots of their names. */
  readonly config: Readonly<Record<string, unknown>>
  /** Settings without a counterpart, or with one that differs, and why. */
  readonly unmapped: readonly FieldRemark[]
  /** Settings that are the other program's defaults already. */
  readonly implied: readonly FieldRemark[]
}

const OF_EXPERT = unmapped('It sets how a benchmark of Hone draws its environment and transcripts.')
const DTYPE = unmapped('The base’s precision is an argument of from_pretrained (dtype, quantization_config).')
const KV_DTYPE = unmapped('The precision of keys and values is a setting of the engine that generates.')

/** Throws one sentence where the program has no counterpart of the algorithm. */
export function exportRecipe(recipe: CompleteRecipe, program: 'trl' | 'verl'): RecipeExport {
  const { config, interop }: Algorithm = algorithms[recipe.algorithm]
  const settings = config.parse(recipe.config)
  const mapping = program === 'trl' ? interop.toTrl?.(settings, recipe) : interop.toVerl?.(settings, recipe)
  if (mapping === undefined) throw new Error(noCounterpart(recipe.algorithm, program))
  return { requires: mapping.requires, ...exportFields(recipe, mapping) }
}

function noCounterpart(algorithm: string, program: 'trl' | 'verl'): string {
  const writes = program === 'trl' ? 'toTrl' : 'toVerl'
  const names = Object.entries(algorithms)
    .flatMap(([name, { interop }]) => (interop[writes] === undefined ? [] : [name]))
    .sort()
  const title = { trl: 'TRL', verl: 'verl' }[program]
  return `A ${title} configuration is written for ${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}, not for ${algorithm}.`
}

function exportFields(
  recipe: CompleteRecipe,
  { run, settings, always }: RecipeMapping<Record<string, unknown>>,
): Omit<RecipeExport, 'requires'> {
  const fields: (readonly [string, unknown, FieldMapping])[] = [
    ...(['seed', 'steps', 'model', 'data'] as const).map((field) => [field, recipe[field], run[field]] as const),
    ...EXPERT_FIELDS.map((field) => [field, recipe[field], OF_EXPERT] as const),
    ['dtype', recipe.dtype, DTYPE] as const,
    ['kv_dtype', recipe.kv_dtype, KV_DTYPE] as const,
    ...Object.entries(settings).map(([name, mapping]) => [`config.${name}`, recipe.config[name], mapping] as const),
    // An initial adapter overrides the settings of a new one.
    ['init_adapter', recipe.init_adapter, run.init_adapter] as const,
  ]
  const config: Record<string, unknown> = {}
  const remarks = { unmapped: [] as FieldRemark[], implied: [] as FieldRemark[] }
  for (const [name, value] of Object.entries(always)) place(config, name.split('.'), value)
  for (const [field, value, mapping] of fields) {
    // Empty fields of a recipe are omitted; a setting that is null has a value.
    if (!field.startsWith('config.') && (value === null || value === undefined || (Array.isArray(value) && value.length === 0))) continue
    for (const [name, mapped] of Object.entries(mapping.to ?? {})) place(config, name.split('.'), mapped)
    if (mapping.unmapped !== undefined) remarks.unmapped.push({ field, value, reason: mapping.unmapped })
    if (mapping.implied !== undefined) remarks.implied.push({ field, value, reason: mapping.implied })
  }
  return { config, ...remarks }
}

function place(into: Record<string, unknown>, [head = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    into[head] = value
    return
  }
  const inner = into[head]
  const nested: Record<string, unknown> = typeof inner === 'object' && inner !== null ? { ...inner } : {}
  place(nested, rest, value)
  into[head] = nested
}

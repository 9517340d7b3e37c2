/** What becomes of each setting of a recipe in another program's configuration: nothing is dropped without a word. */
import type { CompleteRecipe, FieldRemark } from './recipe'

/** The names and values a setting becomes; or why there are none, or why they mean not quite the same. */
export interface Fate {
  /** Dotted name in the other configuration → value. */
  readonly to?: Readonly<Record<string, unknown>>
  readonly unmapped?: string
  /** The other program does the same without being told. */
  readonly implied?: string
}

/** One fate for every setting: a setting added to an algorithm does not compile until it has one. */
export type Fates<Config> = { readonly [Setting in keyof Config]-?: Fate }

export const becomes = (to: Readonly<Record<string, unknown>>): Fate => ({ to })
/** Mapped, with a difference that the reader must know. */
export const nearly = (to: Readonly<Record<string, unknown>>, difference: string): Fate => ({ to, unmapped: difference })
export const nowhere = (reason: string): Fate => ({ unmapped: reason })
export const implied = (reason: string): Fate => ({ implied: reason })
/** `implied` where the value is what the other program does anyway, else nowhere. */
export const fixedAt = (isSame: boolean, reason: string): Fate => (isSame ? implied(reason) : nowhere(reason))

export interface Handover {
  /** Nested by the dots of the names. */
  readonly config: Readonly<Record<string, unknown>>
  /** Settings that did not go over, or not quite, and why. */
  readonly unmapped: readonly FieldRemark[]
  /** Settings the other program follows without being told. */
  readonly implied: readonly FieldRemark[]
}

/** What a recipe says besides its settings. */
export type RecipeFates = Fates<Pick<CompleteRecipe, 'seed' | 'steps' | 'model' | 'data' | 'init_adapter'>>

const EXPERT_FIELDS = ['world_seed', 'samples', 'drills_share', 'lasting_drills', 'made_up_tools', 'slip_rate', 'wrong_rate'] as const

/** @param always names and values that hold whatever the recipe says. */
export function handOver(
  recipe: CompleteRecipe,
  own: RecipeFates,
  settings: Readonly<Record<string, Fate>>,
  always: Readonly<Record<string, unknown>>,
): Handover {
  const expert = EXPERT_FIELDS.map((field) => [field, recipe[field], nowhere('It draws the world of a benchmark of Hone’s.')] as const)
  const fates: (readonly [string, unknown, Fate])[] = [
    ...(['seed', 'steps', 'model', 'data'] as const).map((field) => [field, recipe[field], own[field]] as const),
    ...expert,
    ['dtype', recipe.dtype, nowhere('How the base is held is told to from_pretrained (dtype, quantization_config).')] as const,
    ['kv_dtype', recipe.kv_dtype, nowhere('How generation keeps keys and values is told to the engine that generates.')] as const,
    ...Object.entries(settings).map(([name, fate]) => [`config.${name}`, recipe.config[name], fate] as const),
    // An adapter that is there overrules what the settings say of a new one.
    ['init_adapter', recipe.init_adapter, own.init_adapter] as const,
  ]
  const config: Record<string, unknown> = {}
  const unmapped: FieldRemark[] = []
  const impliedFields: FieldRemark[] = []
  for (const [name, value] of Object.entries(always)) place(config, name.split('.'), value)
  for (const [field, value, fate] of fates) {
    // A recipe's empty fields say nothing; a setting's null is a value.
    if (!field.startsWith('config.') && (value === null || value === undefined || (Array.isArray(value) && value.length === 0))) continue
    for (const [name, mapped] of Object.entries(fate.to ?? {})) place(config, name.split('.'), mapped)
    if (fate.unmapped !== undefined) unmapped.push({ field, value, reason: fate.unmapped })
    if (fate.implied !== undefined) impliedFields.push({ field, value, reason: fate.implied })
  }
  return { config, unmapped, implied: impliedFields }
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

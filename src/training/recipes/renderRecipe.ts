/** A recipe as a file for somebody: Hone's own JSON, TRL's keyword arguments, verl's overrides; with what did not go over. */
import type { Handover } from './fieldMapping'
import { completeRecipe, recipeText, type FieldRemark, type ReadRecipe } from './recipe'
import { toTrl } from './toTrl'
import { toVerl } from './toVerl'
import { yamlText } from './yamlText'

export const RECIPE_TARGETS = ['hone', 'trl', 'verl'] as const
export type RecipeTarget = (typeof RECIPE_TARGETS)[number]

export interface RenderedRecipe {
  readonly text: string
  /** The release the names belong to, as pip takes it; null for Hone's own. */
  readonly requires: string | null
  readonly config: Handover['config'] | null
  readonly unmapped: readonly FieldRemark[]
  readonly implied: readonly FieldRemark[]
  /** Fields of the file read that change nothing. */
  readonly ignored: readonly FieldRemark[]
  readonly assumed: readonly FieldRemark[]
}

/** Throws one sentence where the other program has no counterpart. A recipe for an algorithm that is not there can still be kept as Hone's. */
export function renderRecipe(file: string, { recipe, ignored: unread, assumed }: ReadRecipe, to: RecipeTarget): RenderedRecipe {
  if (to === 'hone') return { text: recipeText(recipe), requires: null, config: null, unmapped: [], implied: [], ignored: unread, assumed }
  const { recipe: complete, ignored: unknown } = completeRecipe(file, recipe)
  const { requires, config, unmapped, implied } = to === 'trl' ? toTrl(complete) : toVerl(complete)
  const handover = { config, unmapped, implied }
  const text = to === 'trl' ? `${JSON.stringify({ requires, ...handover }, null, 2)}\n` : verlText(requires, handover)
  return { text, requires, ...handover, ignored: [...unread, ...unknown], assumed }
}

function verlText(requires: string, { config, unmapped }: Handover): string {
  const lines = ({ field, value, reason }: FieldRemark): string => `#   ${field} ${JSON.stringify(value)}: ${reason}\n`
  const head = `# ${requires}, verl.trainer.main_ppo. Yours to set: data.train_files, rollout.name, the reward.\n`
  const rest = unmapped.length === 0 ? '' : `# What did not go over, or not quite:\n${unmapped.map(lines).join('')}`
  return head + rest + yamlText(config)
}

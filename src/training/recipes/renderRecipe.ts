/** A recipe as the text of a file: Hone's own JSON, TRL's keyword arguments or verl's overrides, with remarks on what has no counterpart. */
import type { FieldRemark } from '../../records/fieldRemark'
import { exportRecipe, type RecipeExport } from './exportRecipe'
import { completeRecipe, recipeText, type ReadRecipe } from './recipe'
import { yamlText } from './yaml'

export const RECIPE_TARGETS = ['hone', 'trl', 'verl'] as const
export type RecipeTarget = (typeof RECIPE_TARGETS)[number]

export interface RenderedRecipe {
  readonly text: string
  /** The release the names belong to, as pip takes it; null for Hone's own. */
  readonly requires: string | null
  readonly config: RecipeExport['config'] | null
  readonly unmapped: readonly FieldRemark[]
  readonly implied: readonly FieldRemark[]
  /** Fields of the file read that change nothing. */
  readonly ignored: readonly FieldRemark[]
  readonly assumed: readonly FieldRemark[]
}

/** Throws one sentence where the other program has no counterpart. A recipe for an algorithm that Hone does not have can still be written as Hone's. */
export function renderRecipe(file: string, { recipe, ignored: unread, assumed }: ReadRecipe, to: RecipeTarget): RenderedRecipe {
  if (to === 'hone') return { text: recipeText(recipe), requires: null, config: null, unmapped: [], implied: [], ignored: unread, assumed }
  const { recipe: complete, ignored: unknown } = completeRecipe(file, recipe)
  const exported = exportRecipe(complete, to)
  const text = to === 'trl' ? `${JSON.stringify(exported, null, 2)}\n` : verlText(exported)
  return { text, ...exported, ignored: [...unread, ...unknown], assumed }
}

function verlText({ requires, config, unmapped }: RecipeExport): string {
  const lines = ({ field, value, reason }: FieldRemark): string => `#   ${field} ${JSON.stringify(value)}: ${reason}\n`
  const head = `# ${requires}, verl.trainer.main_ppo. Yours to set: data.train_files, rollout.name, the reward.\n`
  const rest = unmapped.length === 0 ? '' : `# Without an exact counterpart:\n${unmapped.map(lines).join('')}`
  return head + rest + yamlText(config)
}

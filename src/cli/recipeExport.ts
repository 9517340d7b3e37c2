/** `hone export --recipe FILE --to hone|trl|verl`: a recipe as Hone's own JSON, or as another program's configuration. */
import { writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { Handover } from '../training/recipes/handover'
import { completeRecipe, recipeText, type FieldRemark } from '../training/recipes/recipe'
import { toTrl } from '../training/recipes/toTrl'
import { toVerl } from '../training/recipes/toVerl'
import { yamlText } from '../training/recipes/yamlText'
import type { CommandContext, JsonObject } from './command'
import { readRecipeFile } from './recipeFile'

export const RECIPE_TARGETS = ['hone', 'trl', 'verl'] as const
export type RecipeTarget = (typeof RECIPE_TARGETS)[number]

/** Without a file to write the text is printed. */
export function exportRecipe(
  file: string,
  to: RecipeTarget,
  out: string | undefined,
  context: Pick<CommandContext, 'print' | 'progress'>,
): JsonObject {
  const { text, ...result } = rendered(file, to, context)
  if (out === undefined) context.print(text.trimEnd())
  else writeFileSync(out, text)
  return { files: out === undefined ? [] : [out], ...result }
}

function rendered(file: string, to: RecipeTarget, { progress }: Pick<CommandContext, 'progress'>): JsonObject & { readonly text: string } {
  const { recipe, ignored: unread, assumed } = readRecipeFile(file)
  // A recipe for an algorithm that is not there yet can still be kept.
  if (to === 'hone') {
    for (const { field, reason } of unread) progress(`${field} changes nothing: ${reason}`)
    return { text: recipeText(recipe), ignored: unread, assumed }
  }
  const { recipe: complete, ignored: unknown } = completeRecipe(basename(file), recipe)
  const ignored = [...unread, ...unknown]
  for (const { field, reason } of ignored) progress(`${field} changes nothing: ${reason}`)
  const { requires, config, unmapped, implied } = to === 'trl' ? toTrl(complete) : toVerl(complete)
  for (const { field, reason } of unmapped) progress(`${field}: ${reason}`)
  const handover = { config, unmapped, implied }
  const text = to === 'trl' ? `${JSON.stringify({ requires, ...handover }, null, 2)}\n` : verlText(requires, handover)
  return { text, requires, ...handover, ignored, assumed }
}

function verlText(requires: string, { config, unmapped }: Handover): string {
  const lines = ({ field, value, reason }: FieldRemark): string => `#   ${field} ${JSON.stringify(value)}: ${reason}\n`
  const head = `# ${requires}, verl.trainer.main_ppo. Yours to set: data.train_files, rollout.name, the reward.\n`
  const rest = unmapped.length === 0 ? '' : `# What did not go over, or not quite:\n${unmapped.map(lines).join('')}`
  return head + rest + yamlText(config)
}

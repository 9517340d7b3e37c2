/** `hone export --recipe FILE --to hone|trl|verl`: a recipe as Hone's own JSON, or as another program's configuration. */
import { writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { renderRecipe, type RecipeTarget } from '../training/recipes/renderRecipe'
import type { CommandContext, JsonObject } from './command'
import { readRecipeFile } from './recipeFile'

/** Without a file to write the text is printed. */
export function exportRecipe(
  file: string,
  to: RecipeTarget,
  out: string | undefined,
  { print, progress }: Pick<CommandContext, 'print' | 'progress'>,
): JsonObject {
  const { text, requires, config, unmapped, implied, ignored, assumed } = renderRecipe(basename(file), readRecipeFile(file), to)
  for (const { field, reason } of ignored) progress(`${field} changes nothing: ${reason}`)
  for (const { field, reason } of unmapped) progress(`${field}: ${reason}`)
  if (out === undefined) print(text.trimEnd())
  else writeFileSync(out, text)
  const exported = requires === null ? {} : { requires, config, unmapped, implied }
  return { files: out === undefined ? [] : [out], ...exported, ignored, assumed }
}

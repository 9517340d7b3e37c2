/** `--config FILE` and `--recipe FILE`: recipes on disk. What a recipe is, and every format of it, is in training/recipes. */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { readRecipe } from '../training/recipes/readRecipe'
import type { ReadRecipe } from '../training/recipes/recipe'
import { UsageError } from './command'

/** Throws one sentence for a file that is missing or cannot be read as a recipe. */
export function readRecipeFile(file: string): ReadRecipe {
  return readRecipe(basename(file), textOf(file))
}

/** The algorithm a file is for; null when it does not say or cannot be read (which `readRecipeFile` will tell). */
export function algorithmOfRecipeFile(file: unknown): string | null {
  if (typeof file !== 'string') return null
  try {
    return readRecipeFile(file).recipe.algorithm
  } catch {
    return null
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    throw new UsageError(`There is no configuration file ${file}.`)
  }
}

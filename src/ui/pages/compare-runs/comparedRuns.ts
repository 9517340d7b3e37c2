/** Runs over each other: their names, their colours, and the settings of their recipes side by side. */
import { settingsInEffect } from '../../../records/run'
import type { AlgorithmDescription, RunDetail } from '../../../worker/protocol'
import { visibleText } from '../../format'
import { methodColour, seriesColour } from '../../theme'
import { plainValue } from '../../train/plainValue'

/** Each method has its own colour. Runs of the same method get different series colours instead. */
export function coloursOf(
  details: readonly RunDetail[],
  algorithmOf: (name: string | null) => AlgorithmDescription | null,
): readonly string[] {
  const methods = details.map((detail) => detail.run.algorithm)
  return new Set(methods).size === methods.length
    ? methods.map((name) => methodColour(algorithmOf(name)))
    : details.map((_, index) => seriesColour(index))
}

/** Titles; those that several runs have are numbered. */
export function namesOf(details: readonly RunDetail[]): readonly string[] {
  const titles = details.map(({ run }) => visibleText(run.title))
  return titles.map((title, index) =>
    titles.filter((one) => one === title).length === 1
      ? title
      : `${title} (${titles.slice(0, index + 1).filter((one) => one === title).length})`,
  )
}
export interface RecipeRow {
  readonly name: string
  readonly values: readonly string[]
  readonly same: boolean
}
export function recipeRows(details: readonly RunDetail[]): readonly RecipeRow[] {
  const recipes = details.map(({ run }): Readonly<Record<string, unknown>> => ({
    algorithm: run.algorithm ?? '–',
    model: run.model.id,
    data: run.data.map((row) => row.id).join(', ') || 'online',
    seed: run.seed,
    world: run.world_hash ?? '–',
    ...settingsInEffect(run),
  }))
  const names = [...new Set(recipes.flatMap((recipe) => Object.keys(recipe)))]
  return names.map((name) => {
    const values = recipes.map((recipe) => (name in recipe ? plainValue(recipe[name]) : '–'))
    return { name, values, same: new Set(values).size === 1 }
  })
}

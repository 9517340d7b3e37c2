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
  /** A setting that only some of the methods have: no difference between the runs. */
  readonly isOfSome: boolean
}

/**
 * @param settingsOf names of the settings of a method.
 * @param nameOf the name that a data set or a run goes by, of its id; any other text as it is.
 */
export function recipeRows(
  details: readonly RunDetail[],
  settingsOf: (algorithm: string | null) => readonly string[],
  nameOf: (id: string) => string,
): readonly RecipeRow[] {
  const settings = details.map(({ run }) => new Set(settingsOf(run.algorithm)))
  const recipes = details.map(({ run }): Readonly<Record<string, unknown>> => ({
    algorithm: run.algorithm ?? '–',
    model: run.model.id,
    data: run.data.map((row) => nameOf(row.id)).join(', ') || 'online',
    seed: run.seed,
    world: run.world_hash ?? '–',
    ...settingsInEffect(run),
  }))
  const names = [...new Set(recipes.flatMap((recipe) => Object.keys(recipe)))]
  return names.map((name) => {
    const values = recipes.map((recipe) => (name in recipe ? shortHash(nameOf(plainValue(recipe[name]))) : '–'))
    const has = settings.map((own) => own.has(name))
    const isOfSome = has.some((own) => own) && !has.every((own) => own)
    // Runs of the methods that have it may still differ in it.
    const compared = isOfSome ? values.filter((_, index) => has[index]) : values
    return { name, values, same: new Set(compared).size === 1, isOfSome }
  })
}

/** Enough of a hash to tell it apart from others; anything else as it is. */
const shortHash = (text: string): string => text.replace(/\b([0-9a-f]{12})[0-9a-f]{28,}\b/g, '$1…')

/** Exams one can sit: a world, the queries of a split, in a fixed order. */
import { createStarterWorld, type StarterWorld } from '../environments/starter'
import type { WorldQuery } from '../environments/toolWorld'
import { stratified } from '../studio/evaluations/exam'
import { UsageError } from './command'

export const benchmarkNames = ['starter'] as const

export interface Exam {
  readonly world: StarterWorld
  readonly split: string
  readonly queries: readonly WorldQuery[]
}

/** Always the same one: made once. */
let world: StarterWorld | null = null

/**
 * @param split a split of the world, or a group of its exam such as `I1-tool`.
 * @param limit takes every group in its share, in a fixed order.
 */
export function openExam(split: string, limit: number | null): Exam {
  world ??= createStarterWorld()
  const queries = queriesOf(world, split)
  return { world, split, queries: stratified(queries, limit ?? queries.length) }
}

function queriesOf(world: StarterWorld, split: string): readonly WorldQuery[] {
  if (world.splits.some((known) => known === split)) return world.queries(split)
  const exam = world.queries('exam')
  const group = exam.filter((query) => query.group === split)
  if (group.length > 0) return group
  const groups = [...new Set(exam.map((query) => query.group))].sort()
  throw new UsageError(`The starter benchmark has no split ${split}; it has ${[...world.splits, ...groups].join(', ')}.`)
}

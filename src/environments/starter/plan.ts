/** What a task of the starter world consists of: a ToolBench-like group, what can go wrong, and the look-ups of its gold plan. */
import type { ToolSpec } from '../../records/trajectory'
import type { Query } from '../environment'
import type { Subject } from './catalog'
import type { Entity } from './database'

export const contexts = [
  'clean',
  'quota',
  'empty',
  'sibling',
  'unit',
  'hasty',
  'missing',
  'alias',
  'detour',
  'renamed',
  'dead-end',
] as const
export type Context = (typeof contexts)[number]

export const groups = ['I1-instruction', 'I1-tool', 'I1-category', 'I2-instruction', 'I2-category', 'I3'] as const
export type Group = (typeof groups)[number]

export interface Lookup {
  readonly subject: Subject
  readonly entity: Entity
  readonly source: 'of' | 'log' | 'day' | 'night'
  readonly second: Entity | null
  readonly value: string
  /** Present when the value must still be converted. */
  readonly converted: string | null
}

export interface Task {
  readonly query: Query
  readonly context: Context
  /** The name as the query says it: an alias when the context is `alias`. */
  readonly said: string
  readonly lookups: readonly Lookup[]
  /** How many of the last lookups share one entity and are the facts asked for. */
  readonly factCount: 1 | 2
  readonly facts: readonly string[]
  /** In a dead end: the name that the first source gives for the first look-up; it is out of date, and no tool knows more about it. */
  readonly decoy: string | null
  /** The lookup whose first call hits the quota. */
  readonly quotaAt: number | null
  readonly tools: readonly ToolSpec[]
}

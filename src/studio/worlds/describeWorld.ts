/** Environments and benchmarks as pages and programs see them. */
import { z } from 'zod'
import { isBuiltIn, type Benchmark, type BenchmarkDefinition, type BenchmarkSplit } from '../../environments/benchmark'
import type { Environment, EnvironmentDefinition } from '../../environments/environment'
import type { BenchmarkDescription, EnvironmentDescription } from '../../worker/protocol'
import { heldOutSplits } from '../data/heldOut'

const isPractice = ({ use }: BenchmarkSplit): boolean => use === 'practice'

const schemaOf = (settings: z.ZodObject | undefined): EnvironmentDescription['settingsSchema'] =>
  settings ? z.toJSONSchema(settings, { io: 'input' }) : null

/** @param made when absent, what can be said without the user's data. */
export function describeEnvironment(definition: EnvironmentDefinition, made?: Environment): EnvironmentDescription {
  const { name, needs = null, settings, usesSimulator = false } = definition
  // What was made knows more of itself, such as which server it is.
  const { title, description } = made ?? definition
  const known = made ?? (needs === null ? definition.create({}) : null)
  const { hash, tools } = known === null || known instanceof Promise ? { hash: null, tools: [] } : known
  return { name, title, description, needs, settingsSchema: schemaOf(settings), usesSimulator, hash, tools }
}

/** @param made when absent, what can be said without the user's data. */
export function describeBenchmark(definition: BenchmarkDefinition, made?: Benchmark): BenchmarkDescription {
  const { name, title, environment, needs = null, settings, usesSimulator = false } = definition
  const known = made ?? (isBuiltIn(definition) ? definition.create({}) : null)
  return {
    ...{ name, title, environment, needs, settingsSchema: schemaOf(settings), usesSimulator },
    splits: Object.fromEntries(known?.splits.map((split) => [split.name, split.queries]) ?? []),
    heldOut: known === null ? [] : heldOutSplits(known),
    practises: known === null ? null : known.splits.some(isPractice),
    practiceQueries: known?.splits.find(isPractice)?.queries ?? 0,
    callBudget: known?.limits.toolCalls ?? null,
  }
}

/** What `rollout` and `evaluate` leave in their directory: every trajectory, and an exam's record. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { honeJsonlLine } from '../data/formats/honeJsonl'
import { evaluationRecord, type EvaluationRecord } from '../records/evaluation'
import type { Trajectory } from '../records/trajectory'
import { UsageError } from './command'

const TRAJECTORIES = 'trajectories.jsonl'
const EVALUATION = 'evaluation.json'

export function writeTrajectories(directory: string, trajectories: readonly Trajectory[]): string {
  mkdirSync(directory, { recursive: true })
  const path = join(directory, TRAJECTORIES)
  writeFileSync(path, trajectories.map((trajectory) => honeJsonlLine(trajectory, [])).join(''))
  return path
}

export function writeEvaluation(directory: string, record: EvaluationRecord): string {
  mkdirSync(directory, { recursive: true })
  const path = join(directory, EVALUATION)
  writeFileSync(path, `${JSON.stringify(record, null, 1)}\n`)
  return path
}

/** Throws one sentence when the directory holds no result of `evaluate`. */
export function readEvaluation(directory: string): EvaluationRecord {
  const path = join(directory, EVALUATION)
  if (!existsSync(path)) throw new UsageError(`${directory} holds no evaluation (${EVALUATION} is missing).`)
  let value: unknown
  try {
    value = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new UsageError(`${path}: expected JSON, found ${error instanceof Error ? error.message : 'something else'}.`)
  }
  const parsed = evaluationRecord.safeParse(value)
  const issue = parsed.error?.issues[0]
  if (!parsed.success) throw new UsageError(`${path}: ${issue?.path.join('.') ?? 'the file'}: ${issue?.message ?? 'no evaluation'}.`)
  return parsed.data
}

/** Why two results may not be compared; null when they may. */
export function incomparable(a: EvaluationRecord, b: EvaluationRecord): string | null {
  const same = ['benchmark', 'call_budget', 'judge', 'prompt_hash', 'world_hash'] as const
  const field = same.find((name) => a[name] !== b[name])
  return field === undefined ? null : `their ${field} differs: ${String(a[field])} and ${String(b[field])}`
}

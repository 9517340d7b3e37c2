/** Results of `evaluate`, read back from their directory and compared. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { evaluationRecord, type EvaluationRecord } from '../records/evaluation'
import { UsageError } from './command'

const EVALUATION = 'evaluation.json'

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
  if (field !== undefined) return `their ${field} differs: ${String(a[field])} and ${String(b[field])}`
  const [own, other] = [a.model_call_budget ?? null, b.model_call_budget ?? null]
  return own === other ? null : `their model_call_budget differs: ${own ?? 'none'} and ${other ?? 'none'}; --max-model-calls sets it`
}

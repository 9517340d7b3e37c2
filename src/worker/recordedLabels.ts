/** Opinions held in memory while the recorded run is shown, and the reward they resolve to. */
import type { AnnotatorKind, Opinion, ResolvedReward } from '../records/annotation'
import type { Trajectory } from '../records/trajectory'

const UNLABELLED: ResolvedReward = { value: null, from: null, annotatorId: null }
/** A person's newest opinion wins over what was imported, then a judge, then rules. */
const RANK: Readonly<Record<AnnotatorKind, number>> = { HUMAN: 0, LLM: 2, CODE: 3 }
const rank = (row: Opinion): number =>
  row.annotator_kind === 'CODE' && row.annotator_id.startsWith('imported:') ? 1 : RANK[row.annotator_kind]

const mean = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length

/** The newest value of each repeat of one annotator, averaged: a judge may have been asked several times. */
function latest(rows: readonly Opinion[], name: Opinion['name']): { value: number | null; at: string } {
  const byRepeat = new Map<number, Opinion>()
  for (const row of rows) if (row.name === name) byRepeat.set(row.repeat, row)
  const kept = [...byRepeat.values()]
  return {
    value: mean(kept.flatMap((row) => (row.value === null ? [] : [row.value]))),
    at: kept.reduce((newest, row) => (row.created_at > newest ? row.created_at : newest), ''),
  }
}

function rewardOf(rows: readonly Opinion[]): number | null {
  const reward = latest(rows, 'reward')
  const status = latest(rows, 'status')
  const success = latest(rows, 'success')
  const contribution = latest(rows, 'contribution')
  const composed = success.value !== null && contribution.value !== null ? (success.value + contribution.value / 5) / 2 : null
  const composedAt = success.at > contribution.at ? success.at : contribution.at
  const candidates = [
    { value: reward.value, at: reward.at },
    { value: status.value, at: status.at },
    { value: composed, at: composedAt },
  ].filter((candidate) => candidate.value !== null)
  candidates.sort((a, b) => (a.at < b.at ? 1 : -1))
  return candidates[0]?.value ?? null
}

function resolveStep(rows: readonly Opinion[]): ResolvedReward {
  const byAnnotator = new Map<string, Opinion[]>()
  for (const row of rows) {
    const key = `${rank(row)} ${row.annotator_id}`
    byAnnotator.set(key, [...(byAnnotator.get(key) ?? []), row])
  }
  const resolved = [...byAnnotator.values()].flatMap((own) => {
    const value = rewardOf(own)
    const last = own.at(-1)
    return value === null || !last
      ? []
      : [{ value, from: last.annotator_kind, annotatorId: last.annotator_id, rank: rank(last), at: last.created_at }]
  })
  resolved.sort((a, b) => a.rank - b.rank || (a.at < b.at ? 1 : -1))
  const best = resolved[0]
  return best ? { value: best.value, from: best.from, annotatorId: best.annotatorId } : UNLABELLED
}

export function resolveLabels(record: Trajectory, opinions: readonly Opinion[]): readonly ResolvedReward[] {
  return record.steps.map((_, step) => resolveStep(opinions.filter((row) => row.step === step)))
}

/** What a set of judgements on one step is worth as a reward, and which keys give them. */
import type { NewOpinion } from '../../worker/protocol'
import type { Opinion } from '../../records/annotation'

export interface Judgement {
  readonly success: number | null
  readonly contribution: number | null
  readonly status: number | null
  readonly reward: number | null
}
export const noJudgement: Judgement = { success: null, contribution: null, status: null, reward: null }

/**
 * (success + contribution / 5) / 2, or the status on the last step, or a reward given directly.
 * `first` names the kind of judgement given last: it wins where several are present. Half a pair is no label yet.
 */
export function judgementReward(judgement: Judgement, first: Opinion['name'] = 'reward'): number | null {
  const pair = judgement.success !== null && judgement.contribution !== null ? (judgement.success + judgement.contribution / 5) / 2 : null
  const ways = { reward: judgement.reward, status: judgement.status, pair }
  const order: (keyof typeof ways)[] =
    first === 'status' ? ['status', 'reward', 'pair'] : first === 'reward' ? ['reward', 'status', 'pair'] : ['pair', 'reward', 'status']
  for (const way of order) if (ways[way] !== null) return ways[way]
  return null
}

/** Opinions that still stand: not superseded, and not withdrawn by a later null of the same annotator. Newest last. */
export function standingOpinions(opinions: readonly Opinion[]): Opinion[] {
  const replaced = new Set(opinions.map((one) => one.supersedes).filter((id) => id !== null))
  const newest = new Map<string, Opinion>()
  for (const one of [...opinions].sort((a, b) => (a.created_at < b.created_at ? -1 : a.created_at > b.created_at ? 1 : 0))) {
    if (replaced.has(one.opinion_id)) continue
    const key = [one.trajectory_id, one.step, one.name, one.annotator_kind, one.annotator_id, one.repeat].join('\u0001')
    newest.delete(key)
    newest.set(key, one)
  }
  return [...newest.values()].filter((one) => one.value !== null)
}

/** The person's own standing judgement of a step, and which of its parts is newest. */
export function humanJudgement(
  opinions: readonly Opinion[],
  step: number,
): { readonly judgement: Judgement; readonly newest: Opinion['name'] | null; readonly note: string } {
  let judgement = noJudgement
  let newest: Opinion['name'] | null = null
  let note = ''
  for (const one of standingOpinions(opinions)) {
    if (one.step !== step || one.annotator_kind !== 'HUMAN') continue
    judgement = { ...judgement, [one.name]: one.value }
    newest = one.name
    if (one.rationale !== '') note = one.rationale
  }
  return { judgement, newest, note }
}

export interface Choice {
  readonly name: 'success' | 'contribution' | 'status'
  readonly value: number
}

/** Key → judgement. Digits 2–5 also give the contribution: 0 and 1 belong to success. */
export function choiceOfKey(key: string, isLastStep: boolean): Choice | null {
  if (key === '1' || key === '0') return { name: 'success', value: Number(key) }
  if (/^[2-5]$/.test(key)) return { name: 'contribution', value: Number(key) }
  const contribution = 'qwerty'.indexOf(key)
  if (key.length === 1 && contribution >= 0) return { name: 'contribution', value: contribution }
  if (!isLastStep) return null
  if (key === 's') return { name: 'status', value: 1 }
  if (key === 'u') return { name: 'status', value: 0.5 }
  if (key === 'n') return { name: 'status', value: 0 }
  return null
}

/** First error: this step and every later one neither succeeded nor contributed; the last step is Unsolved. */
export function firstErrorCascade(trajectoryId: string, step: number, steps: number): NewOpinion[] {
  const rows: NewOpinion[] = []
  for (let at = step; at < steps; at++) {
    if (at === steps - 1) rows.push({ trajectory_id: trajectoryId, step: at, name: 'status', value: 0 })
    else
      rows.push(
        { trajectory_id: trajectoryId, step: at, name: 'success', value: 0 },
        { trajectory_id: trajectoryId, step: at, name: 'contribution', value: 0 },
      )
  }
  return rows
}

/** Rewards of every step with one of them replaced. */
export function withReward(rewards: readonly (number | null)[], step: number, value: number | null): (number | null)[] {
  return rewards.map((reward, index) => (index === step ? value : reward))
}

/** A reward as typed: a decimal point or comma, 0 to 1. */
export function parseReward(text: string): { readonly value: number | null; readonly problem: string | null } {
  const trimmed = text.trim().replace(',', '.')
  if (trimmed === '') return { value: null, problem: null }
  const value = Number(trimmed)
  if (!Number.isFinite(value)) return { value: null, problem: 'Expected a number from 0 to 1.' }
  if (value < 0 || value > 1) return { value: null, problem: `Expected 0 to 1, found ${trimmed}.` }
  return { value, problem: null }
}

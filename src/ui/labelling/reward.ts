/** A person's judgement of one step, what a further judgement would make of the rewards, and which keys give it. */
import { currentOpinions } from '../../annotation/opinions'
import { resolveRewards } from '../../annotation/resolver'
import { UNDO_RATIONALE, type Opinion } from '../../records/annotation'
import type { Trajectory } from '../../records/trajectory'
import type { NewOpinion } from '../../worker/protocol'

export interface Judgement {
  readonly success: number | null
  readonly contribution: number | null
  readonly status: number | null
  readonly reward: number | null
}
export const noJudgement: Judgement = { success: null, contribution: null, status: null, reward: null }

/** What `annotator` said of a step and still stands, and the part given last. */
export function humanJudgement(
  opinions: readonly Opinion[],
  step: number,
  annotator: string,
): { readonly judgement: Judgement; readonly newest: Opinion['name'] | null; readonly note: string } {
  let judgement = noJudgement
  let newest: Opinion['name'] | null = null
  let note = ''
  for (const one of currentOpinions(
    opinions.filter((row) => row.step === step && row.annotator_kind === 'HUMAN' && row.annotator_id === annotator),
  )) {
    judgement = { ...judgement, [one.name]: one.value }
    newest = one.name
    if (one.rationale !== '' && one.rationale !== UNDO_RATIONALE) note = one.rationale
  }
  return { judgement, newest, note }
}

/** Later than every stored row. */
const SUPPOSED_AT = '9999-12-31T23:59:59Z'

/** Rewards of every step if `annotator` also said this: the studio's own resolver over one supposed row more. */
export function rewardsWith(
  trajectory: Pick<Trajectory, 'trajectory_id' | 'nodes'>,
  opinions: readonly Opinion[],
  supposed: { readonly step: number; readonly name: Opinion['name']; readonly value: number },
  annotator: string,
): (number | null)[] {
  const row: Opinion = {
    version: 1,
    opinion_id: 'supposed',
    trajectory_id: trajectory.trajectory_id,
    ...supposed,
    rationale: '',
    annotator_kind: 'HUMAN',
    annotator_id: annotator,
    prompt_hash: null,
    repeat: 0,
    created_at: SUPPOSED_AT,
    supersedes: null,
  }
  return resolveRewards(trajectory, [...opinions, row]).map((one) => one.value)
}

export interface Choice {
  readonly name: 'success' | 'contribution' | 'status'
  readonly value: number
}

/** Key → judgement. Digits 2–5 also give the contribution: 0 and 1 belong to success. The answer step takes a status, and nothing else. */
export function choiceOfKey(key: string, isAnswer: boolean): Choice | null {
  if (isAnswer) {
    if (key === 's') return { name: 'status', value: 1 }
    if (key === 'u') return { name: 'status', value: 0.5 }
    return key === 'n' ? { name: 'status', value: 0 } : null
  }
  if (key === '1' || key === '0') return { name: 'success', value: Number(key) }
  if (/^[2-5]$/.test(key)) return { name: 'contribution', value: Number(key) }
  const contribution = 'qwerty'.indexOf(key)
  return key.length === 1 && contribution >= 0 ? { name: 'contribution', value: contribution } : null
}

/** What the label of a step becomes on another one: the whole of it, or a sentence that says why it means nothing there. */
export function repeatedRows(
  label: ReturnType<typeof humanJudgement>,
  to: { readonly trajectoryId: string; readonly step: number; readonly isAnswer: boolean },
): { readonly rows: readonly NewOpinion[]; readonly problem: string | null } {
  const { judgement, newest } = label
  const row = (name: Opinion['name'], value: number | null): NewOpinion[] =>
    value === null ? [] : [{ trajectory_id: to.trajectoryId, step: to.step, name, value }]
  // What was given last counts: a reward typed directly stands for the whole label.
  const direct = newest === 'reward' ? row('reward', judgement.reward) : []
  const scale = to.isAnswer
    ? row('status', judgement.status)
    : [...row('success', judgement.success), ...row('contribution', judgement.contribution)]
  const rows = direct.length > 0 ? direct : scale.length > 0 ? scale : row('reward', judgement.reward)
  if (rows.length > 0) return { rows, problem: null }
  const isNothing = newest === null
  return {
    rows,
    problem: isNothing
      ? 'There is no label to repeat: give one first.'
      : to.isAnswer
        ? 'The last label was of a tool call. This step is the answer, which takes a status: Solved, Unsure or Unsolved.'
        : 'The last label was the status of an answer. This step takes success and contribution.',
  }
}

/** First error: this step and every later one neither succeeded nor contributed; the answer is Unsolved. */
export function firstErrorCascade(trajectoryId: string, step: number, isAnswer: readonly boolean[]): NewOpinion[] {
  return isAnswer.flatMap((answer, at): NewOpinion[] => {
    if (at < step) return []
    const row = (name: Opinion['name']): NewOpinion => ({ trajectory_id: trajectoryId, step: at, name, value: 0 })
    return answer ? [row('status')] : [row('success'), row('contribution')]
  })
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

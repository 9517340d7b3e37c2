/**
 * Opinions → the reward of each step that training uses.
 *
 * An annotator labels an intermediate step by success s (0/1) and contribution c (0–5), worth (s + c/5)/2, and the last step
 * by its status, 1 Solved, ½ Unsure, 0 Unsolved; or either by a reward given directly. A judge's K repeats are averaged first:
 * (mean s + mean c/5)/2. Half a label (success without contribution) is none. No label is null, which is not 0.
 */
import type { Opinion, ResolvedReward } from '../records/annotation'
import { stepsOf, type Trajectory } from '../records/trajectory'
import { currentOpinions } from './opinions'

export type OpinionSource = 'human' | 'imported' | 'world' | 'judge' | 'rules'

/** A person's word counts before all; then what came with the data; then what a world knows; then judge and rules. */
const defaultSourceOrder: readonly OpinionSource[] = ['human', 'imported', 'world', 'judge', 'rules']

/** Whose kind of opinion a row is. */
export function sourceOf({ annotator_kind, annotator_id }: Pick<Opinion, 'annotator_kind' | 'annotator_id'>): OpinionSource {
  if (annotator_kind === 'HUMAN') return 'human'
  if (annotator_kind === 'LLM') return 'judge'
  if (annotator_id.startsWith('imported:')) return 'imported'
  return annotator_id === 'world' ? 'world' : 'rules'
}

/** One annotator's label of one step. */
export interface StepLabel {
  readonly value: number
  readonly source: OpinionSource
  readonly from: Opinion['annotator_kind']
  readonly annotatorId: string
  /** When the label became complete (ISO). */
  readonly at: string
}

/** True for the step whose reward is the answer's status: the final one, or the last where none is marked. */
export function isAnswerStep(trajectory: Pick<Trajectory, 'nodes'>, step: number): boolean {
  if (stepsOf(trajectory).some(({ is_final }) => is_final)) return stepsOf(trajectory)[step]?.is_final === true
  return step === stepsOf(trajectory).length - 1
}

/** Every annotator's label of a step, oldest first: for suggestions and agreement. `rows` are the opinions on the trajectory. */
export function stepLabels(trajectory: Pick<Trajectory, 'nodes'>, rows: readonly Opinion[], step: number): StepLabel[] {
  return labelsOf(isAnswerStep(trajectory, step), currentOpinions(rows.filter((row) => row.step === step)))
}

/** One reward for each step of the trajectory: the newest label of the first source in `order` that has one. */
export function resolveRewards(
  trajectory: Pick<Trajectory, 'nodes'>,
  rows: readonly Opinion[],
  order: readonly OpinionSource[] = defaultSourceOrder,
): ResolvedReward[] {
  const byStep = new Map<number, Opinion[]>()
  for (const row of currentOpinions(rows)) byStep.set(row.step, [...(byStep.get(row.step) ?? []), row])
  return stepsOf(trajectory).map((_, step) => {
    const labels = labelsOf(isAnswerStep(trajectory, step), byStep.get(step) ?? [])
    for (const source of order) {
      const label = labels.findLast((candidate) => candidate.source === source)
      if (label) return { value: label.value, from: label.from, annotatorId: label.annotatorId }
    }
    return { value: null, from: null, annotatorId: null }
  })
}

function labelsOf(isAnswer: boolean, current: readonly Opinion[]): StepLabel[] {
  const groups = new Map<string, Opinion[]>()
  for (const row of current) {
    // Repeats of one judge with one prompt are one annotator; another prompt is another.
    const key = JSON.stringify([row.annotator_kind, row.annotator_id, row.prompt_hash])
    groups.set(key, [...(groups.get(key) ?? []), row])
  }
  const labels: StepLabel[] = []
  for (const rows of groups.values()) {
    const [first] = rows
    if (!first) continue
    const add = (value: number | null, parts: readonly Opinion[]): void => {
      if (value === null) return
      const at = parts.reduce((latest, row) => (row.created_at > latest ? row.created_at : latest), '')
      labels.push({ value, source: sourceOf(first), from: first.annotator_kind, annotatorId: first.annotator_id, at })
    }
    const named = (name: Opinion['name']): Opinion[] => rows.filter((row) => row.name === name)
    const [success, contribution] = [named('success'), named('contribution')]
    if (isAnswer) add(mean(named('status')), named('status'))
    else {
      const [s, c] = [mean(success), mean(contribution)]
      add(s === null || c === null ? null : (s + c / 5) / 2, [...success, ...contribution])
    }
    add(mean(named('reward')), named('reward'))
  }
  return labels.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
}

function mean(rows: readonly Opinion[]): number | null {
  let sum = 0
  for (const { value } of rows) sum += value ?? 0
  return rows.length === 0 ? null : sum / rows.length
}

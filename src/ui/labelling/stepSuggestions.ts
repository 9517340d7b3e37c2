/** What rules, judges, files and colleagues say about a step. Shown beside the person's own judgement, never in its place. */
import { currentOpinions } from '../../annotation/opinions'
import { isAnswerStep, sourceOf, stepLabels, type OpinionSource } from '../../annotation/resolver'
import { mean } from '../../base/stats'
import type { Opinion } from '../../records/annotation'
import { stepsOf, type Trajectory } from '../../records/trajectory'
import type { LabelState, NewOpinion } from '../../worker/protocol'
import type { Judgement } from './reward'

export interface Suggestion {
  readonly source: OpinionSource
  readonly annotator: string
  readonly judgement: Judgement
  readonly reward: number | null
  readonly why: readonly string[]
  /** How many repeats were averaged. */
  readonly repeats: number
  /** Largest minus smallest among the repeats, in reward. */
  readonly spread: number
}

type Steps = Pick<Trajectory, 'nodes'>

/** Order beside the judgement: whoever reasons about the step itself first, what a file brought along last. */
const ORDER: readonly OpinionSource[] = ['human', 'world', 'rules', 'judge', 'imported']

/** One entry per annotator other than `me`. */
export function suggestionsFor(trajectory: Steps, opinions: readonly Opinion[], step: number, me: string): Suggestion[] {
  const byAnnotator = new Map<string, Opinion[]>()
  for (const one of currentOpinions(opinions.filter((row) => row.step === step))) {
    if (one.annotator_kind === 'HUMAN' && one.annotator_id === me) continue
    const key = JSON.stringify([one.annotator_kind, one.annotator_id, one.prompt_hash])
    byAnnotator.set(key, [...(byAnnotator.get(key) ?? []), one])
  }
  const reward = (rows: readonly Opinion[]): number | null => stepLabels(trajectory, rows, step).at(-1)?.value ?? null
  const found = [...byAnnotator.values()].flatMap((rows): Suggestion[] => {
    const first = rows[0]
    if (!first) return []
    const average = (name: Opinion['name']): number | null => {
      const values = rows.filter((row) => row.name === name).map((row) => row.value ?? 0)
      return values.length > 0 ? mean(values) : null
    }
    const repeats = [...new Set(rows.map((row) => row.repeat))]
    const each = repeats.flatMap((repeat) => reward(rows.filter((row) => row.repeat === repeat)) ?? [])
    return [
      {
        source: sourceOf(first),
        annotator: first.annotator_id,
        judgement: {
          success: average('success'),
          contribution: average('contribution'),
          status: average('status'),
          reward: average('reward'),
        },
        reward: reward(rows),
        why: [...new Set(rows.map((row) => row.rationale).filter((text) => text !== ''))],
        repeats: repeats.length,
        spread: each.length > 1 ? Math.max(...each) - Math.min(...each) : 0,
      },
    ]
  })
  return found.sort((a, b) => ORDER.indexOf(a.source) - ORDER.indexOf(b.source) || (a.annotator < b.annotator ? -1 : 1))
}

/** The rows a person adds by accepting a suggestion: the same judgement, now theirs. Averages are rounded to the scale. */
export function acceptedOpinions(
  trajectory: Pick<Trajectory, 'trajectory_id' | 'nodes'>,
  step: number,
  suggestion: Suggestion,
): NewOpinion[] {
  const { success, contribution, status, reward } = suggestion.judgement
  const row = (name: Opinion['name'], value: number): NewOpinion => ({
    trajectory_id: trajectory.trajectory_id,
    step,
    name,
    value,
    rationale: `accepted from ${suggestion.annotator}`,
  })
  if (isAnswerStep(trajectory, step)) {
    if (status !== null) return [row('status', Math.round(status * 2) / 2)]
  } else if (success !== null && contribution !== null)
    return [row('success', Math.round(success)), row('contribution', Math.round(contribution))]
  return reward === null ? [] : [row('reward', reward)]
}

/** How far rules, judges and files lie apart at a trajectory's worst step, in reward. Without people, so that labelling does not reorder the queue. */
export function disagreement(trajectory: Steps, labels: LabelState): number {
  const others = labels.opinions.filter((one) => one.annotator_kind !== 'HUMAN')
  let worst = 0
  for (let step = 0; step < stepsOf(trajectory).length; step++) {
    const suggestions = suggestionsFor(trajectory, others, step, '')
    const values = suggestions.flatMap((one) => (one.reward === null ? [] : [one.reward]))
    worst = Math.max(worst, ...suggestions.map((one) => one.spread))
    if (values.length > 1) worst = Math.max(worst, Math.max(...values) - Math.min(...values))
  }
  return worst
}

export interface Agreement {
  readonly annotator: string
  /** Steps both a person and the annotator gave a reward. */
  readonly n: number
  /** Share within 0.1 of each other. */
  readonly close: number
  readonly meanAbsoluteDifference: number
  /** Cohen's κ of reward ≥ ½ against < ½; null when one side never varies. */
  readonly kappa: number | null
}

/** People against every other annotator, over all steps labelled so far. */
export function agreements(labelled: Iterable<{ readonly trajectory: Steps; readonly labels: LabelState }>): Agreement[] {
  const pairs = new Map<string, [number, number][]>()
  for (const { trajectory, labels } of labelled) {
    const others = labels.opinions.filter((one) => one.annotator_kind !== 'HUMAN')
    labels.resolved.forEach((resolved, step) => {
      if (resolved.from !== 'HUMAN' || resolved.value === null) return
      for (const one of suggestionsFor(trajectory, others, step, '')) {
        if (one.reward !== null) pairs.set(one.annotator, [...(pairs.get(one.annotator) ?? []), [resolved.value, one.reward]])
      }
    })
  }
  return [...pairs]
    .map(([annotator, list]): Agreement => {
      const n = list.length
      const share = (test: (pair: [number, number]) => boolean): number => list.filter(test).length / n
      const both = share(([a, b]) => a >= 0.5 === b >= 0.5)
      const [human, other] = [share(([a]) => a >= 0.5), share(([, b]) => b >= 0.5)]
      const chance = human * other + (1 - human) * (1 - other)
      return {
        annotator,
        n,
        close: share(([a, b]) => Math.abs(a - b) <= 0.1),
        meanAbsoluteDifference: mean(list.map(([a, b]) => Math.abs(a - b))),
        kappa: chance === 1 ? null : (both - chance) / (1 - chance),
      }
    })
    .sort((a, b) => b.n - a.n)
}

/** What rules, judges and imported files say about a step. Shown beside the person's judgement, never in its place. */
import type { AnnotatorKind, Opinion } from '../../records/annotation'
import type { LabelState, NewOpinion } from '../../worker/protocol'
import { judgementReward, noJudgement, standingOpinions, type Judgement } from './reward'

export interface Suggestion {
  readonly kind: AnnotatorKind
  readonly annotator: string
  readonly judgement: Judgement
  readonly reward: number | null
  readonly why: readonly string[]
  /** How many repeats were averaged. */
  readonly repeats: number
  /** Largest minus smallest among the repeats, in reward. */
  readonly spread: number
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

function order(suggestion: Suggestion): number {
  if (suggestion.kind === 'LLM') return 1
  return suggestion.annotator.startsWith('imported:') ? 2 : 0
}

/** One entry per annotator, rules first, then judges, then what a file brought along. */
export function suggestionsFor(opinions: readonly Opinion[], step: number): Suggestion[] {
  const byAnnotator = new Map<string, Opinion[]>()
  for (const one of standingOpinions(opinions)) {
    if (one.step !== step || one.annotator_kind === 'HUMAN') continue
    const key = `${one.annotator_kind}\u0001${one.annotator_id}`
    byAnnotator.set(key, [...(byAnnotator.get(key) ?? []), one])
  }
  const found = [...byAnnotator.values()].map((rows): Suggestion => {
    const values = (name: Opinion['name']): number[] => rows.filter((row) => row.name === name).map((row) => row.value ?? 0)
    const average = (name: Opinion['name']): number | null => (values(name).length > 0 ? mean(values(name)) : null)
    const judgement: Judgement = {
      success: average('success'),
      contribution: average('contribution'),
      status: average('status'),
      reward: average('reward'),
    }
    const repeats = [...new Set(rows.map((row) => row.repeat))]
    const perRepeat = repeats
      .map((repeat) =>
        judgementReward(rows.filter((row) => row.repeat === repeat).reduce((sum, row) => ({ ...sum, [row.name]: row.value }), noJudgement)),
      )
      .filter((value) => value !== null)
    const first = rows[0] as Opinion
    return {
      kind: first.annotator_kind,
      annotator: first.annotator_id,
      judgement,
      reward: judgementReward(judgement),
      why: [...new Set(rows.map((row) => row.rationale).filter((text) => text !== ''))],
      repeats: repeats.length,
      spread: perRepeat.length > 1 ? Math.max(...perRepeat) - Math.min(...perRepeat) : 0,
    }
  })
  return found.sort((a, b) => order(a) - order(b) || (a.annotator < b.annotator ? -1 : 1))
}

/** The rows a person adds by accepting a suggestion: the same judgements, now theirs. Averages are rounded to the scale. */
export function acceptedOpinions(trajectoryId: string, step: number, suggestion: Suggestion): NewOpinion[] {
  const { judgement } = suggestion
  const row = (name: Opinion['name'], value: number): NewOpinion => ({
    trajectory_id: trajectoryId,
    step,
    name,
    value,
    rationale: `accepted from ${suggestion.annotator}`,
  })
  if (judgement.success !== null && judgement.contribution !== null)
    return [row('success', Math.round(judgement.success)), row('contribution', Math.round(judgement.contribution))]
  if (judgement.status !== null) return [row('status', Math.round(judgement.status * 2) / 2)]
  if (judgement.reward !== null) return [row('reward', judgement.reward)]
  return []
}

/** How far rules, judges and files lie apart at a trajectory's worst step, in reward. Without the person, so that labelling does not reorder the queue. */
export function disagreement(labels: LabelState, steps: number): number {
  let worst = 0
  for (let step = 0; step < steps; step++) {
    const suggestions = suggestionsFor(labels.opinions, step)
    const values = suggestions.flatMap((one) => (one.reward === null ? [] : [one.reward]))
    if (values.length > 1) worst = Math.max(worst, Math.max(...values) - Math.min(...values))
    for (const one of suggestions) worst = Math.max(worst, one.spread)
  }
  return worst
}

export interface Agreement {
  readonly annotator: string
  /** Steps both the person and the annotator gave a reward. */
  readonly n: number
  /** Share within 0.1 of each other. */
  readonly close: number
  readonly meanAbsoluteDifference: number
  /** Cohen's κ of reward ≥ ½ against < ½; null when one side never varies. */
  readonly kappa: number | null
}

/** The person against every other annotator, over all steps labelled so far. */
export function agreements(labels: Iterable<LabelState>): Agreement[] {
  const pairs = new Map<string, [number, number][]>()
  for (const state of labels) {
    state.resolved.forEach((resolved, step) => {
      if (resolved.from !== 'HUMAN' || resolved.value === null) return
      for (const one of suggestionsFor(state.opinions, step)) {
        if (one.reward === null) continue
        pairs.set(one.annotator, [...(pairs.get(one.annotator) ?? []), [resolved.value, one.reward]])
      }
    })
  }
  return [...pairs]
    .map(([annotator, list]): Agreement => {
      const n = list.length
      const both = list.filter(([human, other]) => human >= 0.5 === other >= 0.5).length / n
      const human = list.filter(([value]) => value >= 0.5).length / n
      const other = list.filter(([, value]) => value >= 0.5).length / n
      const chance = human * other + (1 - human) * (1 - other)
      return {
        annotator,
        n,
        close: list.filter(([a, b]) => Math.abs(a - b) <= 0.1).length / n,
        meanAbsoluteDifference: mean(list.map(([a, b]) => Math.abs(a - b))),
        kappa: chance === 1 ? null : (both - chance) / (1 - chance),
      }
    })
    .sort((a, b) => b.n - a.n)
}

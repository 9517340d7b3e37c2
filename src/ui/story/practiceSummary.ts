/** What a run's practice earned, as numbers, and the attempt with the most to see. */
import type { Trajectory } from '../../records/trajectory'
import type { Practice } from '../queries/trajectories'

export interface PracticeSummary {
  readonly steps: number
  readonly rewards: readonly number[]
  readonly success: number | null
  readonly contribution: number | null
  /** Who gave rewards, and how many. */
  readonly sources: readonly (readonly [who: string, count: number])[]
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length
}

export function summaryOf({ labels }: Practice): PracticeSummary {
  const rewards: number[] = []
  const success: number[] = []
  const contribution: number[] = []
  const sources = new Map<string, number>()
  let steps = 0
  for (const state of labels.values()) {
    steps += state.resolved.length
    for (const resolved of state.resolved) {
      if (resolved.value === null) continue
      rewards.push(resolved.value)
      const who = resolved.annotatorId ?? 'unknown'
      sources.set(who, (sources.get(who) ?? 0) + 1)
    }
    for (const row of state.opinions) {
      if (row.value === null) continue
      if (row.name === 'success') success.push(row.value)
      if (row.name === 'contribution') contribution.push(row.value)
    }
  }
  return { steps, rewards, success: mean(success), contribution: mean(contribution), sources: [...sources] }
}

/** The one with the most to see: steps of different worth, then the longest. */
export function exampleOf({ trajectories, labels }: Practice): Trajectory | null {
  const spread = (record: Trajectory): number => {
    const values = (labels.get(record.trajectory_id)?.resolved ?? []).flatMap((one) => (one.value === null ? [] : [one.value]))
    return values.length < 2 ? -1 : Math.max(...values) - Math.min(...values) + values.length / 100
  }
  let best: Trajectory | null = null
  for (const record of trajectories.slice(0, labels.size)) if (!best || spread(record) > spread(best)) best = record
  return best
}

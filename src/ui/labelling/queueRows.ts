/** The queue of trajectories to label: which, in what order, how far along. */
import { stepsOf, type Trajectory } from '../../records/trajectory'
import type { LabelState } from '../../worker/protocol'
import { trajectoryText } from '../trajectory/trajectoryFilter'
import { disagreement } from './stepSuggestions'

/** The result is remembered by label state, because the queue is rebuilt at every key press. */
const known = new WeakMap<LabelState, number>()
function disagreementOf(trajectory: Trajectory, labels: LabelState): number {
  const found = known.get(labels) ?? disagreement(trajectory, labels)
  known.set(labels, found)
  return found
}

export type QueueOrder = 'disagreement' | 'file' | 'unlabelled'
export type QueueShow = 'all' | 'todo' | 'done'

export interface QueueRow {
  readonly trajectory: Trajectory
  readonly steps: number
  /** Steps whose reward a person gave. */
  readonly labelled: number
  readonly disagreement: number
  /** False until the labels have arrived: counts are then 0. */
  readonly known: boolean
}

export function queueRows(
  trajectories: readonly Trajectory[],
  labels: ReadonlyMap<string, LabelState>,
  options: { readonly text: string; readonly show: QueueShow; readonly order: QueueOrder },
): QueueRow[] {
  const words = options.text.toLowerCase().split(/\s+/).filter(Boolean)
  const rows = trajectories
    .filter((trajectory) => {
      if (words.length === 0) return true
      const text = trajectoryText(trajectory)
      return words.every((word) => text.includes(word))
    })
    .map((trajectory): QueueRow => {
      const state = labels.get(trajectory.trajectory_id)
      const steps = stepsOf(trajectory).length
      return {
        trajectory,
        steps,
        labelled: state ? state.resolved.filter((one) => one.from === 'HUMAN' && one.value !== null).length : 0,
        disagreement: state ? disagreementOf(trajectory, state) : 0,
        known: state !== undefined,
      }
    })
    .filter((row) => options.show === 'all' || (options.show === 'done') === row.labelled >= row.steps)
  if (options.order === 'disagreement') rows.sort((a, b) => b.disagreement - a.disagreement)
  if (options.order === 'unlabelled') rows.sort((a, b) => b.steps - b.labelled - (a.steps - a.labelled))
  return rows
}

export interface QueueProgress {
  readonly trajectories: number
  readonly trajectoriesDone: number
  readonly steps: number
  readonly stepsLabelled: number
}

export function queueProgress(rows: readonly QueueRow[]): QueueProgress {
  return {
    trajectories: rows.length,
    trajectoriesDone: rows.filter((row) => row.steps > 0 && row.labelled >= row.steps).length,
    steps: rows.reduce((sum, row) => sum + row.steps, 0),
    stepsLabelled: rows.reduce((sum, row) => sum + row.labelled, 0),
  }
}

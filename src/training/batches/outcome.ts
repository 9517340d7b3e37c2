/** How a trajectory ended, as one number: 1 Solved, ½ Unsure, 0 Unsolved, or anything a label of its final step says. */
import { chosenPath } from '../../records/trajectory'
import type { Trajectory } from '../../records/trajectory'

/** Where an outcome is read: at the final step, or from the trajectory's status alone. */
export const OUTCOMES = ['final_step', 'status'] as const
type Outcome = (typeof OUTCOMES)[number]

/** The reward of the final step where it is labelled, else the status; null where neither is known. */
export function attemptOutcome(trajectory: Trajectory, rewards: readonly (number | null)[]): number | null {
  const final = chosenPath(trajectory).at(-1)
  const labelled = final ? (rewards[final.index] ?? null) : null
  return labelled ?? statusOutcome(trajectory)
}

/** What the world or the file says of the answer, whatever the labels say. */
const statusOutcome = ({ status }: Trajectory): number | null => (status === null ? null : { solved: 1, unsure: 0.5, unsolved: 0 }[status])

export const outcomeOf = (trajectory: Trajectory, rewards: readonly (number | null)[], from: Outcome): number | null =>
  from === 'final_step' ? attemptOutcome(trajectory, rewards) : statusOutcome(trajectory)

/** What attempts at the same query share. */
export const queryKey = ({ task: { query_id, query } }: Trajectory): string => (query_id === '' ? query : query_id)

/** The attempt ran out of calls or tokens before it came to its end. */
export const isCutShort = ({ stop_condition }: Pick<Trajectory, 'stop_condition'>): boolean =>
  stop_condition === 'budget' || stop_condition === 'length'

/** The outcome of a trajectory as one number: 1 for Solved, ½ for Unsure, 0 for Unsolved, or the label of its final step. */
import { chosenPath } from '../../records/trajectory'
import type { Trajectory } from '../../records/trajectory'

/** The source of an outcome: the label of the final step, or only the trajectory's status. */
export const OUTCOMES = ['final_step', 'status'] as const
type Outcome = (typeof OUTCOMES)[number]

/** The reward of the final step where it is labelled, else the status; null where neither is known. */
export function attemptOutcome(trajectory: Trajectory, rewards: readonly (number | null)[]): number | null {
  const final = chosenPath(trajectory).at(-1)
  const labelled = final ? (rewards[final.index] ?? null) : null
  return labelled ?? statusOutcome(trajectory)
}

/** The outcome from the trajectory's status, without its labels. */
const statusOutcome = ({ status }: Trajectory): number | null => (status === null ? null : { solved: 1, unsure: 0.5, unsolved: 0 }[status])

export const outcomeOf = (trajectory: Trajectory, rewards: readonly (number | null)[], from: Outcome): number | null =>
  from === 'final_step' ? attemptOutcome(trajectory, rewards) : statusOutcome(trajectory)

/** The key that attempts at the same query share. */
export const queryKey = ({ task: { query_id, query } }: Trajectory): string => (query_id === '' ? query : query_id)

/** Whether the attempt ran out of calls or tokens. */
export const isCutShort = ({ stop_condition }: Pick<Trajectory, 'stop_condition'>): boolean =>
  stop_condition === 'budget' || stop_condition === 'length'

/** A trajectory as training sees it: with the reward of each of its steps. */
import type { Trajectory } from '../../records/trajectory'

export interface LabelledTrajectory {
  readonly trajectory: Trajectory
  /** One per step of the trajectory (all of `steps`); null is unlabelled, 0 is a judgement. */
  readonly rewards: readonly (number | null)[]
}

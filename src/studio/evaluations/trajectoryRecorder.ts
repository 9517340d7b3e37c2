/** Stores trajectories of a run as they come, under ids that say where in the run they stand. */
import type { Trajectory } from '../../records/trajectory'
import type { Store } from '../../storage/store'
import type { StudioEvent } from '../../worker/protocol'

interface RecorderParts {
  readonly store: Store
  readonly emit: (event: StudioEvent) => void
}

export interface TrajectoryRecorder {
  /** Returns the trajectory as it is stored. */
  add(raw: Trajectory): Trajectory
  /** Resolves when all of them are stored; rejects when they could not be. */
  settle(): Promise<void>
}

/** @param tag the evaluation or the round of practice. */
export const attemptId = (runId: string, tag: string, queryId: string, sample = 0): string =>
  `${runId}/${tag}-${queryId}${sample > 0 ? `-${sample + 1}` : ''}`

/** @param tag part of the ids: the evaluation or the round of practice. */
export function createTrajectoryRecorder(runId: string, tag: string, { store, emit }: RecorderParts): TrajectoryRecorder {
  let waiting: Trajectory[] = []
  let storing: Promise<void> = Promise.resolve()
  let isStoring = false
  const storeWaiting = async (): Promise<void> => {
    isStoring = true
    try {
      while (waiting.length > 0) {
        const batch = waiting
        waiting = []
        try {
          await store.trajectories.put({ run_id: runId }, batch)
        } catch (error) {
          // Not stored yet: the next settle tries again.
          waiting = [...batch, ...waiting]
          throw error
        }
        emit({ type: 'trajectories', run_id: runId, trajectory_ids: batch.map(({ trajectory_id }) => trajectory_id) })
      }
    } finally {
      isStoring = false
    }
  }
  return {
    add(raw) {
      const trajectory = {
        ...raw,
        trajectory_id: attemptId(runId, tag, raw.task.query_id, raw.sample),
        source: `run:${runId}`,
      }
      waiting.push(trajectory)
      if (!isStoring) {
        storing = storing.then(storeWaiting)
        // `settle` reports the failure.
        storing.catch(() => undefined)
      }
      return trajectory
    },
    async settle() {
      await storing.catch(() => undefined)
      storing = Promise.resolve()
      await storeWaiting()
    },
  }
}

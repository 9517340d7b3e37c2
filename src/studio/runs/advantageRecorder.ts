/** Writes the advantages that an update used into the stored trajectories of the practice it learned from. */
import type { Trajectory } from '../../records/trajectory'
import { withAdvantages, type SequenceAdvantages } from '../../training/batches/recordedAdvantages'
import { retryWhenStorageFull } from '../storage/retryWhenStorageFull'
import type { TrainingRun } from './trainingRun'

export interface AdvantageRecorder {
  /** Takes the advantages of one update's batch; they are written while training continues. */
  readonly add: (step: number, of: readonly SequenceAdvantages[]) => void
  /** Resolves when everything that was added is stored; rejects with what storing failed of. */
  settle(): Promise<void>
}

/** Trajectories of data sets belong to no run, and several runs may learn from them: nothing is written there. */
export function createAdvantageRecorder({ request, control, parts: { store, emit } }: TrainingRun): AdvantageRecorder {
  const isPractice = !request.data && !request.transcripts
  let writing: Promise<void> = Promise.resolve()
  async function write(of: readonly SequenceAdvantages[]): Promise<void> {
    const changed: Trajectory[] = []
    for (const one of of) {
      const stored = await store.trajectories.get(one.sequence.trajectoryId)
      if (stored) changed.push(withAdvantages(stored, one))
    }
    if (changed.length === 0) return
    await retryWhenStorageFull(control, () => store.trajectories.put({ run_id: control.runId }, changed))
    emit({ type: 'trajectories', run_id: control.runId, trajectory_ids: changed.map(({ trajectory_id }) => trajectory_id) })
  }
  return {
    add: (_step, of) => {
      if (!isPractice) return
      writing = writing.then(() => write(of))
      // settle reports what fails.
      writing.catch(() => undefined)
    },
    settle: () => writing,
  }
}

/** Opinions as the store has them: listed by trajectory, found by id, resolved to rewards. */
import { resolveRewards } from '../../annotation/resolver'
import type { Opinion } from '../../records/annotation'
import type { Trajectory } from '../../records/trajectory'
import type { Store } from '../../storage/store'
import type { LabelState } from '../../worker/protocol'

export interface StoredOpinions {
  of(trajectoryId: string): Promise<readonly Opinion[]>
  /** Of each of these trajectories, by its id, with one question to the store. */
  ofEach(trajectories: readonly Pick<Trajectory, 'trajectory_id'>[]): Promise<ReadonlyMap<string, readonly Opinion[]>>
  /** With the reward that each step's opinions resolve to. */
  stateOf(trajectory: Trajectory): Promise<LabelState>
  /** The id of the trajectory that an opinion is about; null when there is no such opinion. */
  trajectoryOf(opinionId: string): Promise<string | null>
}

export function createStoredOpinions(store: Store): StoredOpinions {
  /** The trajectory of each opinion seen so far: the store lists opinions by trajectory only. */
  const seen = new Map<string, string>()

  async function of(trajectoryId: string): Promise<readonly Opinion[]> {
    const { records } = await store.opinions.listOf(trajectoryId)
    for (const { opinion_id } of records) seen.set(opinion_id, trajectoryId)
    return records
  }
  return {
    of,
    async ofEach(trajectories) {
      const found = new Map<string, Opinion[]>(trajectories.map(({ trajectory_id }) => [trajectory_id, []]))
      for (const opinion of (await store.opinions.listOf(...found.keys())).records) {
        seen.set(opinion.opinion_id, opinion.trajectory_id)
        found.get(opinion.trajectory_id)?.push(opinion)
      }
      return found
    },
    async stateOf(trajectory) {
      const opinions = await of(trajectory.trajectory_id)
      return { opinions, resolved: resolveRewards(trajectory, opinions) }
    },
    async trajectoryOf(opinionId) {
      const known = seen.get(opinionId)
      if (known !== undefined) return known
      const owners = [
        ...(await store.datasets.list()).records.map(({ dataset_id }) => ({ dataset_id })),
        ...(await store.runs.list()).records.map(({ run_id }) => ({ run_id })),
      ]
      for (const owner of owners)
        for (const { trajectory_id } of (await store.trajectories.listOf(owner)).records)
          if ((await of(trajectory_id)).some(({ opinion_id }) => opinion_id === opinionId)) return trajectory_id
      return null
    },
  }
}

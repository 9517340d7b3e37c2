/** Adds the opinions of a person, all or none. */
import { opinionRows, OpinionValueError, type RowParts } from '../../annotation/opinions'
import type { Opinion } from '../../records/annotation'
import { stepsOf, type Trajectory } from '../../records/trajectory'
import type { Store } from '../../storage/store'
import type { LabelState, NewOpinion, Reply } from '../../worker/protocol'
import { accept, refuse } from '../failure'
import type { StoredOpinions } from './storedOpinions'

interface AddParts {
  readonly store: Store
  readonly rows: RowParts
  readonly opinions: StoredOpinions
}

/** Returns the labels of the first trajectory. */
export async function addOpinions(
  news: readonly NewOpinion[],
  annotator: string,
  { store, rows, opinions }: AddParts,
): Promise<Reply<LabelState>> {
  const found = await trajectoriesOf(news, store)
  if (!found.ok) return found
  const trajectories = found.value
  const [first] = trajectories.values()
  if (!first) return refuse('empty', 'No opinion was given.')
  const hasStep = (record: Trajectory | undefined, step: number): boolean => record !== undefined && step < stepsOf(record).length
  const outside = news.find(({ trajectory_id, step }) => !hasStep(trajectories.get(trajectory_id), step))
  if (outside) return refuse('unknown-step', `The trajectory has no step ${outside.step + 1}.`)
  const stored: Opinion[] = []
  for (const id of trajectories.keys()) stored.push(...(await opinions.of(id)))
  let made: Opinion[]
  try {
    const plain = news.map(({ rationale, ...row }) => (rationale === undefined ? row : { ...row, rationale }))
    made = opinionRows(plain, { kind: 'HUMAN', id: annotator.trim() || 'you' }, stored, rows)
  } catch (error) {
    if (error instanceof OpinionValueError) return refuse('value', error.message)
    throw error
  }
  await store.opinions.add(made)
  return accept(await opinions.stateOf(first))
}

/** In the order of the opinions. */
async function trajectoriesOf(news: readonly NewOpinion[], store: Store): Promise<Reply<ReadonlyMap<string, Trajectory>>> {
  const trajectories = new Map<string, Trajectory>()
  for (const id of new Set(news.map(({ trajectory_id }) => trajectory_id))) {
    const trajectory = await store.trajectories.get(id)
    if (!trajectory) return refuse('unknown-trajectory', `There is no trajectory ${id}; its data set or run may have been removed.`)
    trajectories.set(id, trajectory)
  }
  return accept(trajectories)
}

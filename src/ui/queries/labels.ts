/** Labels of trajectories: one cached answer each, and what is being stored laid over it until the studio has answered. */
import type { MutationOptions, QueryClient } from '@tanstack/react-query'
import { opinionRows } from '../../annotation/opinions'
import { resolveRewards } from '../../annotation/resolver'
import type { Trajectory } from '../../records/trajectory'
import type { LabelState, NewOpinion } from '../../worker/protocol'
import type { StudioApi } from '../../worker/studioApi'
import { studioKey, valueOf } from './client'
import { keys } from './keys'

export const labelQuery = (studio: StudioApi, trajectoryId: string) => ({
  queryKey: [...keys.labels(trajectoryId), studioKey(studio)],
  queryFn: () => studio.labels.get(trajectoryId),
  // Nothing observes a single trajectory's labels: they are read as one map.
  gcTime: Infinity,
})

/** Puts what the studio answered to a command in place of whatever is being fetched: that may be older. */
export function putLabels(client: QueryClient, studio: StudioApi, trajectoryId: string, state: LabelState): void {
  const { queryKey } = labelQuery(studio, trajectoryId)
  void client.cancelQueries({ queryKey, exact: true })
  client.setQueryDefaults(keys.everyLabel, { gcTime: Infinity })
  client.setQueryData(queryKey, state)
  void client.invalidateQueries({ queryKey: keys.storedAdvantages(trajectoryId) })
}

export interface LabelChange {
  readonly trajectory: Pick<Trajectory, 'trajectory_id' | 'nodes'>
  readonly rows: readonly NewOpinion[]
  readonly annotator: string
}

export const LABEL_MUTATION = ['label']
/** Labels are stored and undone one after the other, in the order of the key presses. */
export const labelScope = { id: 'labels' }

/** Stores a change. While it is pending, `withPending` shows it; when the studio refuses it, it is gone again by itself. */
export function labelMutation(client: QueryClient, studio: StudioApi): MutationOptions<LabelState, Error, LabelChange> {
  return {
    mutationKey: LABEL_MUTATION,
    scope: labelScope,
    mutationFn: async ({ trajectory, rows, annotator }) => {
      const state = await valueOf(studio.labels.add(rows, annotator))
      putLabels(client, studio, trajectory.trajectory_id, state)
      return state
    },
  }
}

/** The states as they will be when every pending change is stored. */
export function withPending(
  stored: ReadonlyMap<string, LabelState>,
  pending: readonly LabelChange[],
  now: () => string,
): ReadonlyMap<string, LabelState> {
  if (pending.length === 0) return stored
  const states = new Map(stored)
  for (const change of pending) {
    const { trajectory_id: id } = change.trajectory
    const state = states.get(id)
    if (state) states.set(id, withChange(state, change, now))
  }
  return states
}

function withChange(state: LabelState, { trajectory, rows, annotator }: LabelChange, now: () => string): LabelState {
  const opinions = [...state.opinions]
  const news = rows.map(({ rationale, ...row }) => (rationale === undefined ? row : { ...row, rationale }))
  const parts = { newId: () => `pending-${opinions.length}-${(made += 1)}`, now }
  try {
    opinions.push(...opinionRows(news, { kind: 'HUMAN', id: annotator }, opinions, parts))
  } catch {
    // A value outside its range: the studio will refuse it, and say why.
    return state
  }
  return { opinions, resolved: resolveRewards(trajectory, opinions) }
}
let made = 0

/** Labels of many trajectories as a hook: one map for the queue, the reader and the data table. */
import { useMutationState, useQueryClient } from '@tanstack/react-query'
import { useEffect, useMemo, useSyncExternalStore } from 'react'
import type { LabelState } from '../../worker/protocol'
import { useStudio } from '../stores/studio'
import { LABEL_MUTATION, withPending, type LabelChange } from './labels'
import { fetchLabels, labelViewOf } from './labelView'

/** Trajectories whose labels are fetched ahead, for ordering and progress. */
const AHEAD = 2000
const now = (): string => new Date().toISOString()

/** Labels of these trajectories, as far as they have arrived; the missing ones are on their way, in this order. */
export function useLabels(trajectoryIds: readonly string[]): ReadonlyMap<string, LabelState> {
  const client = useQueryClient()
  const studio = useStudio()
  const view = useMemo(() => labelViewOf(client, studio), [client, studio])
  const { byId, round } = useSyncExternalStore(view.subscribe, view.snapshot)
  const wanted = trajectoryIds.slice(0, AHEAD).join('\u0001')
  useEffect(() => {
    if (wanted === '') return
    const abort = new AbortController()
    fetchLabels(client, studio, wanted.split('\u0001'), abort.signal).catch(() => {
      // The studio went away; its successor is asked afresh.
    })
    return () => {
      abort.abort()
    }
  }, [client, studio, wanted, round])
  const pending = useMutationState({
    filters: { mutationKey: LABEL_MUTATION, status: 'pending' },
    select: (mutation) => mutation.state.variables as LabelChange,
  })
  return useMemo(() => withPending(byId, pending, now), [byId, pending])
}

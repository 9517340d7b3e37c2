/** Labels of trajectories as the page last heard them: one store for the queue, the reader and the data table. */
import { useEffect } from 'react'
import { create } from 'zustand'
import { useShallow } from 'zustand/react/shallow'
import type { LabelState } from '../../worker/protocol'
import type { StudioApi } from '../../worker/studioApi'
import { useStudioEvents } from '../stores/events'
import { useStudio } from '../stores/studio'

interface Labels {
  /** The studio these labels came from: another one (the recorded run) has its own. */
  readonly from: StudioApi | null
  readonly byId: ReadonlyMap<string, LabelState>
  readonly round: number
}
const useLabels = create<Labels>(() => ({ from: null, byId: new Map(), round: 0 }))
/** Ids that need not be asked for again. */
const fresh = new Set<string>()
/** When labels were put here and when they were asked for, in one count: an answer older than what stands here is dropped. */
let moment = 0
const putAt = new Map<string, number>()

const AT_ONCE = 4
/** Trajectories whose labels are fetched ahead for ordering and progress. */
const AHEAD = 2000
const PUBLISH_MS = 250
const REFRESH_MS = 2000

function put(studio: StudioApi, entries: readonly (readonly [string, LabelState])[]): void {
  if (useLabels.getState().from !== studio) {
    fresh.clear()
    putAt.clear()
  }
  useLabels.setState((state) => ({ from: studio, byId: new Map([...(state.from === studio ? state.byId : []), ...entries]) }))
  moment += 1
  for (const [id] of entries) {
    fresh.add(id)
    putAt.set(id, moment)
  }
}

export const rememberLabels = (studio: StudioApi, trajectoryId: string, state: LabelState): void => {
  put(studio, [[trajectoryId, state]])
}

/** Asks for every label again, without taking the ones on screen away; at most every two seconds, and never loses the last call. */
let lastRefresh = 0
let pendingRefresh: ReturnType<typeof setTimeout> | undefined
function refreshLabels(): void {
  if (pendingRefresh !== undefined) return
  const wait = Math.max(0, lastRefresh + REFRESH_MS - performance.now())
  pendingRefresh = setTimeout(() => {
    pendingRefresh = undefined
    lastRefresh = performance.now()
    fresh.clear()
    useLabels.setState((state) => ({ round: state.round + 1 }))
  }, wait)
}

async function fetchAhead(studio: StudioApi, ids: readonly string[], signal: AbortSignal): Promise<void> {
  const queue = [...ids]
  let pending: { id: string; state: LabelState; asked: number }[] = []
  let published = performance.now()
  const publish = (): void => {
    // What a newer round asks for again must not be taken for fresh.
    if (signal.aborted) return
    // A label given since it was asked for is newer than what was fetched.
    const newer = pending.filter(({ id, asked }) => (putAt.get(id) ?? 0) < asked)
    if (newer.length > 0)
      put(
        studio,
        newer.map(({ id, state }) => [id, state] as const),
      )
    pending = []
    published = performance.now()
  }
  const work = async (): Promise<void> => {
    for (let id = queue.shift(); id !== undefined && !signal.aborted; id = queue.shift()) {
      moment += 1
      const asked = moment
      pending.push({ id, asked, state: await studio.labels.get(id) })
      if (performance.now() - published > PUBLISH_MS) publish()
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  publish()
}

/** Labels of these trajectories, as far as they have arrived; the missing ones are on their way, in this order. */
export function useLabelsOf(ids: readonly string[]): ReadonlyMap<string, LabelState> {
  const studio = useStudio()
  const known = useLabels(useShallow((state) => (state.from === studio ? state.byId : NONE)))
  const round = useLabels((state) => state.round)
  useStudioEvents(['job', 'trajectories'], (events) => {
    // A judge or a roll-out added opinions behind the page's back.
    if (events.some((event) => event.type === 'trajectories' || (event.type === 'job' && event.job.kind === 'judge'))) refreshLabels()
  })
  const wanted = ids.slice(0, AHEAD).join('\u0001')
  useEffect(() => {
    const { from } = useLabels.getState()
    const missing = wanted === '' ? [] : wanted.split('\u0001').filter((id) => from !== studio || !fresh.has(id))
    if (missing.length === 0) return
    const abort = new AbortController()
    fetchAhead(studio, missing, abort.signal).catch(() => {
      // The studio went away; its successor is asked afresh.
    })
    return () => {
      abort.abort()
    }
  }, [studio, wanted, round])
  return known
}
const NONE: ReadonlyMap<string, LabelState> = new Map()

/** The labels of one studio that the cache holds, as one map that React can read; fetched labels come into it in slices. */
import { CancelledError, type QueryClient } from '@tanstack/react-query'
import type { LabelState } from '../../worker/protocol'
import type { StudioApi } from '../../worker/studioApi'
import { studioKey } from './client'
import { keys } from './keys'
import { labelQuery } from './labels'

/** How often fetched labels are drawn. What a person gave is drawn at once. */
const PUBLISH_MS = 250
const AT_ONCE = 4

export interface LabelSnapshot {
  readonly byId: ReadonlyMap<string, LabelState>
  /** Counts how often labels became invalid: what is shown is then fetched again. */
  readonly round: number
}

export interface LabelView {
  readonly subscribe: (listener: () => void) => () => void
  readonly snapshot: () => LabelSnapshot
}

export function createLabelView(client: QueryClient, studio: StudioApi): LabelView {
  const name = studioKey(studio)
  const [area] = keys.everyLabel
  const listeners = new Set<() => void>()
  let snapshot: LabelSnapshot = { byId: cachedLabels(client, name), round: 0 }
  let changed = new Map<string, LabelState>()
  let isInvalid = false
  let timer: ReturnType<typeof setTimeout> | null = null
  const publish = (): void => {
    if (timer !== null) clearTimeout(timer)
    timer = null
    snapshot = { byId: new Map([...snapshot.byId, ...changed]), round: snapshot.round + (isInvalid ? 1 : 0) }
    changed = new Map()
    isInvalid = false
    for (const listener of listeners) listener()
  }
  client.getQueryCache().subscribe((event) => {
    if (event.type !== 'updated') return
    const [of, id, whose] = event.query.queryKey as readonly unknown[]
    if (of !== area || whose !== name || typeof id !== 'string') return
    if (event.action.type === 'invalidate') {
      isInvalid = true
      timer ??= setTimeout(publish, 0)
    }
    if (event.action.type !== 'success') return
    changed.set(id, event.query.state.data as LabelState)
    if (event.action.manual === true) publish()
    else timer ??= setTimeout(publish, PUBLISH_MS)
  })
  return {
    subscribe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    snapshot: () => snapshot,
  }
}

/** What other questions have brought into the cache before. */
function cachedLabels(client: QueryClient, name: string): ReadonlyMap<string, LabelState> {
  const cached = client.getQueriesData<LabelState>({ queryKey: keys.everyLabel })
  return new Map(cached.flatMap(([[, id, whose], state]) => (whose === name && state ? [[String(id), state] as const] : [])))
}

const views = new WeakMap<StudioApi, LabelView>()
export function labelViewOf(client: QueryClient, studio: StudioApi): LabelView {
  let view = views.get(studio)
  if (!view) views.set(studio, (view = createLabelView(client, studio)))
  return view
}

/** Fetches the labels that are missing or invalid, a few at once, in this order. */
export async function fetchLabels(client: QueryClient, studio: StudioApi, ids: readonly string[], signal: AbortSignal): Promise<void> {
  const queue = [...ids]
  const work = async (): Promise<void> => {
    for (let id = queue.shift(); id !== undefined && !signal.aborted; id = queue.shift()) {
      try {
        await client.query(labelQuery(studio, id))
      } catch (error) {
        // A label was given meanwhile: what the studio answered to that is newer.
        if (!(error instanceof CancelledError)) throw error
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
}

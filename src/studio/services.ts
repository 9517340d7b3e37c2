/** What every area of the studio works with: the store, ids, time, events to the page, the network behind its ledger, and the GPU. */
import type { RowParts } from '../annotation/opinions'
import { createNewId, type NewId } from '../base/id'
import { createFetchLedger, type FetchLedger } from '../network/fetchLedger'
import type { Store } from '../storage/store'
import type { StudioEvent } from '../worker/protocol'
import { createEventHub } from './events'
import { createGpuAccess, type GpuAccess } from './jobs/gpuAccess'
import type { StudioParts } from './parts'

type HostParts = Pick<StudioParts, 'clock' | 'sleep' | 'claim' | 'storageEstimate'>

export interface StudioServices extends HostParts {
  readonly store: Store
  readonly newId: NewId
  /** ISO time. */
  readonly now: () => string
  /** Milliseconds since 1970. */
  readonly nowMs: () => number
  /** Ids and times of new opinions. */
  readonly rows: RowParts
  readonly isOffline: () => boolean
  /** How often a run at work is stored; when absent, every second. */
  readonly storeEveryMs: number | undefined
  /** Why runs that were under way ended with their studio; when absent, the tab was closed. */
  readonly interrupted: string | undefined
  readonly ledger: FetchLedger
  /** The page's own base URL, ending in `/`. */
  readonly ownOrigin: string
  readonly emit: (event: StudioEvent) => void
  /** Sends events to one more page. */
  readonly addPort: (port: MessagePort) => void
  readonly gpu: GpuAccess
}

export async function openServices(parts: StudioParts, assetBase: string): Promise<StudioServices> {
  const store = await parts.openStore()
  const now = (): string => new Date(parts.now()).toISOString()
  const newId = createNewId({ now: parts.now, random: parts.random })
  const { emit, addPort } = openEvents(parts)
  const ledger = createFetchLedger({
    fetch: parts.fetch,
    now,
    ownOrigin: assetBase,
    onEntry: (entry) => {
      emit({ type: 'network', ...entry })
    },
  })
  const gpu = createGpuAccess(parts, (status) => {
    emit({ type: 'gpu', status })
  })
  return {
    ...{ store, newId, now, nowMs: parts.now, rows: { newId, now }, ledger, ownOrigin: assetBase, emit, addPort, gpu },
    ...{ clock: parts.clock, sleep: parts.sleep, isOffline: parts.isOffline ?? (() => false) },
    claim: (name) => parts.claim(name),
    storageEstimate: () => parts.storageEstimate(),
    storeEveryMs: parts.storeEveryMs,
    interrupted: parts.interrupted,
  }
}

function openEvents({ clock, sleep }: StudioParts): Pick<StudioServices, 'emit' | 'addPort'> {
  const ports = new Set<MessagePort>()
  const hub = createEventHub({
    send: (events) => {
      for (const port of ports) port.postMessage(events)
    },
    clock,
    sleep,
  })
  return {
    emit: (event) => {
      hub.emit(event)
    },
    addPort: (port) => {
      ports.add(port)
    },
  }
}

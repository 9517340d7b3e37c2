/**
 * The page's side of the worker boundary.
 * The proxy is pinned on a module constant: Comlink 4.4 drops calls in flight when a proxy is collected.
 */
import * as Comlink from 'comlink'
import engineScript from './engine.worker.ts?worker&url'
import { forwardStudio } from './forwardStudio'
import type { Reply, StudioDescription, StudioEvent } from './protocol'
import { startWorker } from './startWorker'
import type { LiveStudio, RecordedStudio, StudioApi, StudioAreas } from './studioApi'

interface Pinned {
  readonly worker: Worker
  readonly remote: Comlink.Remote<StudioApi>
  readonly port: MessagePort
}
const pinned: Pinned[] = []

/** The page's own base URL without query and hash, ending in `/`: every asset is fetched relative to it. */
function assetBase(): string {
  return new URL('.', document.baseURI).href
}

function workerFailure(worker: Worker): Promise<Reply<StudioDescription>> {
  return new Promise((resolve) => {
    worker.addEventListener('error', (event) => {
      resolve({ ok: false, code: 'worker', message: event.message || 'The engine worker could not be loaded.' })
    })
    worker.addEventListener('messageerror', () => {
      resolve({ ok: false, code: 'worker', message: 'The engine worker sent something the page cannot read.' })
    })
  })
}

/** Starts the engine worker and connects to it. A second call starts a fresh worker and ends the first. */
export async function connectLive(onEvents: (events: readonly StudioEvent[]) => void): Promise<Reply<LiveStudio>> {
  for (const old of pinned.splice(0)) {
    old.port.close()
    old.worker.terminate()
  }
  const worker = startWorker(engineScript, document.baseURI, 'hone-engine')
  const remote = Comlink.wrap<StudioApi>(worker)
  const channel = new MessageChannel()
  channel.port1.onmessage = (event: MessageEvent<StudioEvent | readonly StudioEvent[]>) => {
    onEvents(isBatch(event.data) ? event.data : [event.data])
  }
  pinned.push({ worker, remote, port: channel.port1 })
  const connected = remote.connect(assetBase(), Comlink.transfer(channel.port2, [channel.port2]))
  const reply = await Promise.race([connected, workerFailure(worker)])
  if (!reply.ok) return reply
  const studio: StudioApi = { connect: (base, port) => remote.connect(base, Comlink.transfer(port, [port])), ...areasOf(remote) }
  return { ok: true, value: { studio, description: reply.value } }
}

/** Comlink's type says that an area is a promise; at run time a call on it goes through. */
function areasOf(remote: Comlink.Remote<StudioApi>): StudioAreas {
  return forwardStudio(() => Promise.resolve(() => remote as unknown as StudioAreas))
}

function isBatch(data: StudioEvent | readonly StudioEvent[]): data is readonly StudioEvent[] {
  return Array.isArray(data)
}

/** Opens the recorded run. What it does not hold (imports, storage, …) is asked of `live`, where there is one. */
export async function openRecording(live: LiveStudio | null): Promise<Reply<RecordedStudio>> {
  const { recordedStudio } = await import('./recordedStudio')
  return recordedStudio(assetBase(), live)
}

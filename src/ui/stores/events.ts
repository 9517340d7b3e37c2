/** Studio events on the page: gathered, handed on at most four times a second, so that numbers do not dance. */
import type { StudioEvent } from '../../worker/protocol'

type Listener = (events: readonly StudioEvent[]) => void

const FLUSH_MS = 250
const listeners = new Set<Listener>()
let queue: StudioEvent[] = []
let timer: ReturnType<typeof setTimeout> | null = null
let lastFlush = 0

function flush(): void {
  timer = null
  lastFlush = performance.now()
  const batch = queue
  queue = []
  for (const listener of listeners) listener(batch)
}

export function deliverEvents(events: readonly StudioEvent[]): void {
  queue.push(...events)
  timer ??= setTimeout(flush, Math.max(0, FLUSH_MS - (performance.now() - lastFlush)))
}

export function listenToEvents(listener: Listener): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

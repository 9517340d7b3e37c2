/** Gathers events for the page, joins those about the same thing, and sends them at most ten times a second. */
import type { MetricTable } from '../records/run'
import { joinMetrics } from '../storage/store'
import type { StudioEvent } from '../worker/protocol'

const INTERVAL_MS = 100
/** Streamed text is for watching: text beyond this length was too fast to read and is dropped. */
const TOKEN_CHARS = 1200

export interface EventHub {
  emit(event: StudioEvent): void
  /** Sends what is waiting now. */
  flush(): void
}

export interface EventHubParts {
  /** The page's end of the channel. */
  readonly send: (events: readonly StudioEvent[]) => void
  readonly clock: () => number
  readonly sleep: (ms: number) => Promise<void>
}

export function createEventHub({ send, clock, sleep }: EventHubParts): EventHub {
  let waiting: StudioEvent[] = []
  let isScheduled = false
  let lastSent = Number.NEGATIVE_INFINITY
  const flush = (): void => {
    if (waiting.length === 0) return
    const batch = joinEvents(waiting)
    waiting = []
    lastSent = clock()
    send(batch)
  }
  return {
    emit(event) {
      waiting.push(event)
      if (isScheduled) return
      isScheduled = true
      void sleep(Math.max(0, INTERVAL_MS - (clock() - lastSent))).then(() => {
        isScheduled = false
        flush()
      })
    },
    flush,
  }
}

/** One event for everything that is about the same thing, in the place of the first. */
export function joinEvents(events: readonly StudioEvent[]): StudioEvent[] {
  const joined = new Map<string, StudioEvent>()
  for (const [index, event] of events.entries()) {
    const key = keyOf(event, index)
    const before = joined.get(key)
    joined.set(key, before ? join(before, event) : event)
  }
  return [...joined.values()]
}

function keyOf(event: StudioEvent, index: number): string {
  switch (event.type) {
    case 'job':
      return `job ${event.job.job_id}`
    case 'exam':
      return `exam ${event.phase} ${event.run_id}`
    case 'metrics':
    case 'trajectories':
    case 'token':
      return `${event.type} ${event.run_id}`
    case 'dataset':
      return `dataset ${event.dataset.dataset_id}`
    case 'import':
      return `import ${event.import_id}`
    case 'gpu':
      return 'gpu'
    case 'network':
    case 'slept':
      return `${event.type} ${index}`
    default:
      return event satisfies never
  }
}

function join(before: StudioEvent, after: StudioEvent): StudioEvent {
  if (before.type === 'metrics' && after.type === 'metrics') return { ...after, rows: joinRows(before.rows, after.rows) }
  if (before.type === 'trajectories' && after.type === 'trajectories')
    return { ...after, trajectory_ids: [...new Set([...before.trajectory_ids, ...after.trajectory_ids])] }
  if (before.type === 'token' && after.type === 'token') return { ...after, text: (before.text + after.text).slice(-TOKEN_CHARS) }
  if (before.type === 'exam' && after.type === 'exam') {
    const cells = new Map(before.cells.map((cell) => [cell.query_id, cell]))
    for (const cell of after.cells) cells.set(cell.query_id, cell)
    return { ...after, cells: [...cells.values()] }
  }
  return after
}

const joinRows = (before: MetricTable, after: MetricTable): MetricTable => joinMetrics([before, after])

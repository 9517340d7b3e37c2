/** The network ledger: every request the studio made, and every file the page itself loaded. */
import { create } from 'zustand'
import { listenToEvents } from './events'

export interface LedgerRow {
  readonly url: string
  readonly method: string
  readonly status: number | null
  readonly at: string
  /** True when the request went to another host than the one that served this page. */
  readonly left: boolean
}
const KEPT = 2_000

interface Ledger {
  readonly rows: readonly LedgerRow[]
  /** Requests that left for another host since the tab opened. */
  readonly left: number
}
export const useLedger = create<Ledger>(() => ({ rows: [], left: 0 }))

function leaves(url: string): boolean {
  if (!URL.canParse(url, document.baseURI)) return true
  const { protocol, origin } = new URL(url, document.baseURI)
  return protocol !== 'blob:' && protocol !== 'data:' && origin !== location.origin
}

function record(rows: readonly LedgerRow[]): void {
  if (rows.length === 0) return
  useLedger.setState((state) => ({ rows: [...state.rows, ...rows].slice(-KEPT), left: state.left + rows.filter((row) => row.left).length }))
}

listenToEvents((events) => {
  record(
    events.flatMap((event) =>
      event.type === 'network'
        ? [{ url: event.url, method: event.method, status: event.status, at: event.at, left: leaves(event.url) }]
        : [],
    ),
  )
})

/** The browser's own account of what the page loaded, so that the ledger does not rest on our word alone. */
export function watchPageRequests(): void {
  new PerformanceObserver((list) => {
    record(
      list.getEntries().map((entry) => ({
        url: entry.name,
        method: 'GET',
        status: null,
        at: new Date(performance.timeOrigin + entry.startTime).toISOString(),
        left: leaves(entry.name),
      })),
    )
  }).observe({ type: 'resource', buffered: true })
}

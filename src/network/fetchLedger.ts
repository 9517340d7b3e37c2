/**
 * The one way out: every request of Hone goes through a ledger's `fetch`. Hosts must have been allowed by name, and what was
 * asked, when and with which outcome is written down. Query strings, headers and bodies are not: they may hold keys.
 */

export interface LedgerEntry {
  /** Origin and path. */
  readonly url: string
  readonly method: string
  /** HTTP status; null when no answer came or the request was refused here. */
  readonly status: number | null
  /** ISO time of the request. */
  readonly at: string
}

export type FetchLike = (url: string, init?: RequestInit) => Promise<Response>

export interface FetchLedgerParts {
  readonly fetch: FetchLike
  /** ISO time. */
  readonly now: () => string
  /** Receives each request once its outcome is known. */
  readonly onEntry?: (entry: LedgerEntry) => void
  /** Base of relative addresses and always allowed: the page's own origin. */
  readonly ownOrigin?: string
  /** Entries kept, oldest dropped first. */
  readonly limit?: number
}

export interface FetchLedger {
  /** Rejects with HostNotAllowedError before anything is sent when the host was not allowed. */
  readonly fetch: FetchLike
  /** Allows the host (with its port) of an address. */
  allow(url: string): void
  /** Allowed hosts, in the order they were allowed. */
  hosts(): readonly string[]
  /** Oldest first. */
  entries(): readonly LedgerEntry[]
}

class HostNotAllowedError extends Error {
  override readonly name = 'HostNotAllowedError'
  readonly host: string
  constructor(host: string) {
    super(`Nothing was sent: ${host} is not among the servers allowed in Settings.`)
    this.host = host
  }
}

/** A ledger over a host's `fetch`. */
export function createFetchLedger({ fetch, now, onEntry, ownOrigin, limit = 500 }: FetchLedgerParts): FetchLedger {
  const allowed = new Set<string>()
  const kept: LedgerEntry[] = []
  const record = (entry: LedgerEntry): void => {
    kept.push(entry)
    if (kept.length > limit) kept.shift()
    onEntry?.(entry)
  }
  const isAllowed = (url: URL): boolean => allowed.has(url.host) || (ownOrigin !== undefined && url.origin === new URL(ownOrigin).origin)
  return {
    async fetch(address, init) {
      const url = new URL(address, ownOrigin)
      const method = (init?.method ?? 'GET').toUpperCase()
      const at = now()
      const entry = (place: URL, status: number | null): LedgerEntry => ({ url: place.origin + place.pathname, method, status, at })
      if (!isAllowed(url)) {
        record(entry(url, null))
        throw new HostNotAllowedError(url.host)
      }
      let response: Response
      try {
        response = await fetch(url.href, init)
      } catch (error) {
        record(entry(url, null))
        throw error
      }
      // A redirect may have ended at another host: the ledger names the one that answered.
      record(entry(response.url === '' ? url : new URL(response.url), response.status))
      return response
    },
    allow(url) {
      allowed.add(new URL(url).host)
    },
    hosts: () => [...allowed],
    entries: () => [...kept],
  }
}

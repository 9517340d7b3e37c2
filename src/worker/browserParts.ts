/** What a browser's worker hands the studio. */
import { openBrowserStore } from '../storage/browserStore'
import type { StudioParts } from '../studio/parts'
import { openBrowserDevice } from './browserDevice'
import { openDataWorker } from './dataClient'
import { openBrowserPython } from './python/browserPython'
import { tabClaims } from './tabClaims'

export function browserParts(): StudioParts {
  return {
    openDevice: openBrowserDevice,
    openStore: async () => {
      // Absent on insecure origins and refused in some private windows: files then go into IndexedDB.
      const manager = (navigator as { readonly storage?: StorageManager }).storage
      const directory = await manager?.getDirectory().catch(() => null)
      return openBrowserStore({ directory: directory ?? null })
    },
    fetch: (url, init) => fetch(url, init),
    readAsset: async (path, assetBase, throughLedger) => {
      const response = await throughLedger(new URL(path, assetBase).href)
      // For files they do not have, servers for one-page sites answer with the page, and S3 and CloudFront with 403.
      if (response.status === 404 || response.status === 403 || /^text\/html\b/i.test(response.headers.get('content-type') ?? ''))
        return null
      if (!response.ok) throw new Error(`${path} could not be loaded: the server answered ${response.status}.`)
      return new Uint8Array(await response.arrayBuffer())
    },
    openDatasetReader: openDataWorker,
    openPython: openBrowserPython,
    now: () => Date.now(),
    clock: () => performance.now(),
    random: () => Math.random(),
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        signal?.throwIfAborted()
        const timer = setTimeout(resolve, ms)
        signal?.addEventListener('abort', () => {
          clearTimeout(timer)
          reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'))
        })
      }),
    isOffline: () => !navigator.onLine,
    storageEstimate: async () => {
      const estimate = await (navigator as { readonly storage?: StorageManager }).storage?.estimate()
      return { usage: estimate?.usage ?? null, quota: estimate?.quota ?? null }
    },
    claim: tabClaims((navigator as { readonly locks?: LockManager }).locks, () => Date.now()),
  }
}

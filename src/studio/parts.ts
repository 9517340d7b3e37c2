/** What a host provides for the studio: a device, a store, the network, clocks. The studio itself uses no globals. */
import type { FileTree } from '../base/fileTree'
import type { OpenPython } from '../environments/pythonSandbox'
import type { CallOptions, ToolConnection } from '../environments/toolConnection'
import type { FetchLike } from '../network/fetchLedger'
import type { GpuInfo } from '../records/run'
import type { Store } from '../storage/store'
import type { Claim } from './claim'
import type { OpenDatasetReader } from './data/datasetReader'
import type { ModelSource } from './models/modelSource'
import type { OutputFolder } from './models/outputFolder'
import type { PolicyBackend } from './runs/policyBackend'

export type OpenedDevice =
  | { readonly ok: true; readonly device: GPUDevice; readonly report: GpuInfo }
  /** `cause`: insecure-context · no-api · no-adapter · no-device. */
  | { readonly ok: false; readonly cause: string; readonly message: string }

export interface StudioParts {
  /** Opens the strongest adapter with all its limits. It is called again after a device was lost. */
  openDevice(): Promise<OpenedDevice>
  openStore(): Promise<Store>
  /** The host's own fetch: the studio puts its ledger before it. */
  readonly fetch: FetchLike
  /** A file that comes with the page, such as `starter/config.json`; null when there is none. `fetch` is the ledger's. */
  readAsset(path: string, assetBase: string, fetch: FetchLike): Promise<Uint8Array<ArrayBuffer> | null>
  /** Reads files of data in another thread. When absent, the studio reads them in its own. */
  readonly openDatasetReader?: OpenDatasetReader
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Milliseconds of a clock that is never set back. */
  readonly clock: () => number
  /** In [0, 1). */
  readonly random: () => number
  /** Rejects when `signal` aborts. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
  /** Whether the host knows that it has no network. When absent, the host cannot tell. */
  readonly isOffline?: () => boolean
  storageEstimate(): Promise<{ readonly usage: number | null; readonly quota: number | null }>
  /** Claims a name among all studios that share the store, for as long as this one lives, or until released. */
  claim(name: string): Promise<Claim>
  /** The error that a run gets when its studio ended while it was at work. When absent, it says that the tab was closed or reloaded. */
  readonly interrupted?: string
  /** Opens a directory to write the files of a model into. When absent, the host has no directories. */
  readonly openOutput?: (folder: string) => Promise<OutputFolder>
  /** Models the host opens by name. When absent, there are only stored models. */
  readonly modelSource?: ModelSource
  /** Opens data for benchmarks by id or path; rejects with an Error of one sentence. When absent, the host has none. */
  readonly worldFiles?: (id: string) => Promise<FileTree>
  /** Opens a Python interpreter without network and files. When absent, the host has none. */
  readonly openPython?: OpenPython
  /** A key of a server by the name of its environment variable; null when it is not set. When absent, the host has no such variables. */
  readonly secret?: (name: string) => string | null
  /** Starts a program that is a tool server; rejects with ToolConnectionError. When absent, the host starts none. */
  readonly openToolProcess?: (command: string, options: CallOptions) => Promise<ToolConnection>
  /** Aborts when the host is asked to end: every job is cancelled. */
  readonly signal?: AbortSignal
  /** How often a run at work is stored, in milliseconds; 0 stores it with every step. When absent, it is stored every second. */
  readonly storeEveryMs?: number
  /** Hears of each error that ended a job, with its stack. */
  readonly onJobError?: (error: unknown) => void
  /** Generates and trains. When absent, the GPU does. */
  readonly policyBackend?: PolicyBackend
}

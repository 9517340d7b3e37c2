/** What an environment or a benchmark may be made from. Whoever makes it hands in what there is; nothing here is global. */
import type { FileTree } from '../base/fileTree'
import type { ConversationMessage } from './conversation'
import type { OpenPython } from './pythonSandbox'
import type { ConnectTools } from './toolConnection'

/** A chat model that plays a server: it answers messages with text. Rejects with an Error of one sentence. */
export type Simulate = (
  messages: readonly ConversationMessage[],
  options: { readonly temperature?: number; readonly maxTokens: number; readonly seed?: number; readonly signal?: AbortSignal },
) => Promise<string>

/** Texts of recordings, each under a name. */
export interface Recordings {
  /** null when there is none. */
  read(name: string): Promise<string | null>
  /** Replaces a text by what is made of it; no other change comes between. */
  update(name: string, change: (before: string | null) => string): Promise<void>
}

export interface WorldParts {
  /** Of an environment that is drawn at random; absent: its usual one. */
  readonly seed?: number
  /** The data that the user gave; a definition whose `needs` says so gets it. */
  readonly files?: FileTree
  /** As the definition's `settings` parsed them. */
  readonly settings?: Readonly<Record<string, unknown>>
  /** Sends requests to hosts that the user allows; absent: there is no network. */
  readonly fetch?: (url: string, init?: RequestInit) => Promise<Response>
  /** Absent: no model was chosen. */
  readonly simulate?: Simulate
  /** Opens a Python interpreter; absent: there is none here. */
  readonly python?: OpenPython
  /** Connects to tool servers; absent: there is no network. */
  readonly connectTools?: ConnectTools
  /** Replies of tool servers that were recorded, by name; absent: none are kept. */
  readonly recordings?: Recordings
  /** A key of a server by the name of its environment variable, null when it is not set; absent: the host has none. */
  readonly secret?: (name: string) => string | null
  /** A clock in milliseconds; absent: calls are not timed. */
  readonly now?: () => number
}

/** Models as the page sees them: here, on a Hub, on their way. Part of the protocol. */

/** What a download would fetch, before it is fetched. */
export interface DownloadPlan {
  readonly title: string
  readonly host: string
  /** `where` of the same bytes on another day: with the commit, where there is one. */
  readonly pinned: string
  readonly revision: string | null
  readonly files: number
  readonly bytes: number
  /** Of these bytes, those an interrupted download left here. */
  readonly keptBytes: number
  /** What the browser allows beyond what is stored; null when it does not say. */
  readonly freeBytes: number | null
  readonly architecture: string
  readonly parameters: number
  /** The model it is already; null when it has to be fetched. */
  readonly model_id: string | null
}
/** A download that was interrupted: what arrived is kept. */
export interface UnfinishedDownload extends Pick<DownloadPlan, 'title' | 'host' | 'revision' | 'bytes' | 'keptBytes'> {
  readonly model_id: string
  readonly where: string
  readonly hub: string
}

/** A model that was opened, and how it acts. */
export interface OpenedModel {
  readonly title: string
  /** Name of the call format that fits it; null: none does. */
  readonly callFormat: string | null
  /** How its prompts are made, or why it cannot act, in sentences. */
  readonly how: string
}

export interface ModelRow {
  readonly model_id: string
  readonly title: string
  readonly architecture: string
  /** Rotary scaling of its config.json; `plain` for none. */
  readonly rope: string
  readonly parameters: number
  readonly bytes: number
  readonly contextLength: number
  readonly vocabulary: number
  /** Host and name, or address; null for the starter and for a folder a person picked. */
  readonly origin: string | null
  /** The commit it was pinned to. */
  readonly revision: string | null
  readonly adapters: readonly { readonly run_id: string; readonly title: string; readonly sha256: string }[]
}

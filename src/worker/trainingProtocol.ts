/** What a training run is asked for, and what can be said of it beforehand: memory, pre-flight, recipes. Part of the protocol. */
import type { FieldRemark } from '../records/fieldRemark'
import type { CacheDtype, InitialAdapterRef, TrainRequest, WeightDtype } from '../records/requests'

/** A PEFT adapter a person brought, for one of the models here. */
export interface ImportedAdapter {
  readonly adapter_id: string
  readonly model_id: string
  readonly title: string
  /** Of its weights file. */
  readonly sha256: string
  readonly bytes: number
  readonly created_at: string
}

export interface MemoryEstimate {
  readonly bytes: number
  readonly parts: readonly { readonly name: string; readonly bytes: number }[]
  readonly largestBinding: number
  readonly verdict: 'fits' | 'tight' | 'exceeds'
  readonly advice: string
  readonly notes: readonly string[]
}

/** A recipe file as the new-run form takes it. */
export interface RecipeOnForm {
  readonly algorithm: string
  /** A model that is here; null: as the form has it. */
  readonly model: string | null
  /** Data sets that are here. */
  readonly data: readonly string[]
  readonly steps: number | null
  readonly seed: number | null
  readonly dtype: WeightDtype | null
  readonly kvDtype: CacheDtype | null
  /** An adapter that is here to begin from. */
  readonly initAdapter: InitialAdapterRef | null
  readonly config: Readonly<Record<string, unknown>>
  /** Fields that change nothing here, each with its reason. */
  readonly ignored: readonly FieldRemark[]
  /** Settings the file does not name, whose value in the program it was written for is not Hone's default. */
  readonly assumed: readonly FieldRemark[]
}
export type RecipeSource = { readonly kind: 'run'; readonly run_id: string } | { readonly kind: 'request'; readonly request: TrainRequest }
export interface RecipeFile {
  readonly name: string
  readonly text: string
  /** The release the names belong to; null for Hone's own. */
  readonly requires: string | null
  /** What did not go over, or not quite. */
  readonly unmapped: readonly FieldRemark[]
  /** Settings that are the other program's defaults already. */
  readonly implied: readonly FieldRemark[]
  readonly ignored: readonly FieldRemark[]
}

/** What a check before step 0 found. `refusal`: the run would fail or learn nothing; `warning`: not as meant. */
export interface PreflightFinding {
  readonly check: string
  readonly level: 'fine' | 'warning' | 'refusal'
  readonly message: string
}

/** What stands for the run of a merge's job: it is no run of its own. */
export const mergedJobId = (runId: string): string => `${runId}/merged`

/** A base with an adapter merged in: 16-bit files of a Hugging Face folder. */
export interface MergedModel {
  /** Title of the base. */
  readonly base: string
  /** Of all files, weights first. */
  readonly names: readonly string[]
  /** Empty where the files were written into a folder. */
  readonly files: Readonly<Record<string, Blob>>
  /** Of the weights. */
  readonly bytes: number
  readonly dtype: 'F16' | 'BF16' | 'F32'
  /** What a reader must know of the base; null when nothing. */
  readonly note: string | null
  /** KL(base with adapter ‖ merged) in nats over `tokens` tokens, and the share of them both find the same token likeliest. */
  readonly kl: { readonly mean: number; readonly max: number; readonly tokens: number; readonly sameTop: number }
}

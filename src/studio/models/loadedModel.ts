/** A model that is open: its text side, and its weights. */
import type { RenderChat } from '../../agents/callFormats/callFormat'
import type { KvDtype } from '../../engine/ops/kvCache'
import type { WeightFormat } from '../../engine/weightFormat'
import type { ModelConfig } from '../../models/architectures/config'
import type { WeightReader } from '../../models/languageModel'
import type { HfTokenizer } from '../../models/tokenizer/hfTokenizer'
import type { PromptPack } from '../../records/promptPack'
import type { EvaluateRequest } from '../../records/requests'

/** What one needs to put text in and get text out; reading it needs no weights. */
export interface ModelText {
  readonly id: string
  readonly title: string
  readonly config: ModelConfig
  readonly tokenizer: HfTokenizer
  /** The Jinja source; absent where it was not read. */
  readonly chatTemplate?: string | null
  readonly renderChat?: RenderChat | null
  /** The call format that a request chose; absent or null: the one that fits best. */
  readonly callFormat?: string | null
  /** Texts of prompts in place of our own. */
  readonly promptPack?: PromptPack | undefined
}
export interface LoadedModel extends ModelText {
  readonly sha256: string
  readonly reader: WeightReader
}

/** The model with the call format and the texts of prompts that a request chose. */
export const withCallFormat = <Model extends ModelText>(model: Model, { callFormat = null, promptPack }: FormatRequest): Model => ({
  ...model,
  callFormat,
  promptPack,
})
type FormatRequest = Pick<EvaluateRequest, 'callFormat' | 'promptPack'>

/** The model with the formats of its frozen weights and of its KV cache; trained weights are f32 in any case. */
export const withPrecision = <Model extends ModelText>(model: Model, dtype: WeightFormat = 'f32', kvDtype: KvDtype = 'f32'): Model => ({
  ...model,
  config: { ...model.config, weight_format: dtype, kv_dtype: kvDtype },
})

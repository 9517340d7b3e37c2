/** The description of an architecture. Everything that differs between families is in its file; no other code asks for `model_type`. */
import type { Tensor } from '../../engine/tensor'
import type { DecoderGraph } from './decoder'
import type { ConfigFile, ModelConfig, RopeScaling } from './modelConfig'

export type RopeType = RopeScaling['rope_type'] | 'plain'

export interface Architecture {
  /** `model_type` of config.json. */
  readonly name: string
  readonly title: string
  /** The values of transformers' configuration class where config.json gives none. */
  readonly defaults: {
    readonly max_position_embeddings: number
    /** null: hidden_size / num_attention_heads. */
    readonly head_dim: number | null
    /** null: num_attention_heads. */
    readonly num_key_value_heads: number | null
    readonly tie_word_embeddings: boolean
    readonly bos_token_id: number | null
    readonly eos_token_id: number | null
  }
  /** Whether config.json may switch on a sliding window. */
  readonly hasSlidingWindow: boolean
  /** Which projections have biases, and whether queries and keys are normalised by head. */
  flags(file: ConfigFile): Pick<ModelConfig, 'qkv_bias' | 'o_bias' | 'mlp_bias' | 'qk_norm'>
  /** Hugging Face parameter name → shape. */
  parameters(config: ModelConfig): Readonly<Record<string, readonly number[]>>
  /** Hidden states after the final norm, [T, hidden]. */
  forward(parts: DecoderGraph): Tensor
  /** Rotary scaling → goldens of transformers that `hone parity` compares. Scalings that are not named were not compared. */
  readonly exact: Readonly<Partial<Record<RopeType, readonly string[]>>>
  /** Checkpoints with trained weights that were run. */
  readonly ran: readonly string[]
}

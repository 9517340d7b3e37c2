import type { Tensor } from '../../engine/tensor'
import type { ModelConfig } from './config'
import type { DecoderGraph } from './decoder'

export interface Architecture {
  readonly name: string
  /** Hugging Face parameter name → shape. */
  parameters(config: ModelConfig): Readonly<Record<string, readonly number[]>>
  /** Hidden states after the final norm, [T, hidden]. */
  forward(parts: DecoderGraph): Tensor
}

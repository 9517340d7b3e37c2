/** The tensors of an adapter, from which a run can start and which it produces. */
import type { Shape } from '../../engine/tensor'
import type { LoraShape } from '../../models/architectures/decoder'

/** Trainable tensors by name, as the trainer holds them. */
export type AdapterTensors = ReadonlyMap<string, { readonly shape: Shape; readonly values: Float32Array }>

/** An adapter from which a run starts. */
export interface InitialAdapter {
  readonly lora: LoraShape
  /** The matrices of every layer, and a value head where one was stored beside them. */
  readonly tensors: AdapterTensors
}

/** Random weights and adapters, drawn from Philox streams: the same seed gives the same model everywhere. */
import { createRng } from '../../base/random'
import { sizeOf } from '../../engine/tensor'
import type { ModelConfig } from '../../models/architectures/config'
import type { WeightReader } from '../../models/languageModel'

const STREAM = { weights: 101, lora: 102, value: 103 } as const

/**
 * Weights for training from scratch: embeddings N(0, 0.05²), matrices N(0, 1/fan_in), those that write into the residual stream
 * divided by √(2·layers) (GPT-2), gains 1, biases 0.
 */
export function randomWeights(config: ModelConfig, seed: number): WeightReader {
  return {
    read: (name, shape) => {
      const size = sizeOf(shape)
      if (name.endsWith('norm.weight')) return Promise.resolve(new Float32Array(size).fill(1))
      if (name.endsWith('.bias')) return Promise.resolve(new Float32Array(size))
      const residual = name.includes('o_proj') || name.includes('down_proj') ? 1 / Math.sqrt(2 * config.num_hidden_layers) : 1
      const std = name.includes('embed_tokens') || name.includes('lm_head') ? 0.05 : residual / Math.sqrt(shape[1] ?? 1)
      const rng = createRng(seed, STREAM.weights, streamOf(name))
      return Promise.resolve(Float32Array.from({ length: size }, () => std * rng.normal()))
    },
  }
}

/** Initializes an adapter as PEFT does: A is Kaiming-uniform with a = √5, which is U(±1/√in), or N(0, 1/r²); B is zero. */
export function initialLora(name: string, shape: readonly number[], seed: number, init: 'kaiming' | 'gaussian' = 'kaiming'): Float32Array {
  const size = sizeOf(shape)
  if (name.endsWith('lora_B.weight')) return new Float32Array(size)
  const bound = 1 / Math.sqrt(shape[1] ?? 1)
  const rng = createRng(seed, STREAM.lora, streamOf(name))
  if (init === 'gaussian') return Float32Array.from({ length: size }, () => rng.normal() / (shape[0] ?? 1))
  return Float32Array.from({ length: size }, () => (2 * rng.uniform() - 1) * bound)
}

/** torch's nn.Linear default, U(±1/√hidden), for the value head's weight and bias; or zeros. */
export function initialValueHead(shape: readonly number[], hidden: number, seed: number, init: 'torch' | 'zero'): Float32Array {
  const size = sizeOf(shape)
  if (init === 'zero') return new Float32Array(size)
  const bound = 1 / Math.sqrt(hidden)
  const rng = createRng(seed, STREAM.value, size)
  return Float32Array.from({ length: size }, () => (2 * rng.uniform() - 1) * bound)
}

/** A stream number from a name (FNV-1a). */
function streamOf(name: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193) >>> 0
  return hash
}

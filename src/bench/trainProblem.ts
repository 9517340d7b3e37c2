/** The training step that is measured: a small Qwen2, every weight trained, two sequences of random tokens. Both sides get these numbers. */
import { createRng } from '../base/random'
import { ropeTables } from '../models/architectures/ropeFrequencies'
import type { AdamWHyper } from '../engine/ops/adamW'
import { parseModelConfig, type ModelConfig } from '../models/architectures/config'
import type { WeightReader } from '../models/languageModel'
import { randomWeights } from '../training/policy/initialWeights'

export interface TrainProblem {
  readonly config: ModelConfig
  readonly weights: WeightReader
  /** Equal lengths; every token but the first of a sequence is a target. */
  readonly sequences: readonly (readonly number[])[]
  readonly hyper: AdamWHyper
  /** [positions, head_dim / 2] */
  readonly rope: { readonly cos: Float32Array; readonly sin: Float32Array }
}

export interface ProblemSize {
  readonly layers: number
  readonly hidden: number
  readonly heads: number
  readonly kvHeads: number
  readonly intermediate: number
  readonly vocabulary: number
  readonly sequences: number
  readonly length: number
}

export const problemSizes = {
  small: { layers: 2, hidden: 128, heads: 4, kvHeads: 2, intermediate: 352, vocabulary: 1024, sequences: 2, length: 128 },
  large: { layers: 4, hidden: 256, heads: 4, kvHeads: 2, intermediate: 704, vocabulary: 2048, sequences: 2, length: 128 },
} as const satisfies Record<string, ProblemSize>

/** Much memory, little work (and heads whose kernels compile fast): for holding the process's memory against the buffers'. */
export const memoryProblemSize: ProblemSize = {
  ...{ layers: 4, hidden: 512, heads: 64, kvHeads: 64, intermediate: 1408, vocabulary: 16_384, sequences: 2, length: 32 },
}
export type ProblemName = keyof typeof problemSizes

export function trainProblem(size: ProblemSize, seed: number): TrainProblem {
  const config = parseModelConfig({
    model_type: 'qwen2',
    vocab_size: size.vocabulary,
    hidden_size: size.hidden,
    intermediate_size: size.intermediate,
    num_hidden_layers: size.layers,
    num_attention_heads: size.heads,
    num_key_value_heads: size.kvHeads,
    max_position_embeddings: size.length,
    tie_word_embeddings: true,
    rms_norm_eps: 1e-6,
    rope_theta: 10_000,
  })
  const rng = createRng(seed, 1)
  return {
    config,
    weights: randomWeights(config, seed),
    sequences: Array.from({ length: size.sequences }, () => Array.from({ length: size.length }, () => rng.int(size.vocabulary))),
    hyper: { learningRate: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01, maxGradNorm: 0, gradScale: 1 },
    rope: ropeTables(config),
  }
}

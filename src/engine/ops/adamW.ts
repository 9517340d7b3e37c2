import { fold, input, scratch, u32 } from '../kernel'
import { apply, at, fail } from '../op'
import type { Op } from '../op'
import { floats } from '../tensor'
import type { Tensor } from '../tensor'
import { CHUNK, packedShards } from './packedShards'

/** Words of the hyper-parameter buffer, uploaded before each step. */
export const HYPER_WORDS = 8
/** Words of the optimizer state: factor, gradient norm (−1: not finite), applied, skipped, q1, q2, steps applied, unused. */
export const OPTIMIZER_STATE_WORDS = 8

export interface AdamWHyper {
  readonly learningRate: number
  readonly beta1: number
  readonly beta2: number
  readonly eps: number
  readonly weightDecay: number
  /** Global norm to clip to; 0 for none. */
  readonly maxGradNorm: number
  /** Multiplies every gradient first (1 / accumulated micro-batches, or 1). */
  readonly gradScale: number
}

/** The hyper-parameter buffer [8] that `clipFactorOp` and `adamWOp` read. */
export function hyperWords(hyper: AdamWHyper): Float32Array {
  return Float32Array.of(
    hyper.learningRate,
    1 - hyper.beta1,
    1 - hyper.beta2,
    hyper.eps,
    hyper.weightDecay,
    hyper.maxGradNorm,
    hyper.gradScale,
    0,
  )
}

/**
 * Computes the clip factor from the global norm of the packed gradients, and decides on the GPU whether the step applies.
 * Inputs: grads [n], hyper [8], optimizer state [8] (changed in place).
 */
export const clipFactorOp: Op<null> = {
  name: 'clipFactor',
  mutates: [2],
  infer: ([grads, hyper, state]) => {
    if (!grads || hyper?.shape[0] !== HYPER_WORDS || state?.shape[0] !== OPTIMIZER_STATE_WORDS)
      fail('clipFactor', 'grads [n], hyper [8], state [8]', grads?.shape, hyper?.shape, state?.shape)
    return []
  },
  reference: (arrays) => {
    const [grads, hyper, before] = [at(arrays, 0), at(arrays, 1), at(arrays, 2)]
    const state = Float64Array.from(before)
    const norm = Math.sqrt(Array.from(grads).reduce((sum, g) => sum + g * g, 0)) * (hyper[6] ?? 1)
    if (!Number.isFinite(norm)) {
      state.set([0, -1, 0, (state[3] ?? 0) + 1])
      return [state]
    }
    const max = hyper[5] ?? 0
    state[0] = (hyper[6] ?? 1) * (max > 0 ? Math.min(1, max / (norm + 1e-6)) : 1)
    state[1] = norm
    state[2] = 1
    state[4] = (state[4] ?? 0) + (hyper[1] ?? 0) * (1 - (state[4] ?? 0))
    state[5] = (state[5] ?? 0) + (hyper[2] ?? 0) * (1 - (state[5] ?? 0))
    state[6] = (state[6] ?? 0) + 1
    return [state]
  },
  kernel: (inputs, _outputs, _params, context) => {
    const total = at(inputs, 0).shape[0] ?? 0
    const chunks = Math.ceil(total / CHUNK)
    return {
      scratch: [chunks * 4],
      dispatches: [
        ...packedShards(total, context).map(({ first, count }) => ({
          shader: 'optimizer/square_sum',
          constants: { CHUNK },
          bindings: [input(0, first * 4, count * 4), scratch(0)],
          params: [u32(count), u32(first / CHUNK)],
          workgroups: fold(Math.ceil(count / CHUNK)),
          flops: 2 * count,
          bytes: 4 * count,
        })),
        {
          shader: 'optimizer/clip_factor',
          bindings: [scratch(0), input(1), input(2)],
          params: [u32(chunks)],
          workgroups: [1, 1, 1],
          flops: chunks,
          bytes: 4 * chunks,
        },
      ],
    }
  },
  examples: [
    {
      label: 'clips',
      inputs: [floats(5000), floats(8), floats(8)],
      params: null,
      values: { 1: [0.01, 0.1, 0.001, 1e-8, 0, 1, 0.5, 0], 2: [0, 0, 0, 0, 0.1, 0.001, 1, 0] },
    },
    {
      label: 'does not clip',
      inputs: [floats(90), floats(8), floats(8)],
      params: null,
      values: { 1: [0.01, 0.1, 0.001, 1e-8, 0, 0, 1, 0], 2: [0, 0, 0, 0, 0, 0, 0, 0] },
    },
    {
      label: 'not finite',
      inputs: [floats(3), floats(8), floats(8)],
      params: null,
      values: { 0: [1, Number.NaN, 2], 1: [0.01, 0.1, 0.001, 1e-8, 0, 0, 1, 0], 2: [1, 1, 1, 2, 0.3, 0.4, 5, 0] },
    },
  ],
}

export interface AdamWParams {
  /** Elements before this index decay; gains, biases and padding come after. */
  readonly decayEnd: number
}

/**
 * One AdamW step on packed weights (Loshchilov & Hutter 2019; torch's order of operations).
 * Inputs: grads [n], hyper [8], optimizer state [8], then weights, first and second moments [n], which are changed in place.
 */
export const adamWOp: Op<AdamWParams> = {
  name: 'adamW',
  mutates: [3, 4, 5],
  infer: (inputs) => {
    const count = inputs[0]?.shape.join()
    for (const index of [3, 4, 5])
      if (inputs[index]?.shape.join() !== count)
        fail('adamW', 'weights and moments like the gradients', inputs[0]?.shape, inputs[index]?.shape)
    return []
  },
  reference: (arrays, _specs, params) => {
    const [grads, hyper, state] = [at(arrays, 0), at(arrays, 1), at(arrays, 2)]
    const [weights, first, second] = [Float64Array.from(at(arrays, 3)), Float64Array.from(at(arrays, 4)), Float64Array.from(at(arrays, 5))]
    if (state[2] === 0) return [weights, first, second]
    const [lr = 0, c1 = 0, c2 = 0, eps = 0, decay = 0] = hyper
    weights.forEach((weight, i) => {
      const g = (grads[i] ?? 0) * (state[0] ?? 0)
      const m = (first[i] ?? 0) + c1 * (g - (first[i] ?? 0))
      const v = (second[i] ?? 0) + c2 * (g * g - (second[i] ?? 0))
      const p = i < params.decayEnd ? weight * (1 - lr * decay) : weight
      first[i] = m
      second[i] = v
      weights[i] = p - ((lr / (state[4] ?? 1)) * m) / (Math.sqrt(v) / Math.sqrt(state[5] ?? 1) + eps)
    })
    return [weights, first, second]
  },
  kernel: (inputs, _outputs, params, context) => ({
    dispatches: packedShards(at(inputs, 0).shape[0] ?? 0, context).map(({ first, count }) => {
      const part = (index: number) => input(index, first * 4, count * 4)
      return {
        shader: 'optimizer/adamw',
        bindings: [part(0), input(1), input(2), part(3), part(4), part(5)],
        params: [u32(count), u32(Math.max(0, params.decayEnd - first))],
        workgroups: fold(Math.ceil(count / 64)),
        flops: 16 * count,
        bytes: 28 * count,
      }
    }),
  }),
  examples: [
    {
      label: 'step 2 with decay',
      inputs: [floats(100), floats(8), floats(8), floats(100), floats(100), floats(100)],
      params: { decayEnd: 60 },
      values: {
        1: [0.01, 0.1, 0.001, 1e-8, 0.1, 1, 1, 0],
        2: [0.7, 1, 1, 0, 0.19, 0.001999, 2, 0],
        5: Array.from({ length: 100 }, (_, i) => 0.01 + i * 0.001),
      },
    },
    {
      label: 'skipped',
      inputs: [floats(10), floats(8), floats(8), floats(10), floats(10), floats(10)],
      params: { decayEnd: 0 },
      values: { 1: [0.01, 0.1, 0.001, 1e-8, 0.1, 1, 1, 0], 2: [0, -1, 0, 1, 0.19, 0.002, 2, 0], 5: Array.from({ length: 10 }, () => 0.5) },
    },
  ],
}

export interface PackedTensors {
  readonly weights: Tensor
  readonly grads: Tensor
  readonly first: Tensor
  readonly second: Tensor
  readonly hyper: Tensor
  readonly optimizerState: Tensor
}

/** Applies `clipFactorOp` and then `adamWOp` to packed weights, gradients and moments [n]. */
export function adamWStep(packed: PackedTensors, params: AdamWParams): void {
  apply(clipFactorOp, [packed.grads, packed.hyper, packed.optimizerState], null)
  apply(adamWOp, [packed.grads, packed.hyper, packed.optimizerState, packed.weights, packed.first, packed.second], params)
}

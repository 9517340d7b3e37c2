import { fold, input, output, scratch, u32 } from '../kernel'
import { apply, at, fail } from '../op'
import type { Dispatch, Kernel, KernelContext } from '../kernel'
import type { NumberArray, Op } from '../op'
import { floats, words } from '../tensor'
import type { Tensor, TensorSpec } from '../tensor'
import { isPacked } from '../weightFormat'
import { nnDispatch, ntDispatch, tnDispatch } from '../products/matmulDispatch'
import { weightRows } from '../weightRows'

/** Entries of the vocabulary that are in flight at once: [R, V] is never materialised for larger vocabularies. The number is fixed, so that bits do not depend on the batch. */
const VOCABULARY_CHUNK = 2048

export interface LogProbParams {
  /** Rows of w that are tokens; those after them, up to a multiple of 4, take no part. */
  readonly vocabulary: number
}

interface Extent {
  readonly rows: number
  readonly width: number
  /** Rows of w. */
  readonly paddedRows: number
  readonly vocabulary: number
}
function extent(op: string, h: TensorSpec | undefined, w: TensorSpec | undefined, { vocabulary }: LogProbParams): Extent {
  const [rows, width] = h?.shape ?? []
  const [paddedRows, wWidth] = w?.shape ?? []
  if (rows === undefined || width === undefined || paddedRows === undefined || width !== wWidth || width % 4 !== 0 || paddedRows % 4 !== 0)
    fail(op, 'h [R, D] and w [V, D] with D and V multiples of 4', h?.shape, w?.shape)
  if (vocabulary > paddedRows || vocabulary <= paddedRows - 4) fail(op, `w of ${vocabulary} rows and less than 4 after them`, w?.shape)
  return { rows, width, paddedRows, vocabulary }
}

interface Chunk {
  readonly first: number
  readonly count: number
  /** Of them tokens. */
  readonly live: number
}
const chunksOf = ({ paddedRows, vocabulary }: Extent): Chunk[] => {
  const chunks: Chunk[] = []
  for (let first = 0; first < paddedRows; first += VOCABULARY_CHUNK) {
    const count = Math.min(VOCABULARY_CHUNK, paddedRows - first)
    chunks.push({ first, count, live: Math.min(count, vocabulary - first) })
  }
  return chunks
}

/** Greatest weights of an example, by row and column. */
const LIKELY: Readonly<Record<string, number>> = { '7 0': 3, '2051 1': 3, '30 2': 2, '31 2': 2, '40 3': 4, '2050 3': 4 }

/**
 * log p(target) under softmax(h wᵀ), with log-sum-exp and entropy, streamed over vocabulary chunks (online log-sum-exp; Liger's
 * fused linear losses follow the same plan). Inputs: h [R, D], w [V, D], targets u32 [R], counts. Outputs: logp, lse, entropy, each [R], nats,
 * and isTop1 [R]: 1 where the target is the likeliest token, of equals the first (TRL's `is_top1`), else 0.
 */
export const logProbOp: Op<LogProbParams> = {
  name: 'logProb',
  infer: ([h, w, targets], params) => {
    const { rows } = extent('logProb', h, w, params)
    if (targets?.shape.join() !== String(rows)) fail('logProb', `targets of [${rows}]`, targets?.shape)
    const row: TensorSpec = { shape: [rows], dtype: 'f32' }
    return [row, row, row, row]
  },
  reference: (arrays, specs, params) => {
    const size = extent('logProb', specs[0], specs[1], params)
    const result = [0, 1, 2, 3].map(() => new Float64Array(size.rows))
    for (let r = 0; r < Math.min(size.rows, at(arrays, 3)[1] ?? 0); r++) {
      const z = logits(arrays, r, size)
      const m = Math.max(...z)
      const sum = z.reduce((total, value) => total + Math.exp(value - m), 0)
      const lse = m + Math.log(sum)
      at(result, 0)[r] = (z[at(arrays, 2)[r] ?? 0] ?? 0) - lse
      at(result, 1)[r] = lse
      at(result, 2)[r] = lse - z.reduce((total, value) => total + Math.exp(value - lse) * value, 0)
      at(result, 3)[r] = Number(z.indexOf(m) === at(arrays, 2)[r])
    }
    return result
  },
  kernel: (inputs, _outputs, params, context): Kernel => {
    const size = extent('logProb', inputs[0], inputs[1], params)
    const chunks = chunksOf(size)
    const dispatches: Dispatch[] = []
    chunks.forEach(({ first, count, live }, index) => {
      dispatches.push(
        ntDispatch({ m: size.rows, k: size.width, n: count }, context, {
          x: input(0),
          w: weightRows(1, at(inputs, 1), first, count),
          y: scratch(0),
        }),
        {
          shader: 'loss/lse_chunk',
          bindings: [scratch(0), input(2), input(3), scratch(1), output(0), output(1), output(2), output(3)],
          params: [u32(size.rows), u32(first), u32(count), u32(Number(index === 0)), u32(Number(index === chunks.length - 1)), u32(live)],
          workgroups: fold(size.rows),
          flops: 6 * size.rows * count,
          bytes: 8 * size.rows * count,
        },
      )
    })
    return { scratch: [size.rows * Math.min(VOCABULARY_CHUNK, size.paddedRows) * 4, size.rows * 16], dispatches }
  },
  backward: ({ grads, inputs, outputs, params, needs }) => {
    const dlogp = at(grads, 0)
    if (!dlogp) return []
    if (grads[1] || grads[2] || grads[3]) throw new Error('logProb: gradients flow through log p only, not through lse, entropy or isTop1')
    const [h, w, targets, counts] = [at(inputs, 0), at(inputs, 1), at(inputs, 2), at(inputs, 3)]
    const operands = [h, w, targets, counts, at(outputs, 1), dlogp]
    return [
      needs[0] ? at(apply(logProbHiddenGradOp, operands, params), 0) : null,
      needs[1] ? at(apply(logProbWeightGradOp, operands, params), 0) : null,
      null,
      null,
    ]
  },
  examples: [
    {
      label: 'small',
      liveRows: { 0: 4 },
      inputs: [floats(5, 8), floats(12, 8), words(5), words(4)],
      params: { vocabulary: 12 },
      values: { 2: [0, 11, 3, 3, 7], 3: [9, 4, 1, 0] },
    },
    {
      label: 'int8 weights, two chunks',
      inputs: [floats(3, 32), { shape: [2056, 32], dtype: 'int8' }, words(3), words(4)],
      params: { vocabulary: 2056 },
      values: { 2: [0, 2055, 2047], 3: [9, 3, 1, 0] },
      differentiable: [0],
    },
    {
      label: 'two chunks',
      inputs: [floats(3, 4), floats(2056, 4), words(3), words(4)],
      params: { vocabulary: 2056 },
      values: { 2: [0, 2055, 2047], 3: [9, 3, 1, 0] },
      differentiable: [0],
    },
    {
      label: 'a vocabulary of 9 in 12 rows',
      inputs: [floats(5, 8), floats(12, 8), words(5), words(4)],
      params: { vocabulary: 9 },
      values: { 2: [0, 8, 3, 3, 7], 3: [9, 4, 1, 0] },
    },
    {
      label: 'two chunks, one row past the vocabulary',
      inputs: [floats(3, 32), { shape: [2056, 32], dtype: 'int8' }, words(3), words(4)],
      params: { vocabulary: 2055 },
      values: { 2: [0, 2054, 2047], 3: [9, 3, 1, 0] },
      differentiable: [0],
    },
    // Logits are the w of the row's own column. Greatest: alone in either chunk, and of equals the first, the second and the one of the other chunk.
    {
      label: 'likeliest targets',
      inputs: [floats(6, 4), floats(2060, 4), words(6), words(4)],
      params: { vocabulary: 2060 },
      values: {
        0: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 1],
        1: Array.from({ length: 2060 * 4 }, (_, i) => LIKELY[`${Math.floor(i / 4)} ${i % 4}`] ?? Math.sin(i)),
        2: [7, 2051, 30, 31, 40, 2050],
        3: [9, 6, 1, 0],
      },
      differentiable: [],
    },
  ],
}

function gradientChunks(
  inputs: readonly TensorSpec[],
  size: Extent,
  context: KernelContext,
): {
  dispatches: (after: (chunk: Chunk, index: number) => Dispatch) => Dispatch[]
  scratch: number[]
} {
  return {
    scratch: [size.rows * Math.min(VOCABULARY_CHUNK, size.paddedRows) * 4],
    dispatches: (after) =>
      chunksOf(size).flatMap(({ first, count, live }, index) => [
        ntDispatch({ m: size.rows, k: size.width, n: count }, context, {
          x: input(0),
          w: weightRows(1, at(inputs, 1), first, count),
          y: scratch(0),
        }),
        {
          shader: 'loss/logit_gradient',
          bindings: [input(2), input(4), input(5), input(3), scratch(0)],
          params: [u32(size.rows), u32(first), u32(count), u32(live)],
          workgroups: fold(Math.ceil((size.rows * count) / 64)),
          flops: 8 * size.rows * count,
          bytes: 8 * size.rows * count,
        },
        after({ first, count, live }, index),
      ]),
  }
}

/** dh [R, D] = Σ_v dlogp (1[v = target] − p_v) w_v. Inputs: h [R, D], w [V, D], targets u32 [R], counts, lse [R], dlogp [R]. */
export const logProbHiddenGradOp: Op<LogProbParams> = {
  name: 'logProbHiddenGrad',
  infer: ([h, w], params) => {
    const { rows, width } = extent('logProbHiddenGrad', h, w, params)
    return [{ shape: [rows, width], dtype: 'f32' }]
  },
  reference: (arrays, specs, params) => {
    const size = extent('logProbHiddenGrad', specs[0], specs[1], params)
    const dh = new Float64Array(size.rows * size.width)
    eachLogitGradient(arrays, size, (r, v, grad) => {
      for (let d = 0; d < size.width; d++)
        dh[r * size.width + d] = (dh[r * size.width + d] ?? 0) + grad * (at(arrays, 1)[v * size.width + d] ?? 0)
    })
    return [dh]
  },
  kernel: (inputs, _outputs, params, context) => {
    const size = extent('logProbHiddenGrad', inputs[0], inputs[1], params)
    const chunks = gradientChunks(inputs, size, context)
    const dispatches = chunks.dispatches(({ first, count }, index) =>
      nnDispatch(
        { m: size.rows, k: count, n: size.width },
        { ...context, accumulate: index > 0 },
        {
          x: scratch(0),
          w: weightRows(1, at(inputs, 1), first, count),
          y: output(0),
        },
      ),
    )
    return { scratch: chunks.scratch, dispatches }
  },
  examples: [
    {
      label: 'two chunks',
      inputs: [floats(3, 4), floats(2056, 4), words(3), words(4), floats(3), floats(3)],
      params: { vocabulary: 2056 },
      values: { 2: [0, 2055, 2047], 3: [9, 3, 1, 0], 4: [8, 8.5, 9] },
    },
  ],
}

/** dw [V, D] = Σ_r dlogp_r (1[v = target_r] − p_rv) h_r. Inputs: h [R, D], w [V, D], targets u32 [R], counts, lse [R], dlogp [R]. */
export const logProbWeightGradOp: Op<LogProbParams> = {
  name: 'logProbWeightGrad',
  canAccumulate: true,
  infer: ([h, w], params) => {
    const { width, paddedRows } = extent('logProbWeightGrad', h, w, params)
    return [{ shape: [paddedRows, width], dtype: 'f32' }]
  },
  reference: (arrays, specs, params) => {
    const size = extent('logProbWeightGrad', specs[0], specs[1], params)
    const dw = new Float64Array(size.paddedRows * size.width)
    eachLogitGradient(arrays, size, (r, v, grad) => {
      for (let d = 0; d < size.width; d++)
        dw[v * size.width + d] = (dw[v * size.width + d] ?? 0) + grad * (at(arrays, 0)[r * size.width + d] ?? 0)
    })
    return [dw]
  },
  kernel: (inputs, _outputs, params, context) => {
    const size = extent('logProbWeightGrad', inputs[0], inputs[1], params)
    if (isPacked(at(inputs, 1).dtype)) fail('logProbWeightGrad', 'weights in f32', inputs[1]?.shape)
    const chunks = gradientChunks(inputs, size, context)
    const dispatches = chunks.dispatches(({ first, count }) =>
      tnDispatch({ m: size.rows, n: count, k: size.width }, { alpha: 1, rowCount: 'targets' }, context, [
        scratch(0),
        input(0),
        input(3),
        output(0, first * size.width * 4, count * size.width * 4),
      ]),
    )
    return { scratch: chunks.scratch, dispatches }
  },
  examples: [
    {
      label: 'one chunk',
      liveRows: { 0: 4, 4: 4, 5: 4 },
      inputs: [floats(5, 4), floats(12, 4), words(5), words(4), floats(5), floats(5)],
      params: { vocabulary: 12 },
      values: { 2: [0, 11, 3, 3, 7], 3: [9, 4, 1, 0], 4: [3, 3.5, 4, 3, 3] },
    },
  ],
}

function logits(arrays: readonly NumberArray[], r: number, size: Extent): number[] {
  const z: number[] = []
  for (let v = 0; v < size.vocabulary; v++) {
    let sum = 0
    for (let d = 0; d < size.width; d++) sum += (at(arrays, 0)[r * size.width + d] ?? 0) * (at(arrays, 1)[v * size.width + d] ?? 0)
    z.push(sum)
  }
  return z
}

function eachLogitGradient(arrays: readonly NumberArray[], size: Extent, visit: (r: number, v: number, grad: number) => void): void {
  for (let r = 0; r < Math.min(size.rows, at(arrays, 3)[1] ?? 0); r++) {
    logits(arrays, r, size).forEach((z, v) => {
      const hit = v === at(arrays, 2)[r] ? 1 : 0
      visit(r, v, (at(arrays, 5)[r] ?? 0) * (hit - Math.exp(z - (at(arrays, 4)[r] ?? 0))))
    })
  }
}

export interface TokenLogProbs {
  readonly logp: Tensor
  readonly lse: Tensor
  readonly entropy: Tensor
  readonly isTop1: Tensor
}

/**
 * Log-probs [R], lse [R], entropies [R] and isTop1 [R] of target tokens; see `logProbOp`.
 * @param vocabulary the number of rows of `w` that are tokens; by default all are.
 */
export function logProb(h: Tensor, w: Tensor, targets: Tensor, counts: Tensor, vocabulary = at(w.shape, 0)): TokenLogProbs {
  const outputs = apply(logProbOp, [h, w, targets, counts], { vocabulary })
  return { logp: at(outputs, 0), lse: at(outputs, 1), entropy: at(outputs, 2), isTop1: at(outputs, 3) }
}

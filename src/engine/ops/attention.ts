import { f32, fold, input, output, scratch, u32 } from '../kernel'
import { apply, at, fail } from '../op'
import type { KernelContext, Word } from '../kernel'
import type { NumberArray, Op } from '../op'
import { floats, words } from '../tensor'
import type { Tensor } from '../tensor'
import { tileSubgroup } from '../tileSubgroup'

export interface AttentionParams {
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
}

/** How the rows of an operand are divided among invocations, and the shader constants for it. */
interface Tiling {
  readonly prefix: '' | 'subgroup_' | 'tiled_'
  /** After the scale. */
  readonly params: readonly Word[]
  readonly queries: Readonly<Record<string, number>>
  readonly keys: Readonly<Record<string, number>>
  readonly queryGroups: readonly [number, number, number]
  readonly keyGroups: readonly [number, number, number]
}

const KEYS = 32

function tilingOf(tokens: number, params: AttentionParams, context: Pick<KernelContext, 'isSoftware' | 'subgroupSize'>): Tiling {
  const { heads, kvHeads, headDim } = params
  const group = heads / kvHeads
  if (!Number.isInteger(group) || headDim % 4 !== 0 || headDim > 256)
    throw new Error(
      `attention: expected heads a multiple of key heads and a head size that is a multiple of 4 up to 256, found ${heads}, ${kvHeads}, ${headDim}`,
    )
  const shared = { HD4: headDim / 4, KV: kvHeads, GROUP: group }
  const subgroup = tileSubgroup(context)
  if (subgroup !== null && (headDim / 4) % subgroup === 0) {
    // All rows use a shared key, and the sums of a wide head already fill the registers.
    const rows = headDim <= 32 ? 4 : headDim <= 128 ? 2 : 1
    const constants = { ...shared, R: rows, SUBGROUP: subgroup, PARTS: headDim / 4 / subgroup }
    const blocks = Math.ceil(tokens / (subgroup * rows))
    return {
      ...{ prefix: 'subgroup_', params: [], queries: constants, keys: constants },
      ...{ queryGroups: [blocks, heads, 1], keyGroups: [blocks, kvHeads, 1] },
    }
  }
  if (!context.isSoftware && headDim > NARROW) {
    const blocks = Math.ceil((tokens * group) / TILE)
    return {
      ...{ prefix: 'tiled_', params: [u32(headDim / 4)] },
      queries: { ...shared, ...tileOf(headDim / 4, 8) },
      // Two sets of sums and of weights: less is staged at a time.
      keys: { ...shared, ...tileOf(headDim / 4, 4) },
      queryGroups: [blocks, kvHeads, 1],
      keyGroups: [Math.ceil(tokens / TILE), kvHeads, 1],
    }
  }
  // 256 invocations and 16 KiB of workgroup memory are what every adapter has.
  const queryBlock = Math.max(1, Math.min(32, Math.floor(256 / group)))
  const tile = Math.max(4, Math.min(32, Math.floor(2000 / headDim)))
  return {
    ...{ prefix: '', params: [] },
    queries: { ...shared, BK: tile, QB: queryBlock, LANES: queryBlock * group },
    keys: { ...shared, BK: tile, KB: KEYS },
    queryGroups: [Math.ceil(tokens / queryBlock), kvHeads, 1],
    keyGroups: [Math.ceil(tokens / KEYS), kvHeads, 1],
  }
}

/** Head sizes for which a row and its sums fit the registers of an invocation. */
const NARROW = 32
/** Rows and keys of a workgroup of 128 invocations (shaders/common/attention_scores.wgsl), within 15 KiB of workgroup memory. */
const TILE = 32
const LANES = 128
/** Quads of the head that invocations take beside each other. */
const MOST_LANES = 32

/** How sums over 32 rows and `quads` quads of the head are divided among lanes, and how many rows are staged; `chunk` is the number of quads of scores at a time. */
function tileOf(quads: number, chunk: number): Readonly<Record<string, number>> {
  const columns = Math.ceil(quads / MOST_LANES)
  const lanes = Math.ceil(quads / columns)
  const mostStaged = (2 * TILE * (chunk + 1)) / quads
  const staged = [32, 16, 8].find((rows) => rows <= mostStaged) ?? 4
  return { CHUNK: chunk, STAGED: staged, ROWS: Math.ceil(TILE / Math.floor(LANES / lanes)), COLUMNS: columns, COLUMN_LANES: lanes }
}

const scaleOf = (params: AttentionParams): number => 1 / Math.sqrt(params.headDim)

/**
 * Causal attention over packed sequences with grouped key heads. Inputs: q [T, heads·headDim], k and v [T, kvHeads·headDim],
 * spans u32 [T + 1, 2] (row 0: live tokens; row 1 + t: start and end of t's segment). Outputs: o like q, lse [T, heads].
 */
export const attentionOp: Op<AttentionParams> = {
  name: 'attention',
  infer: ([q, k, v, spans], params) => {
    const tokens = q?.shape[0] ?? 0
    if (q?.shape[1] !== params.heads * params.headDim || k?.shape[1] !== params.kvHeads * params.headDim)
      fail('attention', 'q [T, heads·headDim] and k [T, kvHeads·headDim]', q?.shape, k?.shape)
    if (v?.shape.join() !== k.shape.join() || spans?.shape[0] !== tokens + 1)
      fail('attention', 'v like k and spans [T + 1, 2]', v?.shape, spans?.shape)
    return [
      { shape: q.shape, dtype: 'f32' },
      { shape: [tokens, params.heads], dtype: 'f32' },
    ]
  },
  reference: (arrays, specs, params) => {
    const run = forward(arrays, at(specs, 0).shape[0] ?? 0, params)
    return [run.o, run.lse]
  },
  kernel: (inputs, _outputs, params, context) => {
    const tokens = at(inputs, 0).shape[0] ?? 0
    const { prefix, params: more, queries, queryGroups } = tilingOf(tokens, params, context)
    return {
      dispatches: [
        {
          shader: `attention/${prefix}attention`,
          constants: queries,
          bindings: [input(0), input(1), input(2), input(3), output(0), output(1)],
          params: [f32(scaleOf(params)), ...more],
          workgroups: queryGroups,
          // Half a causal square of 256 keys a token is the estimate; lengths are not known when planning.
          flops: 4 * tokens * 128 * params.heads * params.headDim,
          bytes: 8 * tokens * (params.heads + params.kvHeads) * params.headDim,
        },
      ],
    }
  },
  backward: ({ grads, inputs, outputs, params }) => {
    const dy = at(grads, 0)
    if (!dy) return []
    return [
      ...apply(
        attentionBackwardOp,
        [dy, at(inputs, 0), at(inputs, 1), at(inputs, 2), at(outputs, 0), at(outputs, 1), at(inputs, 3)],
        params,
      ),
      null,
    ]
  },
  examples: [
    {
      label: 'two segments, grouped heads',
      inputs: [floats(7, 16), floats(7, 8), floats(7, 8), words(8, 2)],
      params: { heads: 4, kvHeads: 2, headDim: 4 },
      values: { 3: spans(7, [3, 4]) },
    },
    {
      label: 'several query blocks',
      inputs: [floats(70, 16), floats(70, 8), floats(70, 8), words(71, 2)],
      params: { heads: 2, kvHeads: 1, headDim: 8 },
      values: { 3: spans(70, [5, 41, 20]) },
    },
    {
      label: 'keys handed round in a subgroup',
      inputs: [floats(20, 64), floats(20, 32), floats(20, 32), words(21, 2)],
      params: { heads: 2, kvHeads: 1, headDim: 32 },
      values: { 3: spans(20, [3, 11, 5]) },
    },
    {
      label: 'wider heads',
      inputs: [floats(5, 64), floats(5, 64), floats(5, 64), words(6, 2)],
      params: { heads: 1, kvHeads: 1, headDim: 64 },
      values: { 3: spans(5, [2, 3]) },
    },
  ],
}

/** dq, dk and dv of attention, each with the shape of q, k or v. Inputs: do [T, heads·headDim], then q, k, v, o, lse and spans as in `attentionOp`. */
export const attentionBackwardOp: Op<AttentionParams> = {
  name: 'attentionBackward',
  infer: ([, q, k]) => {
    if (!q || !k || q.shape.length !== 2 || k.shape.length !== 2)
      fail('attentionBackward', 'do, q, k, v, o, lse, spans, of which q and k are matrices', q?.shape, k?.shape)
    return [
      { shape: q.shape, dtype: 'f32' },
      { shape: k.shape, dtype: 'f32' },
      { shape: k.shape, dtype: 'f32' },
    ]
  },
  reference: (arrays, specs, params) => backwardReference(arrays, at(specs, 1).shape[0] ?? 0, params),
  kernel: (inputs, _outputs, params, context) => {
    const tokens = at(inputs, 1).shape[0] ?? 0
    const { prefix, params: more, queries, keys, queryGroups, keyGroups } = tilingOf(tokens, params, context)
    const rows = tokens * params.heads
    return {
      scratch: [rows * 8],
      dispatches: [
        {
          shader: 'attention/delta',
          bindings: [input(0), input(4), input(5), scratch(0)],
          params: [u32(tokens), u32(params.heads), u32(params.headDim / 4)],
          workgroups: fold(Math.ceil(rows / 64)),
          flops: 2 * rows * params.headDim,
          bytes: 8 * rows * params.headDim,
        },
        {
          shader: `attention/${prefix}dq`,
          constants: queries,
          bindings: [input(0), input(1), input(2), input(3), scratch(0), input(6), output(0)],
          params: [f32(scaleOf(params)), ...more],
          workgroups: queryGroups,
          flops: 6 * tokens * 128 * params.heads * params.headDim,
          bytes: 16 * rows * params.headDim,
        },
        {
          shader: `attention/${prefix}dkv`,
          constants: keys,
          bindings: [input(0), input(1), input(2), input(3), scratch(0), input(6), output(1), output(2)],
          params: [f32(scaleOf(params)), ...more],
          workgroups: keyGroups,
          flops: 8 * tokens * 128 * params.heads * params.headDim,
          bytes: 16 * rows * params.headDim,
        },
      ],
    }
  },
  examples: [],
  testedBy: 'test/engine/ops.gpu.test.ts, as the backward of attention',
}

interface Indexer {
  readonly q: (t: number, h: number, d: number) => number
  readonly k: (t: number, h: number, d: number) => number
  readonly group: number
}
function indexer(params: AttentionParams): Indexer {
  const { heads, kvHeads, headDim } = params
  return {
    q: (t, h, d) => (t * heads + h) * headDim + d,
    k: (t, h, d) => (t * kvHeads + h) * headDim + d,
    group: heads / kvHeads,
  }
}

function forward(arrays: readonly NumberArray[], tokens: number, params: AttentionParams): { o: Float64Array; lse: Float64Array } {
  const [q, k, v, span] = [at(arrays, 0), at(arrays, 1), at(arrays, 2), at(arrays, 3)]
  const index = indexer(params)
  const o = new Float64Array(tokens * params.heads * params.headDim)
  const lse = new Float64Array(tokens * params.heads)
  const live = span[0] ?? 0
  for (let t = 0; t < live; t++)
    for (let h = 0; h < params.heads; h++) {
      const g = Math.floor(h / index.group)
      const start = span[2 + 2 * t] ?? 0
      const scores: number[] = []
      for (let j = start; j <= t; j++) {
        let s = 0
        for (let d = 0; d < params.headDim; d++) s += (q[index.q(t, h, d)] ?? 0) * (k[index.k(j, g, d)] ?? 0)
        scores.push(s * scaleOf(params))
      }
      const m = Math.max(...scores)
      const sum = scores.reduce((total, s) => total + Math.exp(s - m), 0)
      lse[t * params.heads + h] = m + Math.log(sum)
      scores.forEach((s, offset) => {
        const p = Math.exp(s - m) / sum
        for (let d = 0; d < params.headDim; d++)
          o[index.q(t, h, d)] = (o[index.q(t, h, d)] ?? 0) + p * (v[index.k(start + offset, g, d)] ?? 0)
      })
    }
  return { o, lse }
}

function backwardReference(arrays: readonly NumberArray[], tokens: number, params: AttentionParams): Float64Array[] {
  const [dy, q, k, v, o, lse, span] = [
    at(arrays, 0),
    at(arrays, 1),
    at(arrays, 2),
    at(arrays, 3),
    at(arrays, 4),
    at(arrays, 5),
    at(arrays, 6),
  ]
  const index = indexer(params)
  const dq = new Float64Array(tokens * params.heads * params.headDim)
  const dk = new Float64Array(tokens * params.kvHeads * params.headDim)
  const dv = new Float64Array(tokens * params.kvHeads * params.headDim)
  for (let t = 0; t < (span[0] ?? 0); t++)
    for (let h = 0; h < params.heads; h++) {
      const g = Math.floor(h / index.group)
      let delta = 0
      for (let d = 0; d < params.headDim; d++) delta += (dy[index.q(t, h, d)] ?? 0) * (o[index.q(t, h, d)] ?? 0)
      for (let j = span[2 + 2 * t] ?? 0; j <= t; j++) {
        let s = 0
        let dp = 0
        for (let d = 0; d < params.headDim; d++) {
          s += (q[index.q(t, h, d)] ?? 0) * (k[index.k(j, g, d)] ?? 0)
          dp += (dy[index.q(t, h, d)] ?? 0) * (v[index.k(j, g, d)] ?? 0)
        }
        const p = Math.exp(s * scaleOf(params) - (lse[t * params.heads + h] ?? 0))
        const ds = p * (dp - delta) * scaleOf(params)
        for (let d = 0; d < params.headDim; d++) {
          dq[index.q(t, h, d)] = (dq[index.q(t, h, d)] ?? 0) + ds * (k[index.k(j, g, d)] ?? 0)
          dk[index.k(j, g, d)] = (dk[index.k(j, g, d)] ?? 0) + ds * (q[index.q(t, h, d)] ?? 0)
          dv[index.k(j, g, d)] = (dv[index.k(j, g, d)] ?? 0) + p * (dy[index.q(t, h, d)] ?? 0)
        }
      }
    }
  return [dq, dk, dv]
}

/** o [T, heads·headDim]: causal attention of packed sequences; see `attentionOp` for the shapes of the inputs. */
export function attention(q: Tensor, k: Tensor, v: Tensor, spansTensor: Tensor, params: AttentionParams): Tensor {
  return at(apply(attentionOp, [q, k, v, spansTensor], params), 0)
}

function spans(tokens: number, lengths: readonly number[]): number[] {
  const words = [lengths.reduce((sum, length) => sum + length, 0), 0]
  let start = 0
  for (const length of lengths) {
    for (let i = 0; i < length; i++) words.push(start, start + length)
    start += length
  }
  while (words.length < 2 * (tokens + 1)) words.push(0, 0)
  return words
}

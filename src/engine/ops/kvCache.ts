/** Ops of KV-cached generation: paged caches of 16-token blocks, addressed through a block table. */
import { f32, fold, input, output, u32 } from '../kernel'
import { apply, at, fail, only } from '../op'
import type { NumberArray, Op } from '../op'
import { float32FromF16, f16FromFloat32 } from '../../base/halfFloat'
import { floats, words } from '../tensor'
import type { Tensor, TensorSpec } from '../tensor'

/** Storage formats of the key and value cache; sums over it are f32 either way. */
export const KV_DTYPES = ['f32', 'f16'] as const
export type KvDtype = (typeof KV_DTYPES)[number]

/** Tokens of one block of a cache. */
export const BLOCK_TOKENS = 16
/** The slot of a token that belongs to none; it is neither stored nor attended from. */
export const NO_SLOT = 0xffff_ffff

export interface CachePlace {
  readonly slots: Tensor
  readonly positions: Tensor
  /** [slots, blocks per slot] */
  readonly blockTable: Tensor
  readonly counts: Tensor
}

const cacheRow = (table: NumberArray, blocks: number, slot: number, p: number): number =>
  (table[slot * blocks + Math.floor(p / BLOCK_TOKENS)] ?? 0) * BLOCK_TOKENS + (p % BLOCK_TOKENS)

function cacheDtype(op: string, keys: TensorSpec | undefined): KvDtype {
  if (keys?.dtype !== 'f32' && keys?.dtype !== 'f16') return fail(op, 'caches in f32 or f16', keys?.shape)
  return keys.dtype
}

/**
 * Stores k and v [T, W] of live tokens. Inputs: k, v, slots u32 [T], positions u32 [T], block table u32 [slots, blocks], counts, then the key
 * and the value cache [blocks · 16, W], which are changed in place.
 */
export const kvWriteOp: Op<null> = {
  name: 'kvWrite',
  mutates: [6, 7],
  infer: ([k, v, , , table, , keys]) => {
    if (!k || k.shape.join() !== v?.shape.join() || k.shape[1] !== keys?.shape[1] || table?.shape.length !== 2)
      fail('kvWrite', 'k and v [T, W] and caches [rows, W]', k?.shape, keys?.shape)
    cacheDtype('kvWrite', keys)
    return []
  },
  reference: (arrays, specs) => {
    const [rows = 0, width = 0] = at(specs, 0).shape
    const blocks = at(specs, 4).shape[1] ?? 0
    const caches = [Float64Array.from(at(arrays, 6)), Float64Array.from(at(arrays, 7))]
    for (let t = 0; t < Math.min(rows, at(arrays, 5)[0] ?? 0); t++) {
      const slot = at(arrays, 2)[t] ?? NO_SLOT
      if (slot === NO_SLOT) continue
      const row = cacheRow(at(arrays, 4), blocks, slot, at(arrays, 3)[t] ?? 0)
      caches.forEach((cache, which) => {
        const values = Float32Array.from(at(arrays, which).subarray(t * width, (t + 1) * width))
        cache.set(at(specs, 6).dtype === 'f16' ? float32FromF16(f16FromFloat32(values)) : values, row * width)
      })
    }
    return caches
  },
  kernel: (inputs) => {
    const [rows = 0, width = 0] = at(inputs, 0).shape
    return {
      dispatches: [
        {
          shader: 'generate/kv_write',
          parts: { cache: `generate/cache_write_${cacheDtype('kvWrite', inputs[6])}` },
          bindings: [0, 1, 2, 3, 4, 5, 6, 7].map((index) => input(index)),
          params: [u32(rows), u32(width / 4), u32(at(inputs, 4).shape[1] ?? 1)],
          workgroups: fold(Math.ceil((rows * width) / 256)),
          bytes: 16 * rows * width,
        },
      ],
    }
  },
  examples: KV_DTYPES.map((dtype) => ({
    label: `two slots, one idle token, ${dtype}`,
    inputs: [floats(5, 8), floats(5, 8), words(5), words(5), words(2, 2), words(4), kv(dtype, 64, 8), kv(dtype, 64, 8)],
    params: null,
    values: { 2: [0, 1, NO_SLOT, 1, 0], 3: [0, 15, 3, 16, 17], 4: [2, 0, 3, 1], 5: [4, 0, 0, 0] },
  })),
}

export interface CachedAttentionParams {
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
  /** Each row belongs to another context, as in decoding one token per slot: rows are few and keys may be many. */
  readonly isDecode: boolean
}

/** Invocations that share a row of a head. */
const WIDE_LANES = 128

/**
 * o [T, heads·headDim]: attention of token t over the cached keys 0 … positions[t] of its slot. Inputs: q [T, heads·headDim], key and value
 * cache [blocks · 16, kvHeads·headDim], slots u32 [T], positions u32 [T], block table u32 [slots, blocks], counts.
 */
export const cachedAttentionOp: Op<CachedAttentionParams> = {
  name: 'cachedAttention',
  infer: ([q, keys, , , , table], params) => {
    if (q?.shape[1] !== params.heads * params.headDim || keys?.shape[1] !== params.kvHeads * params.headDim || table?.shape.length !== 2)
      fail('cachedAttention', 'q [T, heads·headDim] and caches [rows, kvHeads·headDim]', q?.shape, keys?.shape)
    return [{ shape: q.shape, dtype: 'f32' }]
  },
  reference: (arrays, specs, { heads, kvHeads, headDim }) => {
    const rows = at(specs, 0).shape[0] ?? 0
    const blocks = at(specs, 5).shape[1] ?? 0
    const [q, keys, values, slots, positions, table, counts] = [
      at(arrays, 0),
      at(arrays, 1),
      at(arrays, 2),
      at(arrays, 3),
      at(arrays, 4),
      at(arrays, 5),
      at(arrays, 6),
    ]
    const o = new Float64Array(rows * heads * headDim)
    for (let t = 0; t < Math.min(rows, counts[0] ?? 0); t++) {
      const slot = slots[t] ?? NO_SLOT
      if (slot === NO_SLOT) continue
      for (let h = 0; h < heads; h++) {
        const g = Math.floor(h / (heads / kvHeads))
        const scores: number[] = []
        const rowOf = (p: number): number => (cacheRow(table, blocks, slot, p) * kvHeads + g) * headDim
        for (let p = 0; p <= (positions[t] ?? 0); p++) {
          let s = 0
          for (let d = 0; d < headDim; d++) s += (q[(t * heads + h) * headDim + d] ?? 0) * (keys[rowOf(p) + d] ?? 0)
          scores.push(s / Math.sqrt(headDim))
        }
        const m = Math.max(...scores)
        const sum = scores.reduce((total, s) => total + Math.exp(s - m), 0)
        scores.forEach((s, p) => {
          for (let d = 0; d < headDim; d++) {
            const index = (t * heads + h) * headDim + d
            o[index] = (o[index] ?? 0) + (Math.exp(s - m) / sum) * (values[rowOf(p) + d] ?? 0)
          }
        })
      }
    }
    return [o]
  },
  kernel: (inputs, _outputs, { heads, kvHeads, headDim, isDecode }, { isSoftware }) => {
    const rows = at(inputs, 0).shape[0] ?? 0
    // A software adapter's cores have no lanes to fill.
    const isWide = isDecode && !isSoftware
    return {
      dispatches: [
        {
          shader: isWide ? 'generate/cached_attention_wide' : 'generate/cached_attention',
          parts: { cache: `generate/cache_read_${cacheDtype('cachedAttention', inputs[1])}` },
          constants: {
            ...{ HD4: headDim / 4, KV: kvHeads, GROUP: heads / kvHeads },
            ...(isWide ? { LANES: WIDE_LANES } : {}),
          },
          bindings: [...[0, 1, 2, 3, 4, 5, 6].map((index) => input(index)), output(0)],
          params: [u32(rows), f32(1 / Math.sqrt(headDim)), u32(at(inputs, 5).shape[1] ?? 1)],
          workgroups: fold(isWide ? rows * heads : Math.ceil((rows * heads) / 32)),
          flops: 4 * rows * 128 * heads * headDim,
          bytes: 8 * rows * 128 * kvHeads * headDim,
        },
      ],
    }
  },
  examples: [
    ...KV_DTYPES.map((dtype) => ({
      label: `two slots, ${dtype}`,
      inputs: [floats(3, 16), kv(dtype, 64, 8), kv(dtype, 64, 8), words(3), words(3), words(2, 2), words(4)],
      params: { heads: 4, kvHeads: 2, headDim: 4, isDecode: dtype === 'f16' },
      values: { 3: [0, 1, 0], 4: [0, 17, 5], 5: [2, 0, 3, 1], 6: [3, 0, 0, 0] },
    })),
    {
      label: 'a context of two tiles, one that ends with the first, an idle slot, heads of 20',
      inputs: [floats(3, 40), kv('f32', 1104, 20), kv('f32', 1104, 20), words(3), words(3), words(2, 40), words(4)],
      params: { heads: 2, kvHeads: 1, headDim: 20, isDecode: true },
      values: { 3: [1, NO_SLOT, 0], 4: [560, 3, 511], 5: Array.from({ length: 80 }, (_, entry) => (entry * 7) % 69), 6: [3, 0, 0, 0] },
    },
  ],
}

/** Stores k and v [T, kvHeads·headDim] of live tokens in the caches. */
export function kvWrite(k: Tensor, v: Tensor, place: CachePlace, keys: Tensor, values: Tensor): void {
  apply(kvWriteOp, [k, v, place.slots, place.positions, place.blockTable, place.counts, keys, values], null)
}

/** o [T, heads·headDim]: attention of q over cached keys and values; see `cachedAttentionOp`. */
export function cachedAttention(q: Tensor, keys: Tensor, values: Tensor, place: CachePlace, params: CachedAttentionParams): Tensor {
  return only(apply(cachedAttentionOp, [q, keys, values, place.slots, place.positions, place.blockTable, place.counts], params))
}

function kv(dtype: KvDtype, ...shape: number[]): TensorSpec {
  return { shape, dtype }
}

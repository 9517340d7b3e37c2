import { fold, input, output, u32 } from '../kernel'
import { apply, at, fail, only } from '../op'
import type { Op } from '../op'
import { floats, words } from '../tensor'
import type { Tensor } from '../tensor'
import { weightShards } from '../weightRows'

/** y [T, D]: y[t] = table[ids[t]]. Inputs: table [V, D], ids u32 [T], counts; order u32 [T] and starts u32 [V + 1] are for the gradient. */
export const embeddingOp: Op<null> = {
  name: 'embedding',
  infer: ([table, ids]) => {
    const [vocabulary, width] = table?.shape ?? []
    if (vocabulary === undefined || width === undefined || width % 4 !== 0 || ids?.shape.length !== 1)
      fail('embedding', 'a table [V, D] with D a multiple of 4 and ids [T]', table?.shape, ids?.shape)
    return [{ shape: [at(ids.shape, 0), width], dtype: 'f32' }]
  },
  reference: (arrays, specs) => {
    const width = at(specs, 0).shape[1] ?? 0
    const rows = at(specs, 1).shape[0] ?? 0
    const y = new Float64Array(rows * width)
    for (let t = 0; t < Math.min(rows, at(arrays, 2)[0] ?? 0); t++)
      for (let d = 0; d < width; d++) y[t * width + d] = at(arrays, 0)[(at(arrays, 1)[t] ?? 0) * width + d] ?? 0
    return [y]
  },
  kernel: (inputs, outputs, _params, context) => {
    const [rows = 0, width = 0] = at(outputs, 0).shape
    return {
      dispatches: weightShards(0, at(inputs, 0), context).map(({ first, count, rows: { format, codes, scales } }) => ({
        shader: 'gather/embedding',
        parts: { weights: `weights/${format}` },
        bindings: [input(1), codes, scales, input(2), output(0)],
        params: [u32(rows), u32(first), u32(count), u32(width / 4)],
        workgroups: fold(Math.ceil((rows * width) / 256)),
        bytes: 8 * rows * width,
      })),
    }
  },
  backward: ({ grads, inputs }) => {
    const dy = at(grads, 0)
    if (!dy) return []
    const vocabulary = at(inputs, 0).shape[0] ?? 0
    return [only(apply(embeddingBackwardOp, [dy, at(inputs, 3), at(inputs, 4)], { vocabulary })), null, null, null, null]
  },
  examples: [
    {
      label: 'repeated ids',
      inputs: [floats(6, 4), words(5), words(4), words(5), words(7)],
      params: null,
      values: { 1: [3, 0, 3, 5, 3], 2: [5, 0, 1, 0], 3: [1, 0, 2, 4, 3], 4: [0, 1, 1, 1, 4, 4, 5] },
    },
    {
      label: 'int8 table',
      inputs: [{ shape: [6, 32], dtype: 'int8' }, words(5), words(4), words(5), words(7)],
      params: null,
      values: { 1: [3, 0, 3, 5, 3], 2: [5, 0, 1, 0], 3: [1, 0, 2, 4, 3], 4: [0, 1, 1, 1, 4, 4, 5] },
      differentiable: [],
    },
  ],
}

/** dtable [V, D]: dtable[v] = Σ dy[order[i]] over starts[v] ≤ i < starts[v + 1]. Inputs: dy [T, D], order u32 [T], starts u32 [V + 1]. */
export const embeddingBackwardOp: Op<{ readonly vocabulary: number }> = {
  name: 'embeddingBackward',
  canAccumulate: true,
  infer: ([dy, , starts], params) => {
    if (starts?.shape[0] !== params.vocabulary + 1) fail('embeddingBackward', `starts of [${params.vocabulary + 1}]`, starts?.shape)
    return [{ shape: [params.vocabulary, dy?.shape[1] ?? 0], dtype: 'f32' }]
  },
  reference: (arrays, specs, params) => {
    const width = at(specs, 0).shape[1] ?? 0
    const [dy, order, starts] = [at(arrays, 0), at(arrays, 1), at(arrays, 2)]
    const table = new Float64Array(params.vocabulary * width)
    for (let v = 0; v < params.vocabulary; v++)
      for (let i = starts[v] ?? 0; i < (starts[v + 1] ?? 0); i++)
        for (let d = 0; d < width; d++) table[v * width + d] = (table[v * width + d] ?? 0) + (dy[(order[i] ?? 0) * width + d] ?? 0)
    return [table]
  },
  kernel: (_inputs, outputs, params, context) => {
    const width = at(outputs, 0).shape[1] ?? 0
    return {
      dispatches: [
        {
          shader: 'gather/embedding_backward',
          bindings: [input(0), input(1), input(2), output(0)],
          params: [u32(params.vocabulary), u32(width / 4), u32(Number(context.accumulate))],
          workgroups: fold(Math.ceil((params.vocabulary * width) / 256)),
          bytes: 8 * params.vocabulary * width,
        },
      ],
    }
  },
  examples: [
    {
      label: 'segments',
      inputs: [floats(5, 8), words(5), words(7)],
      params: { vocabulary: 6 },
      values: { 1: [1, 0, 2, 4, 3], 2: [0, 1, 1, 1, 4, 4, 5] },
    },
  ],
}

export interface SortedIds {
  readonly order: Tensor
  readonly starts: Tensor
}

/** y [T, D]: the rows of `table` [V, D] that `ids` [T] name. */
export function embedding(table: Tensor, ids: Tensor, counts: Tensor, sorted: SortedIds): Tensor {
  return only(apply(embeddingOp, [table, ids, counts, sorted.order, sorted.starts], null))
}

/** The indices of live tokens sorted by id (stable), and where the run of each id starts [V + 1]. */
export function sortIds(ids: Uint32Array, live: number, vocabulary: number): { order: Uint32Array; starts: Uint32Array } {
  const starts = new Uint32Array(vocabulary + 1)
  for (let t = 0; t < live; t++) {
    const id = ids[t] ?? 0
    if (id >= vocabulary) throw new Error(`token ${t} has id ${id}, but the vocabulary has ${vocabulary} entries`)
    starts[id + 1] = (starts[id + 1] ?? 0) + 1
  }
  for (let v = 0; v < vocabulary; v++) starts[v + 1] = (starts[v + 1] ?? 0) + (starts[v] ?? 0)
  const next = starts.slice()
  const order = new Uint32Array(ids.length)
  for (let t = 0; t < live; t++) {
    const id = ids[t] ?? 0
    order[next[id] ?? 0] = t
    next[id] = (next[id] ?? 0) + 1
  }
  return { order, starts }
}

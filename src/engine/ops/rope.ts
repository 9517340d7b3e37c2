import { f32, fold, input, output, u32 } from '../kernel'
import { apply, at, fail, only } from '../op'
import type { Op } from '../op'
import { floats } from '../tensor'
import type { Tensor } from '../tensor'

export interface RopeParams {
  readonly heads: number
  /** 1 forward, −1 for the inverse rotation. */
  readonly sign: 1 | -1
}

/**
 * y [T, heads·headDim]: x with rotary position embedding in half-split layout. Inputs: x, positions u32 [T], cos and sin [P, headDim / 2],
 * counts. Rows past the live tokens are not written.
 */
export const ropeOp: Op<RopeParams> = {
  name: 'rope',
  infer: ([x, positions, cos], params) => {
    const half = cos?.shape[1] ?? 0
    if (!x || x.shape[1] !== params.heads * half * 2 || positions?.shape[0] !== x.shape[0])
      fail('rope', `x [T, heads·headDim] and a table of headDim/2 for ${params.heads} heads`, x?.shape, cos?.shape)
    return [{ shape: x.shape, dtype: 'f32' }]
  },
  reference: (arrays, specs, params) => {
    const [x, positions, cos, sin, counts] = [at(arrays, 0), at(arrays, 1), at(arrays, 2), at(arrays, 3), at(arrays, 4)]
    const half = at(specs, 2).shape[1] ?? 0
    const [rows = 0, width = 0] = at(specs, 0).shape
    const y = new Float64Array(rows * width)
    for (let t = 0; t < Math.min(rows, counts[0] ?? 0); t++)
      for (let h = 0; h < params.heads; h++)
        for (let i = 0; i < half; i++) {
          const low = t * width + h * half * 2 + i
          const c = cos[(positions[t] ?? 0) * half + i] ?? 0
          const s = params.sign * (sin[(positions[t] ?? 0) * half + i] ?? 0)
          y[low] = (x[low] ?? 0) * c - (x[low + half] ?? 0) * s
          y[low + half] = (x[low + half] ?? 0) * c + (x[low] ?? 0) * s
        }
    return [y]
  },
  kernel: (inputs, _outputs, params) => {
    const rows = at(inputs, 0).shape[0] ?? 0
    const half = at(inputs, 2).shape[1] ?? 0
    const count = rows * params.heads * half
    return {
      dispatches: [
        {
          shader: 'elementwise/rope',
          bindings: [input(0), input(1), input(2), input(3), input(4), output(0)],
          params: [u32(rows), f32(params.sign), u32(params.heads), u32(half)],
          workgroups: fold(Math.ceil(count / 64)),
          flops: 6 * count,
          bytes: 16 * count,
        },
      ],
    }
  },
  backward: ({ grads, inputs, params }) => {
    const dy = at(grads, 0)
    if (!dy) return []
    const opposite = params.sign === 1 ? -1 : 1
    return [
      only(apply(ropeOp, [dy, at(inputs, 1), at(inputs, 2), at(inputs, 3), at(inputs, 4)], { heads: params.heads, sign: opposite })),
      null,
      null,
      null,
      null,
    ]
  },
  examples: [
    {
      label: 'two heads',
      inputs: [floats(4, 16), { shape: [4], dtype: 'u32' }, floats(6, 4), floats(6, 4), { shape: [4], dtype: 'u32' }],
      params: { heads: 2, sign: 1 },
      values: { 1: [0, 1, 5, 2], 4: [4, 0, 1, 0] },
      differentiable: [0],
    },
  ],
}

/** Rotates the heads of x [T, heads·headDim] by their positions; see `ropeOp`. */
export function rope(x: Tensor, positions: Tensor, tables: { cos: Tensor; sin: Tensor }, counts: Tensor, heads: number): Tensor {
  return only(apply(ropeOp, [x, positions, tables.cos, tables.sin, counts], { heads, sign: 1 }))
}

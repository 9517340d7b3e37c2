import { f32, fold, input, output, scratch, u32 } from '../kernel'
import { apply, at, fail, only } from '../op'
import type { KernelContext } from '../kernel'
import type { Op } from '../op'
import { COUNT_WORD, type RowCount } from '../rowCount'
import { floats } from '../tensor'
import type { Tensor, TensorSpec } from '../tensor'
import { tileSubgroup } from '../tileSubgroup'

export interface RmsNormParams {
  readonly eps: number
  readonly rowCount: RowCount
}
const CHUNK = 64

interface Extent {
  readonly tokens: number
  /** Vectors normalised apart in each row of x. */
  readonly groups: number
  readonly rows: number
  /** D. */
  readonly width: number
}
function extentOf(op: string, x: TensorSpec | undefined, groups: number): Extent {
  const [tokens, wide] = x?.shape ?? []
  const width = (wide ?? 0) / groups
  if (tokens === undefined || wide === undefined || x?.shape.length !== 2 || !Number.isInteger(width) || width % 4 !== 0)
    fail(op, 'x [T, groups · D] with D a multiple of 4', x?.shape)
  return { tokens, groups, rows: tokens * groups, width }
}
/** The lanes that share a row, and the shader part that adds up their sums. */
function rowTotal(context: Pick<KernelContext, 'isSoftware' | 'subgroupSize'>): { lanes: number; parts: { total: string } } {
  const subgroup = tileSubgroup(context)
  return subgroup === null
    ? { lanes: 32, parts: { total: 'reduce/total_workgroup' } }
    : { lanes: subgroup, parts: { total: 'reduce/total_subgroup' } }
}
const byGain = (op: string, x: TensorSpec | undefined, gain: TensorSpec | undefined): Extent =>
  extentOf(op, x, (x?.shape[1] ?? 0) / (gain?.shape[0] ?? 1))

/**
 * y [T, groups · D] = gain · x / rms(x), and rstd [T · groups] = 1 / rms(x) (Zhang & Sennrich 2019). Every D elements are normalised by
 * themselves: groups is 1, or the number of heads if queries and keys are normalised by head. Inputs: x [T, groups · D], gain [D], counts.
 */
export const rmsNormOp: Op<RmsNormParams> = {
  name: 'rmsNorm',
  infer: (inputs) => {
    if (inputs[1]?.shape.length !== 1) fail('rmsNorm', 'a gain of [D]', inputs[1]?.shape)
    const { tokens, groups, rows, width } = byGain('rmsNorm', inputs[0], inputs[1])
    return [
      { shape: [tokens, groups * width], dtype: 'f32' },
      { shape: [rows], dtype: 'f32' },
    ]
  },
  reference: (arrays, specs, params) => {
    const { rows, width } = byGain('rmsNorm', specs[0], specs[1])
    const [x, gain] = [at(arrays, 0), at(arrays, 1)]
    const y = new Float64Array(rows * width)
    const rstd = new Float64Array(rows)
    for (let t = 0; t < rows; t++) {
      let sum = 0
      for (let d = 0; d < width; d++) sum += (x[t * width + d] ?? 0) ** 2
      const r = 1 / Math.sqrt(sum / width + params.eps)
      rstd[t] = r
      for (let d = 0; d < width; d++) y[t * width + d] = (gain[d] ?? 0) * (x[t * width + d] ?? 0) * r
    }
    return [y, rstd]
  },
  kernel: (inputs, _outputs, params, context) => {
    const { rows, width } = byGain('rmsNorm', inputs[0], inputs[1])
    const { lanes, parts } = rowTotal(context)
    return {
      dispatches: [
        {
          shader: 'norm/rms_norm',
          constants: { LANES: lanes },
          parts,
          bindings: [input(0), input(1), output(0), output(1)],
          params: [u32(rows), f32(params.eps), u32(width / 4)],
          workgroups: fold(rows),
          flops: 4 * rows * width,
          bytes: 8 * rows * width,
        },
      ],
    }
  },
  backward: ({ grads, inputs, outputs, params, needs }) => {
    const dy = at(grads, 0)
    if (!dy) return []
    const [x, gain, counts, rstd] = [at(inputs, 0), at(inputs, 1), at(inputs, 2), at(outputs, 1)]
    return [
      needs[0] ? only(apply(rmsNormBackwardOp, [dy, x, gain, rstd], null)) : null,
      needs[1] ? only(apply(rmsNormGainBackwardOp, [dy, x, rstd, counts], { rowCount: params.rowCount })) : null,
      null,
    ]
  },
  examples: [
    { label: 'rows', inputs: [floats(5, 8), floats(8), c()], params: { eps: 1e-5, rowCount: 'tokens' }, values: { 2: [5, 5, 1, 0] } },
    { label: 'by head', inputs: [floats(5, 24), floats(8), c()], params: { eps: 1e-6, rowCount: 'tokens' }, values: { 2: [5, 5, 1, 0] } },
    {
      label: 'a tail that nothing may read',
      inputs: [floats(9, 8), floats(8), c()],
      params: { eps: 1e-6, rowCount: 'tokens' },
      values: { 2: [6, 6, 1, 0] },
      liveRows: { 0: 6 },
      definedRows: 6,
      differentiable: [1],
    },
    {
      label: 'wider than a workgroup',
      inputs: [floats(3, 144), floats(144), c()],
      params: { eps: 1e-6, rowCount: 'tokens' },
      values: { 2: [3, 3, 1, 0] },
    },
  ],
}

/** dx [T, groups · D] of rmsNorm. Inputs: dy and x [T, groups · D], gain [D], rstd [T · groups]. */
export const rmsNormBackwardOp: Op<null> = {
  name: 'rmsNormBackward',
  infer: (inputs) => {
    const { tokens, groups, width } = byGain('rmsNormBackward', inputs[1], inputs[2])
    return [{ shape: [tokens, groups * width], dtype: 'f32' }]
  },
  reference: (arrays, specs) => {
    const { rows, width } = byGain('rmsNormBackward', specs[1], specs[2])
    const [dy, x, gain, rstd] = [at(arrays, 0), at(arrays, 1), at(arrays, 2), at(arrays, 3)]
    const dx = new Float64Array(rows * width)
    for (let t = 0; t < rows; t++) {
      const r = rstd[t] ?? 0
      let sum = 0
      for (let d = 0; d < width; d++) sum += (dy[t * width + d] ?? 0) * (gain[d] ?? 0) * (x[t * width + d] ?? 0)
      for (let d = 0; d < width; d++) {
        const i = t * width + d
        dx[i] = r * ((gain[d] ?? 0) * (dy[i] ?? 0) - ((x[i] ?? 0) * sum * r * r) / width)
      }
    }
    return [dx]
  },
  kernel: (inputs, _outputs, _params, context) => {
    const { rows, width } = byGain('rmsNormBackward', inputs[1], inputs[2])
    const { lanes, parts } = rowTotal(context)
    return {
      dispatches: [
        {
          shader: 'norm/rms_norm_backward',
          constants: { LANES: lanes },
          parts,
          bindings: [input(0), input(1), input(2), input(3), output(0)],
          params: [u32(rows), u32(width / 4)],
          workgroups: fold(rows),
          flops: 8 * rows * width,
          bytes: 12 * rows * width,
        },
      ],
    }
  },
  examples: [{ label: 'rows', inputs: [floats(5, 8), floats(5, 8), floats(8), floats(5)], params: null }],
}

const byRstd = (x: TensorSpec | undefined, rstd: TensorSpec | undefined): Extent =>
  extentOf('rmsNormGainBackward', x, (rstd?.shape[0] ?? 0) / (x?.shape[0] ?? 1))

/** dgain [D] of rmsNorm, summed over live rows and groups. Inputs: dy and x [T, groups · D], rstd [T · groups], counts. */
export const rmsNormGainBackwardOp: Op<{ readonly rowCount: RowCount }> = {
  name: 'rmsNormGainBackward',
  canAccumulate: true,
  infer: (inputs) => [{ shape: [byRstd(inputs[1], inputs[2]).width], dtype: 'f32' }],
  reference: (arrays, specs, params) => {
    const { groups, width } = byRstd(specs[1], specs[2])
    const live = groups * (at(arrays, 3)[COUNT_WORD[params.rowCount]] ?? 0)
    const dgain = new Float64Array(width)
    for (let t = 0; t < live; t++)
      for (let d = 0; d < width; d++) {
        const i = t * width + d
        dgain[d] = (dgain[d] ?? 0) + (at(arrays, 0)[i] ?? 0) * (at(arrays, 1)[i] ?? 0) * (at(arrays, 2)[t] ?? 0)
      }
    return [dgain]
  },
  kernel: (inputs, _outputs, params, context) => {
    const { rows, width, groups } = byRstd(inputs[1], inputs[2])
    const chunks = Math.ceil(rows / CHUNK)
    return {
      scratch: [chunks * width * 4],
      dispatches: [
        {
          shader: 'norm/rms_norm_gain_backward',
          constants: { CHUNK },
          bindings: [input(0), input(1), input(2), input(3), scratch(0)],
          params: [u32(width / 4), u32(groups), u32(COUNT_WORD[params.rowCount])],
          workgroups: [Math.ceil(width / 128), chunks, 1],
          flops: 3 * rows * width,
          bytes: 8 * rows * width,
        },
        {
          shader: 'reduce/sum_chunks',
          bindings: [scratch(0), output(0)],
          params: [u32(chunks), u32(width / 4), u32(Number(context.accumulate))],
          workgroups: [Math.ceil(width / 128), 1, 1],
          flops: chunks * width,
          bytes: 4 * chunks * width,
        },
      ],
    }
  },
  examples: [
    {
      label: 'stops at the live count',
      liveRows: { 0: 67, 1: 67, 2: 67 },
      inputs: [floats(70, 8), floats(70, 8), floats(70), c()],
      params: { rowCount: 'tokens' },
      values: { 3: [67, 0, 1, 0] },
    },
    {
      label: 'by head',
      liveRows: { 0: 27, 1: 27, 2: 81 },
      inputs: [floats(30, 24), floats(30, 24), floats(90), c()],
      params: { rowCount: 'tokens' },
      values: { 3: [27, 0, 1, 0] },
    },
  ],
}

/** y [T, groups · D]: RMS normalisation of every D elements of x, times gain [D]; see `rmsNormOp`. */
export function rmsNorm(x: Tensor, gain: Tensor, counts: Tensor, params: RmsNormParams): Tensor {
  return at(apply(rmsNormOp, [x, gain, counts], params), 0)
}

function c(): TensorSpec {
  return { shape: [4], dtype: 'u32' }
}

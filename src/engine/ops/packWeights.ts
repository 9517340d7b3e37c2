import { fold, input, output, u32 } from '../kernel'
import { apply, at, fail, only } from '../op'
import type { Dispatch } from '../kernel'
import type { Op } from '../op'
import { floats } from '../tensor'
import type { Tensor } from '../tensor'
import { fits, GROUP, isInteger, packWeights as pack, storageOf, TOP_CODE, unpackWeights } from '../weightFormat'
import type { PackedFormat } from '../weightFormat'

export interface PackWeightsParams {
  readonly format: PackedFormat
}

/** Converts a matrix [R, K] from f32 to a packed format. The reference returns the values that the packed matrix represents. */
export const packWeightsOp: Op<PackWeightsParams> = {
  name: 'packWeights',
  infer: ([w], { format }) => {
    const [, width] = w?.shape ?? []
    if (w?.shape.length !== 2 || width === undefined || !fits(format, width))
      fail('packWeights', `a matrix whose rows ${format} can hold`, w?.shape)
    return [{ shape: w.shape, dtype: format }]
  },
  reference: ([w], _specs, { format }) => {
    const values = w ?? new Float64Array()
    return [Float64Array.from(unpackWeights(pack(values, format), values.length, format))]
  },
  kernel: (inputs, _outputs, { format }) => {
    const [rows = 0, width = 0] = at(inputs, 0).shape
    const { codes, scales } = storageOf(format, rows * width)
    const bytes = 4 * rows * width + codes + scales
    const half = (): Dispatch => ({
      shader: 'weights/pack_half',
      constants: { BRAIN: Number(format === 'bf16') },
      bindings: [input(0), output(0)],
      params: [u32((rows * width) / 2)],
      workgroups: fold(Math.ceil((rows * width) / 128)),
      bytes,
    })
    if (!isInteger(format)) return { dispatches: [half()] }
    const groups = (rows * width) / GROUP
    return {
      dispatches: [
        {
          shader: 'weights/pack_int',
          constants: { BITS: format === 'int4' ? 4 : 8, TOP: TOP_CODE[format] },
          bindings: [input(0), output(0, 0, codes), output(0, codes, scales)],
          params: [u32(groups)],
          workgroups: fold(Math.ceil(groups / 128)),
          bytes,
        },
      ],
    }
  },
  examples: (['bf16', 'f16', 'int8', 'int4'] as const).map((format) => ({
    label: format,
    inputs: [floats(5, 96)],
    params: { format },
    differentiable: [],
  })),
}

/** The matrix w [R, K] in a packed format. */
export function packWeights(w: Tensor, format: PackedFormat): Tensor {
  return only(apply(packWeightsOp, [w], { format }))
}

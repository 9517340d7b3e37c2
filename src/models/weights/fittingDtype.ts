/** The dtype weights are written in: the one that was asked for, unless a value would become infinite in it. */
import { CheckpointError } from './byteSource'
import type { WritableDtype } from './writeSafetensors'

/** Values from here on round to infinity (half a unit in the last place above the largest finite one). */
const INFINITE_FROM = { F16: 65_520, BF16: 2 ** 127 * (2 - 2 ** -8), F32: Number.POSITIVE_INFINITY } as const
const TITLES = { F16: 'float16', BF16: 'bfloat16', F32: 'float32' } as const
const WIDER = ['F16', 'BF16', 'F32'] as const

export interface FittingDtype {
  readonly dtype: WritableDtype
  /** One sentence when it is another than was asked for. */
  readonly note: string | null
}

export interface LargestValue {
  /** Of the tensor that holds it. */
  readonly name: string
  readonly value: number
}

/** The larger of `before` and the largest magnitude of a tensor. Throws CheckpointError where a value is not finite. */
export function largestValue(before: LargestValue | null, name: string, values: Float32Array): LargestValue {
  let most = 0
  for (let at = 0; at < values.length; at++) {
    const value = Math.abs(values[at] ?? 0)
    // NaN is never less.
    if (!(value < Number.POSITIVE_INFINITY))
      throw new CheckpointError(
        `tensor "${name}" would hold ${String(values[at])} at value ${at}; expected finite numbers: nothing was written`,
      )
    if (value > most) most = value
  }
  return before && before.value >= most ? before : { name, value: most }
}

/** bfloat16 holds what float32 does with fewer digits, and only its last numbers need float32. */
export function fittingDtype(wanted: WritableDtype, largest: LargestValue | null): FittingDtype {
  const dtype = WIDER.slice(WIDER.indexOf(wanted)).find((one) => (largest?.value ?? 0) < INFINITE_FROM[one]) ?? 'F32'
  if (dtype === wanted || !largest) return { dtype, note: null }
  return {
    dtype,
    note: `The weights are written in ${TITLES[dtype]}: ${largest.name} holds ${largest.value.toPrecision(4)}, which ${TITLES[wanted]} cannot hold.`,
  }
}

/** Binds a matrix of weights [rows, columns] in its storage format to a kernel, whole or in runs of rows that each fit a binding. */
import { input } from './kernel'
import type { Binding, KernelContext } from './kernel'
import type { TensorSpec } from './tensor'
import { rowsIn } from './weightFormat'
import type { WeightFormat } from './weightFormat'

/** Rows of a stored matrix, bound. */
export interface WeightRows {
  readonly format: WeightFormat
  readonly codes: Binding
  /** The codes again where the format has none. */
  readonly scales: Binding
}

/** Rows at whose multiples both codes and scales begin at a multiple of 256 bytes. */
const ALIGNED_ROWS = 128

const formatOf = ({ dtype }: TensorSpec): WeightFormat => {
  if (dtype === 'u32') throw new Error('whole numbers are not weights')
  return dtype
}

/** Rows first … first + count of the matrix that is input `index`. */
export function weightRows(index: number, spec: TensorSpec, first = 0, count = spec.shape[0] ?? 0): WeightRows {
  const format = formatOf(spec)
  const [rows = 0, width = 0] = spec.shape
  const { codes, scales } = rowsIn(format, [rows, width], first, count)
  return { format, codes: input(index, codes.offset, codes.size), scales: input(index, scales.offset, scales.size) }
}

/** The matrix that is input `index` in parts that can each be bound; one part where it fits. */
export function weightShards(
  index: number,
  spec: TensorSpec,
  { maxBindingBytes }: Pick<KernelContext, 'maxBindingBytes'>,
): { readonly first: number; readonly count: number; readonly rows: WeightRows }[] {
  const [rows = 0, width = 0] = spec.shape
  const rowBytes = rowsIn(formatOf(spec), [rows, width], 0, ALIGNED_ROWS).codes.size / ALIGNED_ROWS
  const most = Math.max(1, Math.floor(maxBindingBytes / rowBytes / ALIGNED_ROWS)) * ALIGNED_ROWS
  return Array.from({ length: Math.max(1, Math.ceil(rows / most)) }, (_, shard) => {
    const first = shard * most
    const count = Math.min(most, rows - first)
    return { first, count, rows: weightRows(index, spec, first, count) }
  })
}

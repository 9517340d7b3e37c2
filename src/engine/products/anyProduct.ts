/** Matrix products of any layout and size: the f64 reference, and the dispatch of the kernel for extents that are no multiple of four. */
import { f32, fold, u32 } from '../kernel'
import { fail } from '../op'
import type { Dispatch } from '../kernel'
import type { NumberArray } from '../op'
import { COUNT_WORD, type RowCount } from '../rowCount'
import type { TensorSpec } from '../tensor'
import { flagWord, type ProductFlags } from './productFlags'

/** Whether all extents are multiples of four, as kernels with vectors of four need. */
export const divisible = (...extents: number[]): boolean => extents.every((extent) => extent % 4 === 0)

/** The two extents of a matrix; throws a ShapeError for any other tensor. */
export function matrix(op: string, spec: TensorSpec | undefined): readonly [number, number] {
  const [rows, columns] = spec?.shape ?? []
  if (rows === undefined || columns === undefined || spec?.shape.length !== 2) fail(op, 'a matrix', spec?.shape)
  return [rows, columns]
}

export interface AnyLayout {
  readonly rows: number
  readonly columns: number
  readonly inner: number
  readonly aRow: number
  readonly aInner: number
  readonly bRow: number
  readonly bInner: number
}

/** y[i, j] = alpha Σ_k a[i, k] b[j, k] with any strides, in f64. */
export function product(a: NumberArray, b: NumberArray, layout: AnyLayout, alpha: number): Float64Array {
  const y = new Float64Array(layout.rows * layout.columns)
  for (let i = 0; i < layout.rows; i++)
    for (let j = 0; j < layout.columns; j++) {
      let sum = 0
      for (let k = 0; k < layout.inner; k++)
        sum += (a[i * layout.aRow + k * layout.aInner] ?? 0) * (b[j * layout.bRow + k * layout.bInner] ?? 0)
      y[i * layout.columns + j] = alpha * sum
    }
  return y
}

/** The dispatch of `matmul_any`, which computes y [rows, columns] as `product` does. */
export function anyDispatch(
  layout: AnyLayout,
  alpha: number,
  bindings: Dispatch['bindings'],
  { rowCount = 'tokens', ...flags }: ProductFlags & { readonly rowCount?: RowCount },
): Dispatch {
  return {
    shader: 'matmul/matmul_any',
    bindings,
    params: [
      ...[u32(layout.rows), f32(alpha), u32(layout.aRow), u32(layout.aInner), u32(layout.bRow), u32(layout.bInner)],
      ...[u32(layout.columns), u32(layout.inner), u32(COUNT_WORD[rowCount]), flagWord(flags)],
    ],
    workgroups: fold(Math.ceil((layout.rows * layout.columns) / 64)),
    flops: 2 * layout.rows * layout.columns * layout.inner,
    bytes: 4 * (layout.rows * layout.inner + layout.inner * layout.columns + layout.rows * layout.columns),
  }
}

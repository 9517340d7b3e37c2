/**
 * Split sums for products too small to fill a GPU, LoRA's: x Aᵀ has few columns and many terms, the gradients of A and B few rows or columns and
 * a term for every token. Parts of the sum go to workgroups of their own, and a second pass adds them in order; not on a processor, whose few
 * cores a workgroup each keeps busy. Parts are of fixed length:
 * which product is split, and where, follows from the model's shape, and neither live counts nor room for rows change a bit.
 */
import { f32, fold, u32 } from '../kernel'
import type { Binding, Dispatch, KernelContext } from '../kernel'
import { COUNT_WORD, type RowCount } from '../rowCount'
import { flagWord } from './productFlags'
import type { Split } from './workgroupTiles'

/** Columns (or rows, of a gradient) up to which a product is skinny: LoRA's ranks. */
const SKINNY = 64
/** The number of terms of a part, and of a part of a sum over tokens. Parts begin at multiples of every tile's depth. */
const PART = 512
const PART_TOKENS = 256

type Context = Pick<KernelContext, 'isSoftware'>

/** How to split y [·, columns], a sum over `inner` terms (NT, NN); null if the product is not split. */
export function innerSplit(columns: number, inner: number, context: Context): Split | null {
  if (columns > SKINNY || inner < 2 * PART || context.isSoftware) return null
  return { parts: Math.ceil(inner / PART), each: PART }
}

/** How to split y [rows, columns], a sum over at most `tokens` tokens (TN); null if the product is not split. */
export function tokenSplit(rows: number, columns: number, tokens: number, context: Context): Split | null {
  if (Math.min(rows, columns) > SKINNY || tokens <= PART_TOKENS || context.isSoftware) return null
  return { parts: Math.ceil(tokens / PART_TOKENS), each: PART_TOKENS }
}

/** Adds the parts [split.parts, rows, columns]; the optional operands as in a linear layer. */
export function addParts(
  parts: Binding,
  y: Binding,
  { rows, columns, split }: { readonly rows: number; readonly columns: number; readonly split: Split },
  options: {
    readonly alpha: number
    readonly bias?: Binding | undefined
    readonly residual?: Binding | undefined
    readonly accumulate?: boolean
    /** The parts sum over rows, of which this count are live. */
    readonly stopsAt?: { readonly counts: Binding; readonly rowCount: RowCount }
  },
): Dispatch {
  const { alpha, bias, residual, stopsAt } = options
  return {
    shader: 'matmul/split_sum',
    bindings: [parts, stopsAt?.counts ?? parts, bias ?? parts, residual ?? parts, y],
    params: [
      ...[
        u32((rows * columns) / 4),
        f32(alpha),
        u32(split.parts),
        u32(columns / 4),
        u32(stopsAt ? COUNT_WORD[stopsAt.rowCount] : 0),
        u32(split.each),
      ],
      flagWord({
        bias: bias !== undefined,
        residual: residual !== undefined,
        accumulate: options.accumulate,
        counted: stopsAt !== undefined,
      }),
    ],
    workgroups: fold(Math.ceil((rows * columns) / 256)),
    flops: split.parts * rows * columns,
    bytes: 4 * (split.parts + 1) * rows * columns,
  }
}

/** The bytes of the parts [split.parts, rows, columns] in f32. */
export const partBytes = (rows: number, columns: number, split: Split): number => 4 * split.parts * rows * columns

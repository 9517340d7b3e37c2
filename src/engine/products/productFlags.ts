/** Flags of small products: whether they add a bias or residual, accumulate into y, or stop at a row count. shaders/common/product_flags.wgsl has the same bits. */
import { u32, type Word } from '../kernel'

const BITS = { bias: 1, residual: 2, accumulate: 4, counted: 8 } as const

export type ProductFlags = Partial<Record<keyof typeof BITS, boolean | undefined>>

/** The flags as one word of the params uniform. */
export const flagWord = (flags: ProductFlags): Word =>
  u32(Object.entries(BITS).reduce((word, [name, bit]) => word + (flags[name as keyof typeof BITS] === true ? bit : 0), 0))

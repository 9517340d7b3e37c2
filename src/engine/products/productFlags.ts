/** What the kernels of light products do beside multiplying: the bits that shaders/common/product_flags.wgsl reads. */
import { u32, type Word } from '../op'

const BITS = { bias: 1, residual: 2, accumulate: 4, counted: 8 } as const

export type ProductFlags = Partial<Record<keyof typeof BITS, boolean | undefined>>

export const flagWord = (flags: ProductFlags): Word =>
  u32(Object.entries(BITS).reduce((word, [name, bit]) => word + (flags[name as keyof typeof BITS] === true ? bit : 0), 0))

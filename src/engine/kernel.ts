/** Describes an op's kernel: launches of compute shaders with their bindings, constants, parameters and scratch areas. */
import type { ProductKernels } from './products/productChoice'

/** A range of a tensor (or of a scratch area) bound to a kernel. Offsets and sizes in bytes; offsets are multiples of 256. */
export interface Binding {
  readonly of: { readonly input: number } | { readonly output: number } | { readonly scratch: number }
  readonly offset?: number
  readonly size?: number
}

/** One kernel launch. Bindings go in order; the params uniform (if any) is bound last. */
export interface Dispatch {
  /** Path under shaders/ without extension, e.g. `norm/rms_norm`. */
  readonly shader: string
  /** Compile-time constants, prepended as `const NAME = value;`: tiles, flags, what text is repeated by. Each set is a pipeline: extents are params. */
  readonly constants?: Readonly<Record<string, number>>
  /** Files that stand in for the shader's `// #part NAME` lines. */
  readonly parts?: Readonly<Record<string, string>>
  readonly bindings: readonly Binding[]
  /** u32 and f32 words of the params uniform, in declaration order. */
  readonly params?: readonly Word[]
  readonly workgroups: readonly [number, number, number]
  /** Floating-point operations and bytes moved, for the time estimate and the profile. */
  readonly flops?: number
  readonly bytes?: number
}
export type Word = { readonly u32: number } | { readonly f32: number }
/** A u32 word of the params uniform. */
export const u32 = (value: number): Word => ({ u32: value })
/** An f32 word of the params uniform. */
export const f32 = (value: number): Word => ({ f32: value })

export interface Kernel {
  readonly dispatches: readonly Dispatch[]
  /** Sizes in bytes of temporary areas the dispatches share. */
  readonly scratch?: readonly number[]
}

/** The properties of the device on which the choice of a kernel may depend. */
export interface KernelContext {
  readonly maxBindingBytes: number
  readonly isSoftware: boolean
  /** Invocations of every subgroup; null where subgroups are missing or their size varies. */
  readonly subgroupSize: number | null
  /** The features and choices for matrix products; without them the fixed choices are used. */
  readonly products?: ProductKernels
  /** True when the planner has redirected output 0 into a gradient buffer: the kernel must add to what is there. */
  readonly accumulate: boolean
}

/** 1-D dispatch of `count` workgroups folded to 2-D where a dimension would pass 65,535. Kernels use `flat_workgroup`. */
export function fold(count: number): [number, number, number] {
  const limit = 65_535
  if (count <= limit) return [Math.max(1, count), 1, 1]
  const rows = Math.ceil(count / limit)
  return [Math.ceil(count / rows), rows, 1]
}

/** Binds input `index` of the op, or a range of it in bytes. */
export const input = (index: number, offset?: number, size?: number): Binding => binding({ input: index }, offset, size)
/** Binds output `index` of the op, or a range of it in bytes. */
export const output = (index: number, offset?: number, size?: number): Binding => binding({ output: index }, offset, size)
/** Binds scratch area `index` of the kernel, or a range of it in bytes. */
export const scratch = (index: number, offset?: number, size?: number): Binding => binding({ scratch: index }, offset, size)
function binding(of: Binding['of'], offset?: number, size?: number): Binding {
  return { of, ...(offset === undefined ? {} : { offset }), ...(size === undefined ? {} : { size }) }
}

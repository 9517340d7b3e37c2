/** The contract of an op: one object says what it computes, how the GPU computes it, how it differentiates, and on which examples it is tested. */
import type { ProductKernels } from './products/productChoice'
import type { Shape, Tensor, TensorSpec } from './tensor'
import { ShapeError } from './tensor'

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
export const u32 = (value: number): Word => ({ u32: value })
export const f32 = (value: number): Word => ({ f32: value })

export interface Kernel {
  readonly dispatches: readonly Dispatch[]
  /** Sizes in bytes of temporary areas the dispatches share. */
  readonly scratch?: readonly number[]
}

/** What a kernel choice may depend on. */
export interface KernelContext {
  readonly maxBindingBytes: number
  readonly isSoftware: boolean
  /** Invocations of every subgroup; null where subgroups are missing or their size varies. */
  readonly subgroupSize: number | null
  /** What matrix products may be computed with; the fixed choices where it is missing. */
  readonly products?: ProductKernels
  /** True when the planner has redirected output 0 into a gradient buffer: the kernel must add to what is there. */
  readonly accumulate: boolean
}

export type NumberArray = Float64Array | Float32Array | Uint32Array

export interface BackwardArgs<Params> {
  /** Cotangent of each output; null where none flows. */
  readonly grads: readonly (Tensor | null)[]
  readonly inputs: readonly Tensor[]
  readonly outputs: readonly Tensor[]
  readonly params: Params
  /** Which inputs need a gradient: do not build the others. */
  readonly needs: readonly boolean[]
}

/** One case on which test/engine/ops.gpu.test.ts runs the op: kernel against reference, backward against finite differences of the reference. */
export interface OpExample<Params> {
  readonly label: string
  readonly inputs: readonly TensorSpec[]
  readonly params: Params
  /** Values of u32 inputs (and any input whose values matter), by input index. Other inputs are drawn from a normal distribution. */
  readonly values?: Readonly<Record<number, readonly number[]>>
  /** Live rows of an input, by input index. The test fills its later rows with NaN, which must not reach any result. */
  readonly liveRows?: Readonly<Record<number, number>>
  /** Rows of the outputs that are defined. Later rows are not compared, and no gradient flows into them. Default: all. */
  readonly definedRows?: number
  /** Inputs the finite-difference check perturbs; default: every f32 input. */
  readonly differentiable?: readonly number[]
}

/** Greatest relative L2 errors that the test allows. */
export interface OpTolerance {
  readonly output: number
  readonly mutated: number
  readonly gradient: number
}
export const OP_TOLERANCE: OpTolerance = { output: 2e-5, mutated: 2e-6, gradient: 1e-4 }

export interface Op<Params> {
  readonly name: string
  /** Output specs, or throws a ShapeError that names the op and the shapes. */
  infer(inputs: readonly TensorSpec[], params: Params): readonly TensorSpec[]
  /**
   * What the op computes, in plain f64. The kernel is compared with it, and finite differences are taken of it. Ops that mutate inputs return the
   * new value of each mutated input after the outputs.
   */
  reference(inputs: readonly NumberArray[], specs: readonly TensorSpec[], params: Params): readonly Float64Array[]
  kernel(inputs: readonly TensorSpec[], outputs: readonly TensorSpec[], params: Params, context: KernelContext): Kernel
  backward?(args: BackwardArgs<Params>): readonly (Tensor | null)[]
  /** Indices of state inputs written in place. */
  readonly mutates?: readonly number[]
  /** The kernel can add output 0 onto what its buffer holds (gradient accumulation without a copy). */
  readonly canAccumulate?: boolean
  readonly examples: readonly OpExample<Params>[]
  /** Where the default tolerance does not fit. */
  readonly tolerance?: Partial<OpTolerance>
  /** The test that covers an op without examples. */
  readonly testedBy?: string
}

/** The catalogue's view of an op: parameters are checked where the op is applied. */
export type AnyOp = Op<unknown>

/** Applies an op to symbolic tensors. */
export function apply<Params>(op: Op<Params>, inputs: readonly Tensor[], params: Params): readonly Tensor[] {
  const first = inputs[0]
  if (!first) throw new Error(`${op.name}: an op needs at least one input`)
  for (const input of inputs) if (input.graph !== first.graph) throw new Error(`${op.name}: inputs belong to different graphs`)
  return first.graph.add(op, inputs, params)
}

export function only(outputs: readonly Tensor[]): Tensor {
  return at(outputs, 0)
}

export function at<T>(items: readonly T[], index: number): T {
  const item = items[index]
  if (item === undefined) throw new Error(`index ${index} of ${items.length}`)
  return item
}

export function fail(op: string, expected: string, ...shapes: readonly (Shape | undefined)[]): never {
  throw new ShapeError(
    `${op}: expected ${expected}, found ${shapes.map((shape) => (shape ? `[${shape.join(', ')}]` : 'nothing')).join(' and ')}`,
  )
}

/** 1-D dispatch of `count` workgroups folded to 2-D where a dimension would pass 65,535. Kernels use `flat_workgroup`. */
export function fold(count: number): [number, number, number] {
  const limit = 65_535
  if (count <= limit) return [Math.max(1, count), 1, 1]
  const rows = Math.ceil(count / limit)
  return [Math.ceil(count / rows), rows, 1]
}

export const input = (index: number, offset?: number, size?: number): Binding => binding({ input: index }, offset, size)
export const output = (index: number, offset?: number, size?: number): Binding => binding({ output: index }, offset, size)
export const scratch = (index: number, offset?: number, size?: number): Binding => binding({ scratch: index }, offset, size)
function binding(of: Binding['of'], offset?: number, size?: number): Binding {
  return { of, ...(offset === undefined ? {} : { offset }), ...(size === undefined ? {} : { size }) }
}

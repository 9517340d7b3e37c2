/** The contract of an op: one object says what it computes, how the GPU computes it, how it differentiates, and on which examples it is tested. */
import type { GraphOp, Shape, Tensor, TensorSpec } from './tensor'
import { ShapeError } from './tensor'

export type NumberArray = Float64Array | Float32Array | Uint32Array

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
/** The tolerance of ops that have none of their own. */
export const OP_TOLERANCE: OpTolerance = { output: 2e-5, mutated: 2e-6, gradient: 1e-4 }

export interface Op<Params> extends GraphOp<Params> {
  /**
   * What the op computes, in plain f64. The kernel is compared with it, and finite differences are taken of it. Ops that mutate inputs return the
   * new value of each mutated input after the outputs.
   */
  reference(inputs: readonly NumberArray[], specs: readonly TensorSpec[], params: Params): readonly Float64Array[]
  readonly examples: readonly OpExample<Params>[]
  /** The tolerance of this op, if the default does not fit. */
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

/** The only output of an op. */
export function only(outputs: readonly Tensor[]): Tensor {
  return at(outputs, 0)
}

/** The item at `index`; throws if there is none. */
export function at<T>(items: readonly T[], index: number): T {
  const item = items[index]
  if (item === undefined) throw new Error(`index ${index} of ${items.length}`)
  return item
}

/** Throws a ShapeError that names the op, the expected shapes and those found. */
export function fail(op: string, expected: string, ...shapes: readonly (Shape | undefined)[]): never {
  throw new ShapeError(
    `${op}: expected ${expected}, found ${shapes.map((shape) => (shape ? `[${shape.join(', ')}]` : 'nothing')).join(' and ')}`,
  )
}

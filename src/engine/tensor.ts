/**
 * Symbolic tensors: shape and dtype, no data. Model and loss code runs once against them and leaves a graph of ops;
 * `differentiate` appends the backward graph; `planGraph` turns it into dispatches and buffers; `replay` runs those.
 */
import type { Kernel, KernelContext } from './kernel'
import { storageOf } from './weightFormat'
import type { WeightFormat } from './weightFormat'

/** Packed formats are those of stored weights: shapes count weights, buffers hold what `storageOf` says. */
export type DType = 'u32' | WeightFormat
export type Shape = readonly number[]

export interface TensorSpec {
  readonly shape: Shape
  readonly dtype: DType
}

/** The spec of an f32 tensor of this shape. */
export const floats = (...shape: number[]): TensorSpec => ({ shape, dtype: 'f32' })
/** The spec of a u32 tensor of this shape. */
export const words = (...shape: number[]): TensorSpec => ({ shape, dtype: 'u32' })

/** `batch`: written by the host before each replay. `state`: lives across replays (weights, gradients, moments, caches). */
export type LeafRole = 'batch' | 'state'

export interface Leaf {
  readonly kind: 'leaf'
  readonly role: LeafRole
  readonly name: string
}

export interface Node {
  readonly kind: 'node'
  readonly op: AnyGraphOp
  readonly inputs: readonly Tensor[]
  readonly params: unknown
  readonly outputs: readonly Tensor[]
}

export class Tensor implements TensorSpec {
  readonly graph: Graph
  readonly id: number
  readonly shape: Shape
  readonly dtype: DType
  source: Leaf | Node

  constructor(graph: Graph, id: number, shape: Shape, dtype: DType, source: Leaf | Node) {
    this.graph = graph
    this.id = id
    this.shape = shape
    this.dtype = dtype
    this.source = source
  }

  get size(): number {
    return sizeOf(this.shape)
  }
}

export interface BackwardArgs<Params> {
  /** Cotangent of each output; null where none flows. */
  readonly grads: readonly (Tensor | null)[]
  readonly inputs: readonly Tensor[]
  readonly outputs: readonly Tensor[]
  readonly params: Params
  /** Which inputs need a gradient: do not build the others. */
  readonly needs: readonly boolean[]
}

/** The parts of an op that the graph, autograd and the planner use. `Op` adds those that its test needs. */
export interface GraphOp<Params> {
  readonly name: string
  /** Output specs, or throws a ShapeError that names the op and the shapes. */
  infer(inputs: readonly TensorSpec[], params: Params): readonly TensorSpec[]
  kernel(inputs: readonly TensorSpec[], outputs: readonly TensorSpec[], params: Params, context: KernelContext): Kernel
  backward?(args: BackwardArgs<Params>): readonly (Tensor | null)[]
  /** Indices of state inputs written in place. */
  readonly mutates?: readonly number[]
  /** The kernel can add output 0 onto what its buffer holds (gradient accumulation without a copy). */
  readonly canAccumulate?: boolean
}

/** Parameters are checked where the op is applied. */
export type AnyGraphOp = GraphOp<unknown>

/** The number of elements of a shape. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, extent) => product * extent, 1)
}

/** Bytes of the buffer a tensor needs. */
export function bytesOf({ shape, dtype }: TensorSpec): number {
  return storageOf(dtype === 'u32' ? 'f32' : dtype, sizeOf(shape)).total
}

export class ShapeError extends Error {
  override name = 'ShapeError'
}

export class Graph {
  readonly nodes: Node[] = []
  readonly leaves = new Map<string, Tensor>()
  /** Tensors the host reads or copies after a replay, by name. */
  readonly outputs = new Map<string, Tensor>()
  /** The positions in `nodes` at which stretches of the forward pass start and end; see `recompute`. */
  readonly marks: number[] = []
  #nextId = 0

  /** Data the host writes before each replay. */
  batch(name: string, shape: Shape, dtype: DType = 'f32'): Tensor {
    return this.#leaf('batch', name, shape, dtype)
  }

  /** A tensor that lives across replays; asking again for the same name gives the same tensor. */
  state(name: string, shape: Shape, dtype: DType = 'f32'): Tensor {
    return this.#leaf('state', name, shape, dtype)
  }

  #leaf(role: LeafRole, name: string, shape: Shape, dtype: DType): Tensor {
    const known = this.leaves.get(name)
    if (known) {
      const same = known.dtype === dtype && known.shape.join() === shape.join()
      if (!same) throw new ShapeError(`leaf ${name}: declared as [${known.shape.join(', ')}] and again as [${shape.join(', ')}]`)
      return known
    }
    const tensor = new Tensor(this, this.#nextId++, shape, dtype, { kind: 'leaf', role, name })
    this.leaves.set(name, tensor)
    return tensor
  }

  /** Marks the start of a stretch: nodes from here to the next mark may be computed again for the backward pass instead of being stored. */
  mark(): void {
    this.marks.push(this.nodes.length)
  }

  output(name: string, tensor: Tensor): Tensor {
    if (this.outputs.has(name)) throw new Error(`output ${name} is declared twice`)
    if (tensor.source.kind === 'leaf') throw new Error(`output ${name} is a leaf: nothing computes it`)
    this.outputs.set(name, tensor)
    return tensor
  }

  add(op: AnyGraphOp, inputs: readonly Tensor[], params: unknown): readonly Tensor[] {
    const outputs: Tensor[] = []
    const node: Node = { kind: 'node', op, inputs, params, outputs }
    for (const spec of op.infer(inputs, params)) {
      outputs.push(new Tensor(this, this.#nextId++, spec.shape, spec.dtype, node))
    }
    this.nodes.push(node)
    return outputs
  }
}

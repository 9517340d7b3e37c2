/** Decides where each tensor of a plan is stored: in scratch slots, which are reused after their last reader, or in buffers of the batch, the state and the outputs. */
import { at } from '../op'
import { bytesOf } from '../tensor'
import type { Graph, Node, Tensor, TensorSpec } from '../tensor'
import type { Steps } from './fuseSums'

export type Place =
  | { readonly kind: 'slot'; readonly slot: number }
  | { readonly kind: 'batch'; readonly name: string }
  | { readonly kind: 'state'; readonly name: string }
  | { readonly kind: 'output'; readonly name: string }

/** Bytes of a tensor’s buffer: at least 16, and a multiple of 16. */
export const tensorBytes = (tensor: TensorSpec): number => Math.max(16, Math.ceil(bytesOf(tensor) / 16) * 16)

/** Size classes grow by a quarter of an octave, so that plans of neighbouring buckets share buffers. */
export function sizeClass(bytes: number): number {
  const floor = 2 ** Math.floor(Math.log2(Math.max(256, bytes)))
  for (const quarter of [4, 5, 6, 7]) if (bytes <= (floor * quarter) / 4) return (floor * quarter) / 4
  return floor * 2
}

/** Places of the tensors of a graph, assigned step by step in the order of execution. Sizes are in bytes. */
export class Places {
  /** Size class of each scratch slot. */
  readonly slots: number[] = []
  readonly batch = new Map<string, number>()
  readonly states = new Map<string, number>()
  readonly outputs: ReadonlyMap<string, number>
  readonly #home: ReadonlyMap<Tensor, Tensor>
  readonly #outputNames: ReadonlyMap<Tensor, string>
  /** Index of the last step that reads or writes each tensor. */
  readonly #lastUse = new Map<Tensor, number>()
  readonly #places = new Map<Tensor, Place>()
  /** Free slots by size class. */
  readonly #free = new Map<number, number[]>()

  constructor(graph: Graph, { steps, home }: Steps) {
    this.#home = home
    this.outputs = new Map([...graph.outputs].map(([name, tensor]) => [name, tensorBytes(tensor)]))
    this.#outputNames = new Map([...graph.outputs].map(([name, tensor]) => [tensor, name]))
    steps.forEach(({ node }, index) => {
      for (const tensor of [...node.inputs, ...node.outputs]) this.#lastUse.set(this.#homeOf(tensor), index)
    })
  }

  /** A scratch slot of at least `bytes`: a free one of the size class, or a new one. */
  takeSlot(bytes: number): number {
    const size = sizeClass(bytes)
    const spare = this.#free.get(size)?.pop()
    if (spare !== undefined) return spare
    this.slots.push(size)
    return this.slots.length - 1
  }

  giveSlot(slot: number): void {
    const size = at(this.slots, slot)
    const list = this.#free.get(size)
    if (list) list.push(slot)
    else this.#free.set(size, [slot])
  }

  /** The place of `tensor`; a leaf gets its buffer when it is first read. Throws for a node's tensor that is not computed yet. */
  of(tensor: Tensor): Place {
    const own = this.#homeOf(tensor)
    const known = this.#places.get(own)
    if (known) return known
    const { source } = own
    if (source.kind !== 'leaf') throw new Error(`${source.op.name} is read before it is computed`)
    const place: Place = { kind: source.role, name: source.name }
    const sizes = source.role === 'batch' ? this.batch : this.states
    sizes.set(source.name, tensorBytes(own))
    this.#places.set(own, place)
    return place
  }

  /** Gives the outputs of `node` their places; `into`: the tensor onto which its output 0 is added. */
  placeNode(node: Node, into: Tensor | null): void {
    for (const tensor of node.inputs) this.of(tensor)
    node.outputs.forEach((tensor, position) => {
      const name = this.#outputNames.get(tensor)
      if (position === 0 && into) this.#places.set(tensor, this.of(into))
      else if (name !== undefined) this.#places.set(tensor, { kind: 'output', name })
      else this.#places.set(tensor, { kind: 'slot', slot: this.takeSlot(tensorBytes(tensor)) })
    })
  }

  /** Frees the slots of the tensors that no step after step `index`, which computes `node`, reads or writes. */
  release(node: Node, index: number): void {
    for (const tensor of new Set([...node.inputs, ...node.outputs].map((one) => this.#homeOf(one)))) {
      const place = this.#places.get(tensor)
      if (place?.kind === 'slot' && this.#lastUse.get(tensor) === index) this.giveSlot(place.slot)
    }
  }

  #homeOf(tensor: Tensor): Tensor {
    return this.#home.get(tensor) ?? tensor
  }
}

/** Reverse-mode differentiation by graph surgery: appends the backward ops to the graph that is being traced. */
import { at } from '../op'
import { add } from '../ops/add'
import type { Node, Tensor } from '../tensor'

export interface Seed {
  readonly output: Tensor
  /** Cotangent: ∂loss/∂output, same shape. */
  readonly grad: Tensor
}

/**
 * Gradients of the seeded loss with respect to `wrt`, in order; null where no path exists.
 * Only nodes on a path from a `wrt` tensor to a seed are differentiated, so a frozen base gets dX and never dW.
 */
export function differentiate(seeds: readonly Seed[], wrt: readonly Tensor[]): (Tensor | null)[] {
  const first = seeds[0]
  if (!first) return wrt.map(() => null)
  const forward = first.output.graph.nodes.slice()
  const wanted = new Set(wrt)
  const depends = new Set<Tensor>(wanted)
  for (const node of forward) {
    if (node.inputs.some((input) => depends.has(input))) for (const output of node.outputs) depends.add(output)
  }

  const grads = new Map<Tensor, Tensor>()
  const accumulate = (tensor: Tensor, grad: Tensor): void => {
    const known = grads.get(tensor)
    grads.set(tensor, known ? add(known, grad) : grad)
  }
  for (const seed of seeds) if (depends.has(seed.output)) accumulate(seed.output, seed.grad)

  for (let index = forward.length - 1; index >= 0; index--) {
    const node: Node = at(forward, index)
    const outGrads = node.outputs.map((output) => grads.get(output) ?? null)
    if (outGrads.every((grad) => grad === null)) continue
    const needs = node.inputs.map((input) => depends.has(input))
    if (!needs.some(Boolean)) continue
    if (!node.op.backward) throw new Error(`${node.op.name} has no backward, but a gradient flows through it`)
    const inputGrads = node.op.backward({ grads: outGrads, inputs: node.inputs, outputs: node.outputs, params: node.params, needs })
    node.inputs.forEach((input, position) => {
      const grad = inputGrads[position]
      if (grad && needs[position]) accumulate(input, grad)
    })
  }
  return wrt.map((tensor) => grads.get(tensor) ?? null)
}

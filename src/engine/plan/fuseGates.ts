/** Fuses `swiglu(gate, up)` into the linear layer that computes `up`, which saves a pass over memory. */
import { at } from '../op'
import { gatedLinearOp, linearOp } from '../ops/linear'
import type { LinearParams } from '../ops/linearParams'
import { swigluOp } from '../ops/swiglu'
import type { AnyGraphOp, Graph, Node, Tensor } from '../tensor'

/**
 * Fuses only if `up` has no other reader: in generation, in scoring, and in a forward pass that is computed again for its gradients. In other
 * training passes the backward pass reads `up`, so it is not fused. The fused layer takes the place of `swiglu`, where the gate is already computed.
 */
export function fuseGates(nodes: readonly Node[], graph: Graph): readonly Node[] {
  const uses = new Map<Tensor, number>()
  for (const node of nodes) for (const input of node.inputs) uses.set(input, (uses.get(input) ?? 0) + 1)
  const pinned = new Set(graph.outputs.values())
  const fused = new Map<Node, Node>()
  const dropped = new Set<Node>()
  /** The position of the last node that changes a state, past which layers are not moved. */
  let movable = new Set<Node>()
  for (const node of nodes) {
    if ((node.op.mutates?.length ?? 0) > 0) movable = new Set()
    else movable.add(node)
    if (node.op !== (swigluOp as AnyGraphOp)) continue
    const [gate, up] = [at(node.inputs, 0), at(node.inputs, 1)]
    const layer = up.source
    if (layer.kind === 'leaf' || layer.op !== (linearOp as AnyGraphOp) || !movable.has(layer)) continue
    const params = layer.params as LinearParams
    if (params.hasResidual || uses.get(up) !== 1 || pinned.has(up)) continue
    fused.set(node, { ...node, op: gatedLinearOp, inputs: [...layer.inputs, gate], params })
    dropped.add(layer)
  }
  return nodes.filter((node) => !dropped.has(node)).map((node) => fused.get(node) ?? node)
}

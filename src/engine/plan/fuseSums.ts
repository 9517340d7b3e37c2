/** Fuses sums into the kernels that produce what is added: a producer that can accumulate adds onto the other term in place. */
import { at } from '../op'
import { accumulateIntoOp } from '../ops/accumulateInto'
import { addOp } from '../ops/add'
import type { AnyGraphOp, Graph, Node, Tensor } from '../tensor'

export interface Step {
  readonly node: Node
  /** Output 0 is added onto what this tensor holds, when an accumulation was fused into this node. */
  readonly into: Tensor | null
}

export interface Steps {
  readonly steps: readonly Step[]
  /** Tensors that live where another one does: sums that are formed in place, and what is added to them. */
  readonly home: ReadonlyMap<Tensor, Tensor>
}

/** `accumulateInto(state, x)` becomes "the producer of x adds into state" if the producer can and x has no other reader. */
export function fuseAccumulation(nodes: readonly Node[], graph: Graph): Step[] {
  const uses = new Map<Tensor, number>()
  for (const node of nodes) for (const input of node.inputs) uses.set(input, (uses.get(input) ?? 0) + 1)
  const pinned = new Set(graph.outputs.values())
  const redirected = new Map<Node, Tensor>()
  const dropped = new Set<Node>()
  const extra: { after: Node; node: Node }[] = []
  const is = (node: Node, op: { readonly name: string }): boolean => node.op === (op as AnyGraphOp)
  const fuse = (x: Tensor, state: Tensor): boolean => {
    const producer = x.source
    if (producer.kind === 'leaf' || uses.get(x) !== 1 || pinned.has(x) || producer.outputs[0] !== x) return false
    if (producer.op.canAccumulate) {
      redirected.set(producer, state)
      return true
    }
    if (is(producer, addOp)) {
      // Both halves of a sum add into the state on their own; the sum is never formed.
      dropped.add(producer)
      for (const half of producer.inputs) if (!fuse(half, state)) extra.push({ after: producer, node: accumulation(half, state) })
      return true
    }
    return false
  }
  for (const node of nodes) {
    if (!is(node, accumulateIntoOp)) continue
    if (fuse(at(node.inputs, 0), at(node.inputs, 1))) dropped.add(node)
  }
  const steps: Step[] = []
  for (const node of nodes) {
    if (!dropped.has(node)) steps.push({ node, into: redirected.get(node) ?? null })
    for (const added of extra) if (added.after === node) steps.push({ node: added.node, into: null })
  }
  return steps
}

function accumulation(x: Tensor, state: Tensor): Node {
  return { kind: 'node', op: accumulateIntoOp, inputs: [x, state], params: null, outputs: [] }
}

/**
 * `add(a, b)` becomes "the producer of b adds onto a" if neither has another reader: gradients that meet at a tensor are summed as they
 * are computed. Steps are visited in order, so that a is complete when b's producer runs.
 */
export function fuseSums(steps: readonly Step[], graph: Graph): Steps {
  const uses = new Map<Tensor, number>()
  const position = new Map<Node, number>()
  steps.forEach(({ node }, index) => {
    position.set(node, index)
    for (const input of node.inputs) uses.set(input, (uses.get(input) ?? 0) + 1)
  })
  const pinned = new Set(graph.outputs.values())
  const into = new Map<Node, Tensor>()
  const home = new Map<Tensor, Tensor>()
  const dropped = new Set<Node>()
  const isOwn = (tensor: Tensor): boolean => tensor.source.kind === 'node' && uses.get(tensor) === 1 && !pinned.has(tensor)
  /** The tensor into which the sum is first written, which another sum may have formed in place. */
  const madeAt = (tensor: Tensor): number => {
    const { source } = home.get(tensor) ?? tensor
    return source.kind === 'node' ? (position.get(source) ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY
  }
  for (const { node } of steps) {
    if (node.op !== (addOp as AnyGraphOp)) continue
    const sum = at(node.outputs, 0)
    const halves = [at(node.inputs, 0), at(node.inputs, 1)] as const
    for (const [base, added] of [halves, [halves[1], halves[0]] as const]) {
      const { source } = added
      if (base === added || pinned.has(sum) || !isOwn(base) || !isOwn(added) || source.kind !== 'node') continue
      if (!source.op.canAccumulate || source.outputs[0] !== added || into.has(source) || home.has(added)) continue
      const own = position.get(source)
      if (own === undefined || steps[own]?.into || madeAt(base) >= own) continue
      const root = home.get(base) ?? base
      into.set(source, root)
      home.set(added, root)
      home.set(sum, root)
      dropped.add(node)
      break
    }
  }
  return {
    steps: steps.filter(({ node }) => !dropped.has(node)).map((step) => ({ node: step.node, into: into.get(step.node) ?? step.into })),
    home,
  }
}

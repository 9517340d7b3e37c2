/**
 * Activation checkpointing (Chen 2016, arXiv 1604.06174) as a transformation of the graph: what a stretch of the forward pass computes for
 * itself alone is computed again where the backward pass first asks for it, so that between the two it need not be kept. The same kernels
 * on the same inputs: results keep their bits.
 */
import { at } from '../op'
import type { Graph, Node } from '../tensor'
import { Tensor } from '../tensor'

/**
 * `forward`: how many nodes were there before `differentiate`. Stretches lie between two marks (`graph.mark`); the last is not computed
 * again, since its backward follows at once.
 */
export function recompute(graph: Graph, forward: number): void {
  const stretchOf = new Map<Node, number>()
  graph.marks.slice(0, -2).forEach((first, stretch) => {
    for (let index = first; index < at(graph.marks, stretch + 1); index++) stretchOf.set(at(graph.nodes, index), stretch)
  })
  const kept = new Set<Tensor>(graph.outputs.values())
  const ownStretch = (tensor: Tensor): number | undefined => (tensor.source.kind === 'node' ? stretchOf.get(tensor.source) : undefined)
  graph.nodes.slice(0, forward).forEach((node) => {
    for (const input of node.inputs) if (ownStretch(input) !== stretchOf.get(node)) kept.add(input)
  })

  const again = new Map<Tensor, Tensor>()
  const done = new Set<number>()
  const nodes = graph.nodes.slice(0, forward)
  for (const node of graph.nodes.slice(forward)) {
    for (const input of node.inputs) {
      const stretch = ownStretch(input)
      if (stretch === undefined || kept.has(input) || done.has(stretch)) continue
      done.add(stretch)
      for (let index = at(graph.marks, stretch); index < at(graph.marks, stretch + 1); index++)
        nodes.push(copyOf(graph, at(graph.nodes, index), again))
    }
    const inputs = node.inputs.map((input) => (kept.has(input) ? input : (again.get(input) ?? input)))
    const replaced: Node = { ...node, inputs }
    for (const output of node.outputs) output.source = replaced
    nodes.push(replaced)
  }
  graph.nodes.splice(0, graph.nodes.length, ...nodes)
}

function copyOf(graph: Graph, node: Node, again: Map<Tensor, Tensor>): Node {
  const outputs: Tensor[] = []
  const copy: Node = { ...node, inputs: node.inputs.map((input) => again.get(input) ?? input), outputs }
  for (const output of node.outputs) {
    const own = new Tensor(graph, output.id, output.shape, output.dtype, copy)
    outputs.push(own)
    again.set(output, own)
  }
  return copy
}

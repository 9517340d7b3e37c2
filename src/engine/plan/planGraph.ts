/**
 * Turns a graph into a list of dispatches and buffers: drops dead nodes, fuses gates and gradient accumulation into producers, and assigns
 * buffers of a few size classes by liveness. It touches no GPU, so the peak memory is known before anything is allocated.
 */
import type { Dispatch, KernelContext } from '../kernel'
import { at } from '../op'
import { accumulateIntoOp } from '../ops/accumulateInto'
import { addOp } from '../ops/add'
import { bytesOf } from '../tensor'
import type { AnyGraphOp, Graph, Node, Tensor, TensorSpec } from '../tensor'
import { fuseGates } from './fuseGates'

export type Place =
  | { readonly kind: 'slot'; readonly slot: number }
  | { readonly kind: 'batch'; readonly name: string }
  | { readonly kind: 'state'; readonly name: string }
  | { readonly kind: 'output'; readonly name: string }

export interface PlannedBinding {
  readonly place: Place
  readonly offset: number
  readonly size: number
}

export interface PlannedDispatch {
  readonly op: string
  readonly dispatch: Dispatch
  readonly bindings: readonly PlannedBinding[]
}

export interface Plan {
  readonly dispatches: readonly PlannedDispatch[]
  /** Size class in bytes of each scratch slot. */
  readonly slots: readonly number[]
  readonly batch: ReadonlyMap<string, number>
  readonly outputs: ReadonlyMap<string, number>
  readonly states: ReadonlyMap<string, number>
  readonly flops: number
  readonly bytesMoved: number
  readonly memory: { readonly scratch: number; readonly batch: number; readonly outputs: number; readonly uniforms: number }
}

export type PlanContext = Omit<KernelContext, 'accumulate'>

const tensorBytes = (tensor: TensorSpec): number => Math.max(16, Math.ceil(bytesOf(tensor) / 16) * 16)

/** Size classes grow by a quarter of an octave, so that plans of neighbouring buckets share buffers. */
export function sizeClass(bytes: number): number {
  const floor = 2 ** Math.floor(Math.log2(Math.max(256, bytes)))
  for (const quarter of [4, 5, 6, 7]) if (bytes <= (floor * quarter) / 4) return (floor * quarter) / 4
  return floor * 2
}

interface Step {
  readonly node: Node
  /** Output 0 is added onto what this tensor holds, when an accumulation was fused into this node. */
  readonly into: Tensor | null
}

interface Steps {
  readonly steps: readonly Step[]
  /** Tensors that live where another one does: sums that are formed in place, and what is added to them. */
  readonly home: ReadonlyMap<Tensor, Tensor>
}

export function planGraph(graph: Graph, context: PlanContext): Plan {
  const { steps, home } = fuseSums(fuseAccumulation(fuseGates(liveNodes(graph), graph), graph), graph)
  const homeOf = (tensor: Tensor): Tensor => home.get(tensor) ?? tensor
  const outputNames = new Map<Tensor, string>([...graph.outputs].map(([name, tensor]) => [tensor, name]))
  const lastUse = new Map<Tensor, number>()
  steps.forEach((step, index) => {
    for (const tensor of step.node.inputs) lastUse.set(homeOf(tensor), index)
    for (const tensor of step.node.outputs) if ((lastUse.get(homeOf(tensor)) ?? -1) < index) lastUse.set(homeOf(tensor), index)
  })

  const slots: number[] = []
  const free = new Map<number, number[]>()
  const places = new Map<Tensor, Place>()
  const batch = new Map<string, number>()
  const states = new Map<string, number>()
  const outputs = new Map<string, number>([...graph.outputs].map(([name, tensor]) => [name, tensorBytes(tensor)]))
  const take = (bytes: number): number => {
    const size = sizeClass(bytes)
    const spare = free.get(size)?.pop()
    if (spare !== undefined) return spare
    slots.push(size)
    return slots.length - 1
  }
  const give = (slot: number): void => {
    const size = at(slots, slot)
    const list = free.get(size)
    if (list) list.push(slot)
    else free.set(size, [slot])
  }
  const placeOf = (asked: Tensor): Place => {
    const tensor = homeOf(asked)
    const known = places.get(tensor)
    if (known) return known
    const source = tensor.source
    if (source.kind !== 'leaf') throw new Error(`${source.op.name} is read before it is computed`)
    const place: Place = { kind: source.role, name: source.name }
    if (source.role === 'batch') batch.set(source.name, tensorBytes(tensor))
    else states.set(source.name, tensorBytes(tensor))
    places.set(tensor, place)
    return place
  }

  // Field by field: a device gives some of them by getters, which spreading would lose.
  const { maxBindingBytes, isSoftware, subgroupSize, products } = context
  const dispatches: PlannedDispatch[] = []
  let flops = 0
  let bytesMoved = 0
  steps.forEach(({ node, into }, index) => {
    for (const tensor of node.inputs) placeOf(tensor)
    node.outputs.forEach((tensor, position) => {
      const name = outputNames.get(tensor)
      if (position === 0 && into) places.set(tensor, placeOf(into))
      else if (name !== undefined) places.set(tensor, { kind: 'output', name })
      else places.set(tensor, { kind: 'slot', slot: take(tensorBytes(tensor)) })
    })
    const kernel = node.op.kernel(node.inputs, node.outputs, node.params, {
      maxBindingBytes,
      isSoftware,
      subgroupSize,
      ...(products ? { products } : {}),
      accumulate: into !== null,
    })
    const scratchSlots = (kernel.scratch ?? []).map((bytes) => take(bytes))
    for (const dispatch of kernel.dispatches) {
      const bindings = dispatch.bindings.map((binding): PlannedBinding => {
        if ('scratch' in binding.of) {
          const slot = at(scratchSlots, binding.of.scratch)
          return { place: { kind: 'slot', slot }, offset: binding.offset ?? 0, size: binding.size ?? at(slots, slot) }
        }
        const tensor = 'input' in binding.of ? at(node.inputs, binding.of.input) : at(node.outputs, binding.of.output)
        return { place: placeOf(tensor), offset: binding.offset ?? 0, size: binding.size ?? tensorBytes(tensor) }
      })
      const largest = Math.max(...bindings.map((binding) => binding.size))
      if (largest > maxBindingBytes) {
        throw new Error(
          `${node.op.name} binds ${largest} bytes at once, but this device allows ${maxBindingBytes}: choose a shorter context or a smaller batch`,
        )
      }
      dispatches.push({ op: node.op.name, dispatch, bindings })
      flops += dispatch.flops ?? 0
      bytesMoved += dispatch.bytes ?? 0
    }
    scratchSlots.forEach(give)
    for (const tensor of new Set([...node.inputs, ...node.outputs].map(homeOf))) {
      const place = places.get(tensor)
      if (place?.kind === 'slot' && lastUse.get(tensor) === index) give(place.slot)
    }
  })
  const total = (sizes: Iterable<number>): number => [...sizes].reduce((sum, size) => sum + size, 0)
  return {
    dispatches,
    slots,
    batch,
    outputs,
    states,
    flops,
    bytesMoved,
    memory: { scratch: total(slots), batch: total(batch.values()), outputs: total(outputs.values()), uniforms: uniformBytes(dispatches) },
  }
}

export const UNIFORM_STRIDE = 256
function uniformBytes(dispatches: readonly PlannedDispatch[]): number {
  return dispatches.filter((planned) => planned.dispatch.params).length * UNIFORM_STRIDE
}

function liveNodes(graph: Graph): Node[] {
  const needed = new Set<Tensor>(graph.outputs.values())
  const kept: Node[] = []
  for (let index = graph.nodes.length - 1; index >= 0; index--) {
    const node = at(graph.nodes, index)
    const acts = (node.op.mutates?.length ?? 0) > 0
    if (!acts && !node.outputs.some((output) => needed.has(output))) continue
    kept.unshift(node)
    for (const input of node.inputs) needed.add(input)
  }
  return kept
}

/** `accumulateInto(state, x)` becomes "the producer of x adds into state" if the producer can and x has no other reader. */
function fuseAccumulation(nodes: readonly Node[], graph: Graph): Step[] {
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
function fuseSums(steps: readonly Step[], graph: Graph): Steps {
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
  /** Where the sum is first written; the home of a sum already formed in place. */
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

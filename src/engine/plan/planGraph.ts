/**
 * Turns a graph into a list of dispatches and buffers: drops dead nodes, fuses gates and gradient accumulation into producers, and assigns
 * buffers of a few size classes by liveness. It touches no GPU, so the peak memory is known before anything is allocated.
 */
import type { Binding, Dispatch, Kernel, KernelContext } from '../kernel'
import { at } from '../op'
import type { Graph, Node, Tensor } from '../tensor'
import { fuseGates } from './fuseGates'
import { fuseAccumulation, fuseSums } from './fuseSums'
import { Places, tensorBytes, type Place } from './places'

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

/** The dispatches of a graph, and the bytes of its batch tensors, outputs and states by name. */
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

/**
 * Plans `graph` for a device. Throws when a node is read before it is computed, or when a binding is larger than the device allows
 * (`context.maxBindingBytes`).
 */
export function planGraph(graph: Graph, context: PlanContext): Plan {
  const sums = fuseSums(fuseAccumulation(fuseGates(liveNodes(graph), graph), graph), graph)
  const places = new Places(graph, sums)
  const dispatches: PlannedDispatch[] = []
  sums.steps.forEach(({ node, into }, index) => {
    places.placeNode(node, into)
    const kernel = kernelOf(node, into !== null, context)
    const scratch = (kernel.scratch ?? []).map((bytes) => places.takeSlot(bytes))
    for (const dispatch of kernel.dispatches) {
      const bindings = dispatch.bindings.map((binding) => bindingOf(binding, node, scratch, places))
      checkBindings(node.op.name, bindings, context.maxBindingBytes)
      dispatches.push({ op: node.op.name, dispatch, bindings })
    }
    scratch.forEach((slot) => {
      places.giveSlot(slot)
    })
    places.release(node, index)
  })
  const { slots, batch, outputs, states } = places
  return {
    ...{ dispatches, slots, batch, outputs, states },
    flops: total(dispatches.map(({ dispatch }) => dispatch.flops ?? 0)),
    bytesMoved: total(dispatches.map(({ dispatch }) => dispatch.bytes ?? 0)),
    memory: { scratch: total(slots), batch: total(batch.values()), outputs: total(outputs.values()), uniforms: uniformBytes(dispatches) },
  }
}

const total = (sizes: Iterable<number>): number => [...sizes].reduce((sum, size) => sum + size, 0)

/** The kernel that computes `node`; `accumulate`: it adds its output 0 onto what the output's buffer holds. */
function kernelOf(node: Node, accumulate: boolean, context: PlanContext): Kernel {
  // A device gives some of these by getters, which spreading would lose.
  const { maxBindingBytes, isSoftware, subgroupSize, products } = context
  return node.op.kernel(node.inputs, node.outputs, node.params, {
    ...{ maxBindingBytes, isSoftware, subgroupSize, accumulate },
    ...(products ? { products } : {}),
  })
}

/** @param scratch the slots of the kernel's scratch buffers, in the kernel's order. */
function bindingOf(binding: Binding, node: Node, scratch: readonly number[], places: Places): PlannedBinding {
  const offset = binding.offset ?? 0
  if ('scratch' in binding.of) {
    const slot = at(scratch, binding.of.scratch)
    return { place: { kind: 'slot', slot }, offset, size: binding.size ?? at(places.slots, slot) }
  }
  const tensor = 'input' in binding.of ? at(node.inputs, binding.of.input) : at(node.outputs, binding.of.output)
  return { place: places.of(tensor), offset, size: binding.size ?? tensorBytes(tensor) }
}

function checkBindings(op: string, bindings: readonly PlannedBinding[], maxBindingBytes: number): void {
  const largest = Math.max(...bindings.map((binding) => binding.size))
  if (largest > maxBindingBytes) {
    throw new Error(
      `${op} binds ${largest} bytes at once, but this device allows ${maxBindingBytes}: choose a shorter context or a smaller batch`,
    )
  }
}

/** The distance in bytes between the params of dispatches in the buffer of uniforms. */
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

/** Runs the training plans of one PPO batch on the GPU, on frozen log-probs and values instead of those of a model. */
import type { EngineDevice } from '../../../engine/device/engineDevice'
import { accumulateInto } from '../../../engine/ops/accumulateInto'
import { PPO_SUM_WORDS } from '../../../engine/ops/ppoLoss'
import { PPO_TOTAL_WORDS } from '../../../engine/ops/ppoMinibatch'
import { Executable } from '../../../engine/plan/executable'
import { planGraph } from '../../../engine/plan/planGraph'
import { ScratchPool } from '../../../engine/plan/scratchPool'
import { Graph } from '../../../engine/tensor'
import { batchTensors } from '../../../models/architectures/decoder'
import { METRICS_LEAF } from '../../policy/policyPlans'
import { powerOfTwo, rowCapacity } from '../../batches/batchLayout'
import type { BatchLayout } from '../../batches/batchLayout'
import { ppoLeaf, ppoObjective, PPO_KEPT, PPO_SUMS, traceMinibatchEnd, tracePrepare } from './plans'
import type { PpoArithmetic } from './plans'

export interface FrozenPpo {
  readonly batch: BatchLayout
  readonly settings: PpoArithmetic
  readonly klCoef: number
  /** One entry per row: the numbers before the update, and those that the mini-batch of the whole batch sees. */
  readonly rows: Readonly<Record<'logp' | 'ref' | 'value' | 'newLogp' | 'newValue' | 'newEntropy', readonly number[]>>
}

export interface FrozenPpoOutputs {
  /** [rows, 4] by `PPO_ROW` and by `PPO_DETAIL`, whitened. */
  readonly table: Float32Array
  readonly details: Float32Array
  /** `PPO_TOTAL` of the one mini-batch. */
  readonly totals: Float32Array
  /** [capacity]: gradients as the optimizer would get them; 0 past the rows, and everywhere after a skipped mini-batch. */
  readonly dlogp: Float32Array
  readonly dvalue: Float32Array
}

type Inputs = Readonly<Record<string, Float32Array | Uint32Array>>

/** Runs the three plans of a batch on the rows of `frozen`: preparation, one mini-batch of all rows, and its end. */
export async function runFrozenPpo(engine: EngineDevice, frozen: FrozenPpo): Promise<FrozenPpoOutputs> {
  const { batch, settings, klCoef, rows } = frozen
  const capacity = rowCapacity(batch.rows)
  const sequences = powerOfTwo(batch.items.length, 16)
  const states = new FrozenStates(engine, capacity)
  const padded = (values: readonly number[]): Float32Array => paddedRows(values, capacity)
  for (const what of ['logp', 'ref', 'value'] as const) engine.write(states.of(ppoLeaf(what, capacity)).buffer, padded(rows[what]))

  const pool = new ScratchPool(engine)
  const run = async (trace: (graph: Graph) => void, inputs: Inputs): Promise<void> => {
    const graph = new Graph()
    trace(graph)
    const executable = await Executable.create(engine, planGraph(graph, engine), pool, (name) => states.of(name))
    for (const [name, data] of Object.entries(inputs)) executable.write(name, data)
    await executable.run()
    executable.destroy()
  }
  const counts = Uint32Array.of(0, batch.rows, batch.items.length, 0)
  const { score, gap, firstRow } = batch
  await run((graph) => tracePrepare(graph, settings, capacity, sequences), {
    ...{ score, gap, firstRow, counts },
    klCoef: Float32Array.of(klCoef),
  })
  await run(
    (graph) => {
      traceFrozenMinibatch(graph, settings, capacity)
    },
    {
      ...{ logp: padded(rows.newLogp), value: padded(rows.newValue), entropy: padded(rows.newEntropy), counts },
      tableRow: Uint32Array.from({ length: capacity }, (_, r) => r),
      weight: Float32Array.of(1 / batch.rows),
    },
  )
  await run((graph) => traceMinibatchEnd(graph, settings, 2 * capacity), {})
  const found = await readOutputs(engine, states, batch.rows, capacity)
  pool.destroy()
  states.destroy()
  return found
}

/** `values` [rows] as [capacity]. What lies past the live rows must not matter. */
const paddedRows = (values: readonly number[], capacity: number): Float32Array =>
  new Float32Array(capacity).fill(Number.NaN).map((nan, r) => values[r] ?? nan)

/** Buffers of the state that the plans read and write, by leaf name. */
class FrozenStates {
  readonly #engine: EngineDevice
  readonly #capacity: number
  readonly #buffers: ReadonlyMap<string, GPUBuffer>

  constructor(engine: EngineDevice, capacity: number) {
    this.#engine = engine
    this.#capacity = capacity
    const sizes = {
      ...{ [ppoLeaf('logp', capacity)]: capacity, [ppoLeaf('ref', capacity)]: capacity, [ppoLeaf('value', capacity)]: capacity },
      ...{ [ppoLeaf('table', capacity)]: 4 * capacity, [ppoLeaf('details', capacity)]: 4 * capacity },
      ...{ [PPO_SUMS]: PPO_SUM_WORDS, [METRICS_LEAF]: PPO_TOTAL_WORDS, 'packed/grads': 2 * capacity, [PPO_KEPT]: 2 * capacity },
    }
    this.#buffers = new Map(Object.entries(sizes).map(([name, size]) => [name, engine.createBuffer(name, size * 4)]))
  }

  /** The gradients of values lie after those of log-probs, as the optimizer's do. */
  of(name: string): { buffer: GPUBuffer; offset: number } {
    const buffer = this.#buffers.get(name.startsWith('grad:') ? 'packed/grads' : name)
    if (!buffer) throw new Error(`no state ${name}`)
    return { buffer, offset: name === 'grad:value' ? this.#capacity * 4 : 0 }
  }

  destroy(): void {
    for (const buffer of this.#buffers.values()) this.#engine.destroyBuffer(buffer)
  }
}

/** The loss of one mini-batch whose log-probs, values and entropies are inputs [capacity]; its gradients go to the packed state. */
function traceFrozenMinibatch(graph: Graph, settings: PpoArithmetic, capacity: number): void {
  const column = (name: string, ...shape: number[]): ReturnType<Graph['batch']> => graph.batch(name, [capacity, ...shape])
  const objective = ppoObjective(settings, capacity)
  const { dlogp, dvalue } = objective({
    ...{ graph, batch: batchTensors(graph, 32, 1), rows: capacity },
    ...{ logp: column('logp'), lse: column('lse'), entropy: column('entropy'), isTop1: column('isTop1'), value: column('value', 1) },
  })
  accumulateInto(graph.state('grad:logp', [capacity]), dlogp)
  if (dvalue) accumulateInto(graph.state('grad:value', [capacity]), dvalue)
}

async function readOutputs(engine: EngineDevice, states: FrozenStates, rows: number, capacity: number): Promise<FrozenPpoOutputs> {
  const read = (name: string, count: number, from = 0): Promise<Float32Array> => engine.readF32(states.of(name).buffer, from, count)
  return {
    table: await read(ppoLeaf('table', capacity), 4 * rows),
    details: await read(ppoLeaf('details', capacity), 4 * rows),
    totals: await read(METRICS_LEAF, PPO_TOTAL_WORDS),
    dlogp: await read('packed/grads', capacity),
    dvalue: await read('packed/grads', capacity, capacity * 4),
  }
}

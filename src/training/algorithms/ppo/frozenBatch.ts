/** One PPO batch on frozen log-probs and values: what the training plans make of them on the GPU. No model takes part. */
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
  /** One entry per row: before the update, and as the mini-batch of the whole batch sees them. */
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

export async function runFrozenPpo(engine: EngineDevice, { batch, settings, klCoef, rows }: FrozenPpo): Promise<FrozenPpoOutputs> {
  const capacity = rowCapacity(batch.rows)
  const sequences = powerOfTwo(batch.items.length, 16)
  const sizes = {
    ...{ [ppoLeaf('logp', capacity)]: capacity, [ppoLeaf('ref', capacity)]: capacity, [ppoLeaf('value', capacity)]: capacity },
    ...{ [ppoLeaf('table', capacity)]: 4 * capacity, [ppoLeaf('details', capacity)]: 4 * capacity },
    ...{ [PPO_SUMS]: PPO_SUM_WORDS, [METRICS_LEAF]: PPO_TOTAL_WORDS, 'packed/grads': 2 * capacity, [PPO_KEPT]: 2 * capacity },
  }
  const states = new Map(Object.entries(sizes).map(([name, size]) => [name, engine.createBuffer(name, size * 4)]))
  const state = (name: string): { buffer: GPUBuffer; offset: number } => {
    // The gradients of values lie after those of log-probs, as the optimizer's do.
    const buffer = states.get(name.startsWith('grad:') ? 'packed/grads' : name)
    if (!buffer) throw new Error(`no state ${name}`)
    return { buffer, offset: name === 'grad:value' ? capacity * 4 : 0 }
  }
  // What lies past the live rows must not matter.
  const padded = (values: readonly number[]): Float32Array => new Float32Array(capacity).fill(Number.NaN).map((nan, r) => values[r] ?? nan)
  for (const what of ['logp', 'ref', 'value'] as const) engine.write(state(ppoLeaf(what, capacity)).buffer, padded(rows[what]))

  const pool = new ScratchPool(engine)
  const run = async (trace: (graph: Graph) => void, inputs: Readonly<Record<string, Float32Array | Uint32Array>>): Promise<void> => {
    const graph = new Graph()
    trace(graph)
    const executable = await Executable.create(engine, planGraph(graph, engine), pool, state)
    for (const [name, data] of Object.entries(inputs)) executable.write(name, data)
    await executable.run()
    executable.destroy()
  }
  const counts = Uint32Array.of(0, batch.rows, batch.items.length, 0)
  const { score, gap, firstRow } = batch
  await run((graph) => tracePrepare(graph, settings, capacity, sequences), {
    score,
    gap,
    firstRow,
    klCoef: Float32Array.of(klCoef),
    counts,
  })
  await run(
    (graph) => {
      const column = (name: string, ...shape: number[]): ReturnType<Graph['batch']> => graph.batch(name, [capacity, ...shape])
      const { dlogp, dvalue } = ppoObjective(
        settings,
        capacity,
      )({
        ...{ graph, batch: batchTensors(graph, 32, 1), rows: capacity },
        ...{ logp: column('logp'), lse: column('lse'), entropy: column('entropy'), isTop1: column('isTop1'), value: column('value', 1) },
      })
      accumulateInto(graph.state('grad:logp', [capacity]), dlogp)
      if (dvalue) accumulateInto(graph.state('grad:value', [capacity]), dvalue)
    },
    {
      ...{ logp: padded(rows.newLogp), value: padded(rows.newValue), entropy: padded(rows.newEntropy), counts },
      tableRow: Uint32Array.from({ length: capacity }, (_, r) => r),
      weight: Float32Array.of(1 / batch.rows),
    },
  )
  await run((graph) => traceMinibatchEnd(graph, settings, 2 * capacity), {})
  const read = (name: string, count: number, from = 0): Promise<Float32Array> => engine.readF32(state(name).buffer, from, count)
  const found = {
    table: await read(ppoLeaf('table', capacity), 4 * batch.rows),
    details: await read(ppoLeaf('details', capacity), 4 * batch.rows),
    totals: await read(METRICS_LEAF, PPO_TOTAL_WORDS),
    dlogp: await read('packed/grads', capacity),
    dvalue: await read('packed/grads', capacity, capacity * 4),
  }
  pool.destroy()
  for (const buffer of states.values()) engine.destroyBuffer(buffer)
  return found
}

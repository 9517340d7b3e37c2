/**
 * `bench loss`: log-probability of one target per row under a softmax over a large vocabulary, forward and with the gradient of the hidden
 * states (the head is frozen, as in LoRA), from hidden states and head alone: logits of the whole vocabulary are never stored.
 */
import { createRng } from '../base/random'
import { differentiate } from '../engine/autograd/differentiate'
import { EngineDevice } from '../engine/device/engineDevice'
import { WeightPacker, rowBlocks } from '../engine/memory/weightPacker'
import { logProb } from '../engine/ops/logProb'
import { Executable } from '../engine/plan/executable'
import { planGraph, type Plan } from '../engine/plan/planGraph'
import { ScratchPool } from '../engine/plan/scratchPool'
import { bytesOf, Graph } from '../engine/tensor'
import { isPacked, type WeightFormat } from '../engine/weightFormat'
import { rateRow, timePairs, type BenchRow } from './paired'
import { measureRoofline, type Roofline } from './roofline'

export interface LossBenchOptions {
  readonly device: GPUDevice
  readonly isSoftware: boolean
  readonly formats: readonly WeightFormat[]
  readonly vocabulary: number
  readonly hidden: number
  readonly rows: number
  readonly repeats: number
  readonly now: () => number
  progress(line: string): void
}

export interface LossRow extends BenchRow {
  readonly ms: number
  readonly shareOfPeak: number
  /** By plan, beyond hidden states, head, targets, log-probabilities and the gradient: what the loss itself takes. */
  readonly extraBytes: number
  /** What the logits would take. */
  readonly logitsBytes: number
}
export interface LossBenchReport {
  readonly rows: readonly LossRow[]
  readonly roofline: Roofline
}

const HEAD = 'head'

export async function benchLoss(options: LossBenchOptions): Promise<LossBenchReport> {
  const { device, now, vocabulary, hidden, rows: count } = options
  const roofline = await measureRoofline(device, now)
  const engine = new EngineDevice(device, { isSoftware: options.isSoftware })
  const rng = createRng(1, 1)
  const hiddenStates = Float32Array.from({ length: count * hidden }, () => rng.normal())
  const targets = Uint32Array.from({ length: count }, () => rng.int(vocabulary))
  const found: LossRow[] = []
  for (const format of options.formats) {
    const head = engine.createBuffer(HEAD, bytesOf({ shape: [vocabulary, hidden], dtype: format }))
    await fill(engine, head, format, [vocabulary, hidden])
    for (const kind of ['forward', 'forward and backward'] as const) {
      const pool = new ScratchPool(engine)
      const plan = lossPlan(engine, format, options, kind === 'forward and backward')
      const executable = await Executable.create(engine, plan, pool, () => ({ buffer: head, offset: 0 }))
      executable.write('hidden', hiddenStates)
      executable.write('targets', targets)
      executable.write('counts', Uint32Array.of(count, count, count, 0))
      executable.write('dlogp', new Float32Array(count).fill(-1 / count))
      const run = async (): Promise<void> => {
        await executable.run()
        await executable.finish()
      }
      await run()
      const logp = await executable.readOutput('logp', count)
      if (!logp.every((value) => Number.isFinite(value) && value < 0)) throw new Error('bench loss: log-probabilities are not finite')
      const gflop = plan.flops / 1e9
      const row = rateRow(`loss ${format}, ${kind}`, 'GFLOP/s', gflop, '', await timePairs(run, null, options.repeats, now))
      const one: LossRow = {
        ...row,
        ms: (gflop / row.ours) * 1000,
        shareOfPeak: row.ours / roofline.gflops,
        extraBytes: plan.memory.scratch + plan.memory.uniforms,
        logitsBytes: count * vocabulary * 4,
      }
      found.push(one)
      options.progress(
        `bench loss: ${one.name} ${one.ms.toFixed(0)} ms, ${one.ours.toFixed(2)} GFLOP/s, ${one.extraBytes} bytes beside its operands`,
      )
      executable.destroy()
      pool.destroy()
    }
    engine.destroyBuffer(head)
  }
  return { rows: found, roofline }
}

/** Hidden states, targets and gradients are batch tensors and outputs; what is left of the plan is the loss's own. */
function lossPlan(
  engine: EngineDevice,
  format: WeightFormat,
  { vocabulary, hidden, rows }: Pick<LossBenchOptions, 'vocabulary' | 'hidden' | 'rows'>,
  isBackward: boolean,
): Plan {
  const graph = new Graph()
  const h = graph.batch('hidden', [rows, hidden])
  const head = graph.state(HEAD, [vocabulary, hidden], format)
  const { logp } = logProb(h, head, graph.batch('targets', [rows], 'u32'), graph.batch('counts', [4], 'u32'))
  graph.output('logp', logp)
  if (isBackward) {
    const [gradient] = differentiate([{ output: logp, grad: graph.batch('dlogp', [rows]) }], [h])
    if (!gradient) throw new Error('the loss has no gradient')
    graph.output('gradient', gradient)
  }
  return planGraph(graph, engine)
}

/** Random rows, packed on the GPU a block at a time as a checkpoint's are. */
async function fill(engine: EngineDevice, buffer: GPUBuffer, format: WeightFormat, shape: readonly [number, number]): Promise<void> {
  const packer = new WeightPacker(engine)
  const rng = createRng(1, 2)
  const [rows, width] = shape
  // One draw is enough: the values do not matter as long as they are not zero.
  const values = Float32Array.from(
    { length: Math.max(...rowBlocks(rows, width).map(({ count }) => count)) * width },
    () => 0.05 * rng.normal(),
  )
  for (const { first, count } of rowBlocks(rows, width)) {
    const block = values.subarray(0, count * width)
    if (isPacked(format)) await packer.write(buffer, block, { format, shape, first, count })
    else engine.write(buffer, block, first * width * 4)
  }
  await packer.destroy()
}

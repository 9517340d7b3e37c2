/** DPO's kernels against TRL's own `_compute_loss` on frozen log-probs. Golden: test/golden/dpo.py. */
import { z } from 'zod'
import type { EngineDevice } from '../../../engine/device/engineDevice'
import { DPO_LOSS_TYPES, DPO_PAIR, DPO_PAIR_WORDS, DPO_SUM, DPO_SUM_WORDS, dpoLoss, dpoLossOp } from '../../../engine/ops/dpoLoss'
import { Graph } from '../../../engine/tensor'
import { dpoLossParams } from './loop'
import type { Goldens } from '../../parity'
import { measureOf, type Measure, type Quantity } from '../../../base/quantity'
import { runGraph } from '../../../engine/plan/runGraph'

const grid = z.array(z.array(z.number()))
const schema = z.object({
  source: z.string(),
  ...{ mask: grid, logps: grid, ref: grid, entropies: grid, is_top1: grid, mean_logits: grid },
  cases: z.array(
    z.object({
      name: z.string(),
      ...{ loss_type: z.enum(DPO_LOSS_TYPES), beta: z.number(), label_smoothing: z.number() },
      ...{ loss: z.number(), losses: z.array(z.number()), grad: grid, metrics: z.record(z.string(), z.number()) },
    }),
  ),
})
type Golden = z.output<typeof schema>
type Case = Golden['cases'][number]

/** Sizes of the kernel's buffers: more rows and pairs than the golden has. Values past the golden's rows must not change the result. */
const [ROWS, ROOM] = [96, 8]
const SCALAR = { bound: 'relL2', tolerance: 1e-4 } as const
const MEANS = [
  ['rewards/chosen', 'rewardChosen', 'pairs'],
  ['rewards/rejected', 'rewardRejected', 'pairs'],
  ['rewards/margins', 'margin', 'pairs'],
  ['rewards/accuracies', 'accuracy', 'pairs'],
  ['logps/chosen', 'logpChosen', 'pairs'],
  ['logps/rejected', 'logpRejected', 'pairs'],
  ['logits/chosen', 'logitsChosen', 'chosenRows'],
  ['logits/rejected', 'logitsRejected', 'rejectedRows'],
  ['entropy', 'entropy', 'rows'],
  ['mean_token_accuracy', 'chosenHits', 'chosenRows'],
] as const

interface Laid {
  readonly pairs: number
  readonly count: number
  /** Trained cells of a grid: chosen and rejected of each pair in turn. */
  readonly packed: (values: readonly (readonly number[])[]) => number[]
  readonly inputs: Readonly<
    Record<
      'logp' | 'ref' | 'entropy' | 'rowSequence' | 'firstRow' | 'weight' | 'counts' | 'isTop1' | 'meanLogits',
      Float32Array | Uint32Array
    >
  >
}

function layOut({ mask, logps, ref, entropies, is_top1, mean_logits }: Golden): Laid {
  const pairs = mask.length / 2
  // TRL has all chosen sequences before all rejected ones.
  const order = mask.map((_, s) => (s % 2 === 0 ? s / 2 : (s - 1) / 2 + pairs))
  const packed = (values: readonly (readonly number[])[]): number[] =>
    order.flatMap((row) => (values[row] ?? []).filter((_, t) => mask[row]?.[t] === 1))
  const lengths = order.map((row) => (mask[row] ?? []).filter((one) => one === 1).length)
  const firstRow = [0, ...lengths.map((_, s) => lengths.slice(0, s + 1).reduce((sum, length) => sum + length, 0))]
  const count = firstRow.at(-1) ?? 0
  const padded = (values: readonly number[], size: number): Float32Array =>
    new Float32Array(size).fill(Number.NaN).map((nan, index) => values[index] ?? nan)
  return {
    ...{ pairs, count, packed },
    inputs: {
      logp: padded(packed(logps), ROWS),
      ref: padded(packed(ref), ROWS),
      entropy: padded(packed(entropies), ROWS),
      rowSequence: Uint32Array.from(lengths.flatMap((length, s) => new Array<number>(length).fill(s))),
      firstRow: Uint32Array.from(firstRow),
      weight: padded(new Array<number>(pairs).fill(1 / pairs), ROOM),
      counts: Uint32Array.of(0, count, 2 * pairs, 0),
      isTop1: padded(packed(is_top1), ROWS),
      meanLogits: padded(packed(mean_logits), ROWS),
    },
  }
}

type Outputs = readonly [dlogp: ArrayLike<number>, pairs: ArrayLike<number>, sums: ArrayLike<number>]

export async function dpoQuantities(engine: EngineDevice, goldens: Goldens, adapter: string): Promise<Quantity[]> {
  const golden = schema.parse(goldens.json('dpo_golden.json'))
  const laid = layOut(golden)
  const found: Quantity[] = []
  for (const one of golden.cases)
    found.push(...compared(measureOf(golden.source, adapter), `DPO, ${one.name}`, await runCase(engine, laid, one), laid, one))
  return found
}

/** The same quantities of the f64 reference that the kernels are tested against. */
export function dpoReferenceQuantities(goldens: Goldens): Quantity[] {
  const golden = schema.parse(goldens.json('dpo_golden.json'))
  const laid = layOut(golden)
  const names = ['logp', 'ref', 'entropy', 'rowSequence', 'firstRow', 'weight', 'counts', 'isTop1', 'meanLogits'] as const
  const arrays = names.map((name) => laid.inputs[name])
  const specs = names.map((name, index) => ({
    shape: [name === 'firstRow' ? 2 * ROOM + 1 : name === 'rowSequence' ? ROWS : (arrays[index]?.length ?? 0)],
    dtype: arrays[index] instanceof Uint32Array ? ('u32' as const) : ('f32' as const),
  }))
  return golden.cases.flatMap((one) => {
    const [dlogp, pairs, sums] = dpoLossOp.reference(arrays, specs, dpoLossParams(one))
    return compared(measureOf(golden.source, 'reference'), `DPO, ${one.name}`, [dlogp ?? [], pairs ?? [], sums ?? []], laid, one)
  })
}

function compared(measure: Measure, name: string, [dlogp, pairs, sums]: Outputs, laid: Laid, one: Case): Quantity[] {
  const grad = laid.packed(one.grad)
  // Rows past the live ones get nothing.
  const wanted = [...grad, ...new Array<number>(dlogp.length - grad.length).fill(0)]
  const losses = Array.from({ length: laid.pairs }, (_, p) => pairs[p * DPO_PAIR_WORDS + DPO_PAIR.loss] ?? Number.NaN)
  const sum = (key: keyof typeof DPO_SUM): number => sums[DPO_SUM[key]] ?? Number.NaN
  return [
    measure(`${name}: loss`, [sum('loss')], [one.loss], SCALAR),
    measure(`${name}: loss of every pair`, losses, one.losses, SCALAR),
    measure(`${name}: gradient of every log-prob`, dlogp, wanted, SCALAR),
    ...MEANS.map(([metric, key, of]) => measure(`${name}: ${metric}`, [sum(key) / sum(of)], [one.metrics[metric] ?? Number.NaN], SCALAR)),
  ]
}

async function runCase(engine: EngineDevice, laid: Laid, settings: Case): Promise<Outputs> {
  const graph = new Graph()
  const column = (name: string): ReturnType<Graph['batch']> => graph.batch(name, [ROWS])
  const out = dpoLoss(
    {
      ...{ logp: column('logp'), ref: column('ref'), entropy: column('entropy') },
      rowSequence: graph.batch('rowSequence', [ROWS], 'u32'),
      firstRow: graph.batch('firstRow', [2 * ROOM + 1], 'u32'),
      weight: graph.batch('weight', [ROOM]),
      counts: graph.batch('counts', [4], 'u32'),
      isTop1: column('isTop1'),
      meanLogits: column('meanLogits'),
    },
    dpoLossParams(settings),
  )
  for (const [name, tensor] of Object.entries(out)) graph.output(name, tensor)
  const read = { dlogp: ROWS, pairs: ROOM * DPO_PAIR_WORDS, sums: DPO_SUM_WORDS }
  const { dlogp, pairs, sums } = await runGraph(engine, graph, laid.inputs, read)
  return [dlogp, pairs, sums]
}

/** DPO's kernels against TRL's own `_compute_loss` on frozen log-probs, and runs of it on a two-layer model. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { EngineDevice } from '../../src/engine/device/engineDevice'
import { DPO_LOSS_TYPES, DPO_PAIR, DPO_PAIR_WORDS, DPO_SUM, DPO_SUM_WORDS, dpoLoss, dpoLossOp } from '../../src/engine/ops/dpoLoss'
import { Executable } from '../../src/engine/plan/executable'
import { planGraph } from '../../src/engine/plan/planGraph'
import { ScratchPool } from '../../src/engine/plan/scratchPool'
import { Graph } from '../../src/engine/tensor'
import type { TrainingContext } from '../../src/training/algorithm'
import { dpo, dpoLossParams, runDpo } from '../../src/training/algorithms/dpo'
import type { DpoConfig } from '../../src/training/dpoConfig'
import { makePairs, type DpoPair } from '../../src/training/dpoPairs'
import { adapterUnderTest, testDevice } from '../support/gpu'
import { memoryCheckpoints, someSequences, tinyContext, type Reported } from './tinyPolicy'

let opened: EngineDevice | null = null
/** One for the file: kernels compile once. */
const engineOf = async (): Promise<EngineDevice> => (opened ??= new EngineDevice(await testDevice(), { isSoftware: true }))

const grid = z.array(z.array(z.number()))
const golden = z
  .object({
    source: z.string(),
    ...{ mask: grid, logps: grid, ref: grid, entropies: grid },
    cases: z.array(
      z.object({
        name: z.string(),
        ...{ loss_type: z.enum(DPO_LOSS_TYPES), beta: z.number(), label_smoothing: z.number() },
        ...{ loss: z.number(), losses: z.array(z.number()), grad: grid, metrics: z.record(z.string(), z.number()) },
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(join(import.meta.dirname, '../golden/dpo_golden.json'), 'utf8')))

const PAIRS = golden.mask.length / 2
/** Rows of the grids as we pack them: chosen and rejected of each pair in turn. */
const order = Array.from({ length: 2 * PAIRS }, (_, s) => (s % 2 === 0 ? s / 2 : (s - 1) / 2 + PAIRS))
const packed = (values: readonly (readonly number[])[]): number[] =>
  order.flatMap((row) => (values[row] ?? []).filter((_, t) => golden.mask[row]?.[t] === 1))
const lengths = order.map((row) => (golden.mask[row] ?? []).filter((one) => one === 1).length)
const count = lengths.reduce((sum, length) => sum + length, 0)
const [ROWS, ROOM] = [96, 8]

const closeTo = (found: number | undefined, expected: number | undefined, what: string): void => {
  if (expected === undefined) throw new Error(`no ${what}`)
  expect(Math.abs((found ?? Number.NaN) - expected), what).toBeLessThan(1e-4 * Math.max(1e-8, Math.abs(expected)))
}

describe(`the DPO loss equals ${golden.source}`, () => {
  // What lies past the live rows and pairs must not matter.
  const padded = (values: readonly number[], size: number): Float32Array =>
    new Float32Array(size).fill(Number.NaN).map((nan, index) => values[index] ?? nan)
  const firstRow = [0, ...lengths.map((_, s) => lengths.slice(0, s + 1).reduce((sum, length) => sum + length, 0))]
  const inputs = {
    logp: padded(packed(golden.logps), ROWS),
    ref: padded(packed(golden.ref), ROWS),
    entropy: padded(packed(golden.entropies), ROWS),
    rowSequence: Uint32Array.from(lengths.flatMap((length, s) => new Array<number>(length).fill(s))),
    firstRow: Uint32Array.from(firstRow),
    weight: padded(new Array<number>(PAIRS).fill(1 / PAIRS), ROOM),
    counts: Uint32Array.of(0, count, 2 * PAIRS, 0),
  }

  it.each(golden.cases)(`$name on ${adapterUnderTest()}`, async ({ losses, grad, loss, metrics, ...settings }) => {
    const device = await engineOf()
    const graph = new Graph()
    const column = (name: string): ReturnType<Graph['batch']> => graph.batch(name, [ROWS])
    const out = dpoLoss(
      {
        ...{ logp: column('logp'), ref: column('ref'), entropy: column('entropy') },
        rowSequence: graph.batch('rowSequence', [ROWS], 'u32'),
        firstRow: graph.batch('firstRow', [2 * ROOM + 1], 'u32'),
        weight: graph.batch('weight', [ROOM]),
        counts: graph.batch('counts', [4], 'u32'),
      },
      dpoLossParams(settings),
    )
    for (const [name, tensor] of Object.entries(out)) graph.output(name, tensor)
    const executable = await Executable.create(device, planGraph(graph, device), new ScratchPool(device), (name) => {
      throw new Error(`no state ${name}`)
    })
    for (const [name, data] of Object.entries(inputs)) executable.write(name, data)
    await executable.run()
    const check = (dlogp: ArrayLike<number>, pairs: ArrayLike<number>, sums: ArrayLike<number>, by: string): void => {
      packed(grad).forEach((value, r) => {
        closeTo(dlogp[r], value, `${by}: gradient of row ${r}`)
      })
      losses.forEach((value, p) => {
        closeTo(pairs[p * DPO_PAIR_WORDS + DPO_PAIR.loss], value, `${by}: loss of pair ${p}`)
      })
      const mean = (key: keyof typeof DPO_SUM, of: keyof typeof DPO_SUM = 'pairs'): number =>
        (sums[DPO_SUM[key]] ?? 0) / (sums[DPO_SUM[of]] ?? 0)
      closeTo(sums[DPO_SUM.loss], loss, `${by}: loss`)
      closeTo(mean('rewardChosen'), metrics['rewards/chosen'], `${by}: rewards/chosen`)
      closeTo(mean('rewardRejected'), metrics['rewards/rejected'], `${by}: rewards/rejected`)
      closeTo(mean('margin'), metrics['rewards/margins'], `${by}: rewards/margins`)
      closeTo(mean('accuracy'), metrics['rewards/accuracies'], `${by}: rewards/accuracies`)
      closeTo(mean('logpChosen'), metrics['logps/chosen'], `${by}: logps/chosen`)
      closeTo(mean('logpRejected'), metrics['logps/rejected'], `${by}: logps/rejected`)
      closeTo(mean('entropy', 'rows'), metrics.entropy, `${by}: entropy`)
    }
    const dlogp = await executable.readOutput('dlogp', ROWS)
    check(dlogp, await executable.readOutput('pairs', ROOM * DPO_PAIR_WORDS), await executable.readOutput('sums', DPO_SUM_WORDS), 'WGSL')
    expect([...dlogp.slice(count)].every((value) => value === 0)).toBe(true)
    const [f, u] = ['f32' as const, 'u32' as const]
    const [dlogp64, pairs64, sums64] = dpoLossOp.reference(
      [
        packed(golden.logps),
        packed(golden.ref),
        packed(golden.entropies),
        inputs.rowSequence,
        inputs.firstRow,
        inputs.weight,
        inputs.counts,
      ].map((values) => (values instanceof Uint32Array ? values : Float64Array.from(values))),
      [
        ...[0, 1, 2].map(() => ({ shape: [ROWS], dtype: f })),
        ...[
          { shape: [ROWS], dtype: u },
          { shape: [2 * ROOM + 1], dtype: u },
          { shape: [ROOM], dtype: f },
          { shape: [4], dtype: u },
        ],
      ],
      dpoLossParams(settings),
    )
    check(dlogp64 ?? [], pairs64 ?? [], sums64 ?? [], 'reference')
    executable.destroy()
  })
})

const small: Partial<DpoConfig> = {
  ...{ learning_rate: 5e-3, per_device_train_batch_size: 4, gradient_accumulation_steps: 1, lr_scheduler_type: 'constant' },
  ...{ lora_r: 4, lora_alpha: 8, lora_targets: ['q_proj', 'v_proj'] },
}

/** Eight attempts at four queries, each query with a success and a failure; attempts at a query begin alike. */
function somePairs(): readonly DpoPair[] {
  const attempts = someSequences(8).map((sequence, index) => ({
    query: `q${index >> 1}`,
    outcome: index % 2,
    sequence: { ...sequence, ids: sequence.ids.map((id, t) => (t < 3 ? 7 + (index >> 1) + t : id)) },
  }))
  return makePairs(attempts, { max_pairs_per_query: 4, overlong_pairs: 'keep' }, 1).pairs
}
const pairs = somePairs()

async function train(
  input: Partial<DpoConfig>,
  context: Partial<TrainingContext> = {},
  on: readonly DpoPair[] = pairs,
): Promise<{ reports: Reported[]; weights: Float32Array }> {
  const { context: full, reports } = await tinyContext(await engineOf(), { steps: 3, ...context })
  const { policy } = await runDpo(full, dpo.config.parse({ ...small, ...input }), on)
  const weights = await policy.packed.readWeights()
  await policy.destroy()
  return { reports, weights }
}
/** How many weights are not the same bits. */
const differing = (found: Float32Array, expected: Float32Array): number =>
  expected.filter((value, index) => !Object.is(value, found[index])).length
const relative = (found: Float32Array, expected: Float32Array): number => {
  const difference = expected.reduce((sum, value, index) => sum + (value - (found[index] ?? Number.NaN)) ** 2, 0)
  return Math.sqrt(difference / expected.reduce((sum, value) => sum + value ** 2, 0))
}

let base: ReturnType<typeof train> | null = null
const baseRun = (): ReturnType<typeof train> => (base ??= train({}))

describe(`DPO on ${adapterUnderTest()}`, () => {
  it('starts at the reference: loss ln 2, rewards 0; then margins grow', async () => {
    const { reports } = await baseRun()
    expect(reports.map(({ step }) => step)).toEqual([0, 1, 2])
    const [first, , last] = reports.map(({ metrics }) => metrics)
    expect(first).toMatchObject({ 'rewards/chosen': 0, 'rewards/rejected': 0, 'rewards/margins': 0, 'rewards/accuracies': 0 })
    expect(first?.loss).toBeCloseTo(Math.LN2, 6)
    expect(first?.grad_norm).toBeGreaterThan(0)
    expect(last?.['rewards/margins']).toBeGreaterThan(0.05)
    expect(last?.['rewards/accuracies']).toBe(1)
    expect(last?.loss).toBeLessThan(Math.LN2 - 0.02)
    for (const { metrics } of reports) {
      expect(Object.keys(metrics).sort()).toEqual(Object.keys(dpo.metrics).sort())
      expect(Object.entries(metrics).filter(([, value]) => !Number.isFinite(value))).toEqual([])
    }
  })

  it('a run resumed from a checkpoint is the run that was not interrupted, bit for bit', async () => {
    const straight = await baseRun()
    const checkpoints = memoryCheckpoints()
    const before = await train({}, { steps: 1, checkpoints })
    const after = await train({}, { checkpoints })
    expect([...before.reports, ...after.reports]).toEqual(straight.reports)
    expect(differing(after.weights, straight.weights)).toBe(0)
    expect(checkpoints.saved.map(({ step }) => step)).toEqual([1, 2, 3])
    await expect(train({}, { checkpoints: memoryCheckpoints(checkpoints.saved[0]) }, pairs.slice(0, 3))).rejects.toThrow(
      'the checkpoint was trained on 4 pairs, but the data makes 3',
    )
  })

  it('packed together, one by one, and accumulated: the same loss, the same gradient', async () => {
    const whole = await train({}, { steps: 1 })
    for (const input of [
      { per_device_train_batch_size: 1, gradient_accumulation_steps: 4 },
      { per_device_train_batch_size: 3, max_tokens_per_micro_batch: 45, gradient_accumulation_steps: 2 },
    ]) {
      const cut = await train(input, { steps: 1 })
      for (const name of ['loss', 'grad_norm', 'logps/chosen', 'logps/rejected', 'entropy', 'num_tokens'])
        closeTo(cut.reports[0]?.metrics[name], whole.reports[0]?.metrics[name], `${JSON.stringify(input)} ${name}`)
      expect(relative(cut.weights, whole.weights)).toBeLessThan(1e-4)
    }
  })

  it('ipo, hinge and robust train too', async () => {
    for (const loss_type of ['ipo', 'hinge', 'robust'] as const) {
      const { reports } = await train({ loss_type, label_smoothing: loss_type === 'robust' ? 0.1 : 0 }, { steps: 2 })
      const [first, second] = reports.map(({ metrics }) => metrics)
      closeTo(first?.loss, { ipo: 25, hinge: 1, robust: Math.LN2 }[loss_type], loss_type)
      expect(second?.loss).toBeLessThan(first?.loss ?? 0)
    }
  })

  it('pairs whose answers the released truncation takes away have loss ln 2 and no gradient', async () => {
    const { weights: start } = await train({}, { steps: 0 })
    const empty = pairs.map((pair) => ({
      ...pair,
      chosen: { ...pair.chosen, sequence: { ids: [1], targets: [] } },
      rejected: { ...pair.rejected, sequence: { ids: [1], targets: [] } },
    }))
    const { reports, weights } = await train({}, { steps: 1 }, empty)
    expect(reports[0]?.metrics.loss).toBeCloseTo(Math.LN2, 6)
    expect(reports[0]?.metrics).toMatchObject({ grad_norm: 0, 'logps/chosen': 0, entropy: 0 })
    expect(differing(weights, start)).toBe(0)
  })

  it('refuses by name what it cannot train on, and frees what it held', async () => {
    const engine = await engineOf()
    const before = engine.allocatedBytes
    await expect(train({ max_tokens_per_micro_batch: 32 }, {}, [longPair()])).rejects.toThrow(
      /a pair of \d+ tokens does not fit max_tokens_per_micro_batch 32/,
    )
    await expect(train({}, {}, [])).rejects.toThrow('DPO was given no pairs')
    await expect(train({}, { gate: () => Promise.reject(new Error('stopped')) })).rejects.toThrow('stopped')
    expect(engine.allocatedBytes).toBe(before)
  })
})

function longPair(): DpoPair {
  const [pair] = pairs
  if (!pair) throw new Error('no pairs')
  const ids = Array.from({ length: 20 }, (_, t) => t)
  return {
    ...pair,
    chosen: { ...pair.chosen, sequence: { ids, targets: [19] } },
    rejected: { ...pair.rejected, sequence: { ids, targets: [19] } },
  }
}

/** Runs of DPO on a two-layer model. Its kernels against TRL: test/cli/parity.gpu.test.ts. */
import { describe, expect, it } from 'vitest'
import { EngineDevice } from '../../src/engine/device/engineDevice'
import type { TrainingContext } from '../../src/training/trainingContext'
import { runDpo } from '../../src/training/algorithms/dpo/loop'
import { dpo } from '../../src/training/algorithms/dpo/algorithm'
import type { DpoConfig } from '../../src/training/algorithms/dpo/config'
import { makePairs, type DpoPair } from '../../src/training/algorithms/dpo/pairs'
import { adapterUnderTest, testDevice } from '../support/gpu'
import { differing, relative } from './difference'
import { memoryCheckpoints, someSequences, tinyContext, type Reported } from './tinyPolicy'

let opened: EngineDevice | null = null
/** One for the file: kernels compile once. */
const engineOf = async (): Promise<EngineDevice> => (opened ??= new EngineDevice(await testDevice(), { isSoftware: true }))

const closeTo = (found: number | undefined, expected: number | undefined, what: string): void => {
  const wanted = expected ?? Number.NaN
  expect(Math.abs((found ?? Number.NaN) - wanted), what).toBeLessThan(1e-4 * Math.max(1e-8, Math.abs(wanted)))
}

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

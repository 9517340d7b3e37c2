/** GRPO's kernels and group advantages against TRL's own `_compute_loss` on frozen log-probs, and a run of it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { EngineDevice } from '../../src/engine/device/engineDevice'
import { GRPO_SUM, grpoLoss } from '../../src/engine/ops/grpoLoss'
import { Executable } from '../../src/engine/plan/executable'
import { planGraph } from '../../src/engine/plan/planGraph'
import { ScratchPool } from '../../src/engine/plan/scratchPool'
import { Graph } from '../../src/engine/tensor'
import { grpoLossParams } from '../../src/training/algorithms/grpo'
import { groupAdvantages, SCALE_REWARDS, tokenWeights } from '../../src/training/grpoArithmetic'
import { grpoConfig } from '../../src/training/grpoConfig'
import { adapterUnderTest, testDevice } from '../support/gpu'

const grid = z.array(z.array(z.number()))
const golden = z
  .object({
    source: z.string(),
    ...{ completion_mask: grid, tool_mask: grid, old: grid, logps: grid, ref: grid, entropies: grid },
    advantages: z.array(z.number()),
    advantages_per_token: grid,
    cases: z.array(
      z.object({
        name: z.string(),
        options: z.record(z.string(), z.union([z.string(), z.number()])),
        per_token: z.boolean(),
        loss: z.number(),
        grad: grid,
        metrics: z.record(z.string(), z.number()),
      }),
    ),
    rewards: z.array(z.number().nullable()),
    num_generations: z.int(),
    groups: z.array(z.object({ scale_rewards: z.enum(SCALE_REWARDS), advantages: z.array(z.number()) })),
  })
  .parse(JSON.parse(readFileSync(join(import.meta.dirname, '../golden/grpo_golden.json'), 'utf8')))

const isTrained = (s: number, t: number): boolean => golden.completion_mask[s]?.[t] === 1 && golden.tool_mask[s]?.[t] === 1
/** Trained cells of a grid, row after row: what packing makes of it. */
const packed = (values: readonly (readonly number[])[]): number[] => values.flatMap((row, s) => row.filter((_, t) => isTrained(s, t)))
const lengths = golden.logps.map((row, s) => row.filter((_, t) => isTrained(s, t)).length)
const count = lengths.reduce((sum, length) => sum + length, 0)
const BUCKET = 64

it.each(golden.cases)(`$name on ${adapterUnderTest()} equals ${golden.source}`, async ({ options, per_token, loss, grad, metrics }) => {
  const settings = grpoConfig.parse({ max_completion_length: 12, ...options })
  const device = new EngineDevice(await testDevice(), { isSoftware: true })
  const graph = new Graph()
  const column = (name: string): ReturnType<Graph['batch']> => graph.batch(name, [BUCKET])
  const out = grpoLoss(
    {
      logp: column('logp'),
      entropy: column('entropy'),
      tableRow: graph.batch('tableRow', [BUCKET], 'u32'),
      table: graph.batch('table', [BUCKET, 4]),
      span: graph.batch('span', [BUCKET, 2], 'u32'),
      weight: column('weight'),
      counts: graph.batch('counts', [4], 'u32'),
    },
    grpoLossParams(settings),
  )
  graph.output('dlogp', out.dlogp)
  graph.output('sums', out.sums)
  const plan = planGraph(graph, device)
  const executable = await Executable.create(device, plan, new ScratchPool(device), (name) => {
    throw new Error(`no state ${name}`)
  })
  // What lies past the live rows must not matter.
  const padded = (values: readonly number[], size = BUCKET): Float32Array =>
    new Float32Array(size).fill(Number.NaN).map((nan, r) => values[r] ?? nan)
  const advantages = per_token ? golden.advantages_per_token : golden.logps.map((row, s) => row.map(() => golden.advantages[s] ?? 0))
  const [old, ref, advantage] = [packed(golden.old), packed(golden.ref), packed(advantages)]
  const weights = tokenWeights(settings.loss_type, lengths, settings.max_completion_length)
  const firsts = lengths.map((_, s) => lengths.slice(0, s).reduce((sum, length) => sum + length, 0))
  executable.write('logp', padded(packed(golden.logps)))
  executable.write('entropy', padded(packed(golden.entropies)))
  executable.write(
    'tableRow',
    Uint32Array.from({ length: BUCKET }, (_, r) => r),
  )
  executable.write(
    'table',
    padded(
      old.flatMap((value, r) => [value, ref[r] ?? 0, advantage[r] ?? 0, 0]),
      BUCKET * 4,
    ),
  )
  executable.write(
    'span',
    Uint32Array.from(lengths.flatMap((length, s) => Array.from({ length }, () => [firsts[s] ?? 0, (firsts[s] ?? 0) + length]).flat())),
  )
  executable.write('weight', padded(lengths.flatMap((length, s) => new Array<number>(length).fill(weights[s] ?? 0))))
  executable.write('counts', Uint32Array.of(0, count, lengths.length, 0))
  await executable.run()
  const sums = await executable.readOutput('sums', 8)
  const sum = (key: keyof typeof GRPO_SUM): number => sums[GRPO_SUM[key]] ?? Number.NaN
  expect(sum('loss')).toBeCloseTo(loss, 5)
  const found = await executable.readOutput('dlogp', BUCKET)
  packed(grad).forEach((value, r) => {
    expect(Math.abs((found[r] ?? Number.NaN) - value), `row ${r}`).toBeLessThan(1e-6)
  })
  expect([...found.slice(count)].every((value) => value === 0)).toBe(true)
  expect(sum('entropy') / sum('rows')).toBeCloseTo(metrics.entropy ?? Number.NaN, 5)
  if (metrics.kl !== undefined) expect(sum('kl') / sum('rows')).toBeCloseTo(metrics.kl, 5)
  const high = metrics['clip_ratio/high_mean'] ?? metrics.cispo_clip_ratio ?? Number.NaN
  expect(sum('high') / sum('units')).toBeCloseTo(high, 5)
  if (metrics.cispo_clip_ratio === undefined) expect(sum('low') / sum('units')).toBeCloseTo(metrics['clip_ratio/low_mean'] ?? Number.NaN, 5)
})

it.each(golden.groups)('advantages of groups, scale_rewards $scale_rewards', ({ scale_rewards, advantages }) => {
  const groups = golden.rewards.map((_, index) => `query ${Math.floor(index / golden.num_generations)}`)
  const found = groupAdvantages(golden.rewards, groups, scale_rewards)
  found.advantages.forEach((value, index) => {
    expect(value).toBeCloseTo(advantages[index] ?? Number.NaN, 9)
  })
  expect(found.isFlat).toEqual(groups.map((group) => group === 'query 1'))
})

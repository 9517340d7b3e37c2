/** GRPO's kernels and group advantages against TRL's own `_compute_loss` on frozen log-probs. Golden: test/golden/grpo.py. */
import { z } from 'zod'
import type { EngineDevice } from '../../../engine/device/engineDevice'
import { GRPO_SUM, grpoLoss } from '../../../engine/ops/grpoLoss'
import { Graph } from '../../../engine/tensor'
import { grpoLossParams } from './loop'
import { groupAdvantages, SCALE_REWARDS, tokenWeights } from './arithmetic'
import { grpoConfig } from './config'
import type { Goldens } from '../../parity'
import { measureOf, type Quantity } from '../../../base/quantity'
import { runGraph } from '../../../engine/plan/runGraph'

const grid = z.array(z.array(z.number()))
const schema = z.object({
  source: z.string(),
  ...{ completion_mask: grid, tool_mask: grid, old: grid, logps: grid, ref: grid, entropies: grid },
  advantages: z.array(z.number()),
  advantages_per_token: grid,
  cases: z.array(
    z.object({
      name: z.string(),
      options: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
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
type Golden = z.output<typeof schema>

/** Rows of the kernel; more than the golden's trained tokens. */
const BUCKET = 64
const SCALAR = { bound: 'relL2', tolerance: 1e-4 } as const

export async function grpoQuantities(engine: EngineDevice, goldens: Goldens, adapter: string): Promise<Quantity[]> {
  const golden = schema.parse(goldens.json('grpo_golden.json'))
  const measure = measureOf(golden.source, adapter)
  const found: Quantity[] = []
  for (const one of golden.cases) {
    const { loss, dlogp, sum } = await runCase(engine, golden, one)
    const name = `GRPO, ${one.name}`
    const { metrics } = one
    // Rows past the live ones get nothing.
    const grad = packedOf(golden, one.grad)
    found.push(measure(`${name}: loss`, [loss], [one.loss], SCALAR))
    found.push(measure(`${name}: gradient of every log-prob`, dlogp, [...grad, ...new Array<number>(BUCKET - grad.length).fill(0)], SCALAR))
    const means: readonly (readonly [string, number, number | undefined])[] = [
      ['entropy', sum('entropy') / sum('rows'), metrics.entropy],
      ['KL', sum('kl') / sum('rows'), metrics.kl],
      ['share clipped above', sum('high') / sum('units'), metrics['clip_ratio/high_mean'] ?? metrics.cispo_clip_ratio],
      ['share clipped below', sum('low') / sum('units'), metrics['clip_ratio/low_mean']],
    ]
    for (const [label, ours, theirs] of means)
      if (theirs !== undefined) found.push(measure(`${name}: ${label}`, [ours], [theirs], { bound: 'maxAbs', tolerance: 1e-5 }))
  }
  for (const { scale_rewards, advantages } of golden.groups) {
    const groups = golden.rewards.map((_, index) => `query ${Math.floor(index / golden.num_generations)}`)
    const ours = groupAdvantages(golden.rewards, groups, scale_rewards).advantages
    found.push(measure(`GRPO: advantages of groups, scale_rewards ${scale_rewards}`, ours, advantages, SCALAR))
  }
  return found
}

function isTrained({ completion_mask, tool_mask }: Golden, s: number, t: number): boolean {
  return completion_mask[s]?.[t] === 1 && tool_mask[s]?.[t] === 1
}

/** Trained cells of a grid, row after row: what packing makes of it. */
function packedOf(golden: Golden, values: readonly (readonly number[])[]): number[] {
  return values.flatMap((row, s) => row.filter((_, t) => isTrained(golden, s, t)))
}

/** Values past the live rows must not change the result. */
function padded(values: readonly number[], size = BUCKET): Float32Array {
  return new Float32Array(size).fill(Number.NaN).map((nan, r) => values[r] ?? nan)
}

async function runCase(
  engine: EngineDevice,
  golden: Golden,
  { options, per_token }: Golden['cases'][number],
): Promise<{ loss: number; dlogp: Float32Array; sum: (key: keyof typeof GRPO_SUM) => number }> {
  const settings = grpoConfig.parse({ max_completion_length: 12, ...options })
  const packed = (values: readonly (readonly number[])[]): number[] => packedOf(golden, values)
  const lengths = golden.logps.map((row, s) => row.filter((_, t) => isTrained(golden, s, t)).length)
  const firsts = lengths.map((_, s) => lengths.slice(0, s).reduce((sum, length) => sum + length, 0))
  const count = lengths.reduce((sum, length) => sum + length, 0)
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
  const advantages = per_token ? golden.advantages_per_token : golden.logps.map((row, s) => row.map(() => golden.advantages[s] ?? 0))
  const [old, ref, advantage] = [packed(golden.old), packed(golden.ref), packed(advantages)]
  const table = old.flatMap((value, r) => [value, ref[r] ?? 0, advantage[r] ?? 0, 0])
  const weights = tokenWeights(settings.loss_type, { lengths, batchTokens: count, updates: 1 }, settings.max_completion_length)
  const rowNumbers = Uint32Array.from({ length: BUCKET }, (_, r) => r)
  const spans = lengths.flatMap((length, s) => Array.from({ length }, () => [firsts[s] ?? 0, (firsts[s] ?? 0) + length]).flat())
  const inputs = {
    logp: padded(packed(golden.logps)),
    entropy: padded(packed(golden.entropies)),
    tableRow: rowNumbers,
    table: padded(table, BUCKET * 4),
    span: Uint32Array.from(spans),
    weight: padded(lengths.flatMap((length, s) => new Array<number>(length).fill(weights[s] ?? 0))),
    counts: Uint32Array.of(0, count, lengths.length, 0),
  }
  const { sums, dlogp } = await runGraph(engine, graph, inputs, { sums: 8, dlogp: BUCKET })
  const sum = (key: keyof typeof GRPO_SUM): number => sums[GRPO_SUM[key]] ?? Number.NaN
  return { loss: sum('loss'), dlogp, sum }
}

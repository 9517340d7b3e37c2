/** StepTool PPO in the starter world: the mean step reward on training queries rises on three seeds, and not from shuffled rewards. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { bootstrapMean } from '../../src/base/stats'
import { createRng } from '../../src/base/random'
import { once, placeOf, readTrajectories, stepRewardByQuery, trainedOnce } from './honeRun'

const STEPS = 12
const settings = ['--batch_size', '32', '--mini_batch_size', '8', '--gradient_accumulation_steps', '1', '--learning_rate', '5e-4']
const limits = [
  '--center_step_rewards',
  '--init_kl_coef',
  '0.2',
  '--max_grad_norm',
  '1',
  '--max_context_len',
  '512',
  '--max_response_len',
  '64',
]
/** Practice queries, tried twice each at the temperature they are trained at, with the same random numbers before and after. */
const probe = ['rollout', '--split', 'practice', '--limit', '160', '--samples', '2', '--temperature', '1', '--seed', '100']

async function rewards(name: string, lora: readonly string[]): Promise<Map<string, number>> {
  await once(name, [...probe, ...lora])
  return stepRewardByQuery(readTrajectories(join(placeOf(name), 'trajectories.jsonl')))
}

async function gain(seed: number, shuffled: boolean): Promise<{ mean: number; low: number; high: number }> {
  const name = `ppo-${seed}${shuffled ? '-shuffled' : ''}`
  const words = ['--algorithm', 'steptool-ppo', '--model', 'starter', '--data', 'starter', '--steps', String(STEPS), '--seed', String(seed)]
  const adapter = await trainedOnce(name, [...words, ...settings, ...limits, ...(shuffled ? ['--shuffle-rewards'] : [])])
  const before = await rewards('ppo-before', [])
  const after = await rewards(`${name}-after`, ['--lora', adapter])
  expect(after.size).toBe(before.size)
  const found = bootstrapMean(
    [...after].map(([query, value]) => value - (before.get(query) ?? Number.NaN)),
    createRng(seed, 1),
  )
  process.stdout.write(`${name}: mean step reward ${found.mean.toFixed(3)} [${found.low.toFixed(3)}, ${found.high.toFixed(3)}]\n`)
  return found
}

test.each([7, 8, 9])('seed %i raises the mean step reward', async (seed) => {
  expect((await gain(seed, false)).low).toBeGreaterThan(0)
})

test('shuffled rewards do not', async () => {
  expect((await gain(7, true)).low).toBeLessThanOrEqual(0)
})

/** Outcome PPO in the starter world: more practice queries are solved on three seeds, and not from shuffled outcomes. */
import { expect, test } from 'vitest'
import { passGain, trainedOnce } from './honeRun'

const STEPS = 12
const settings = ['--batch_size', '32', '--mini_batch_size', '8', '--gradient_accumulation_steps', '1', '--learning_rate', '5e-4']
const limits = ['--init_kl_coef', '0.2', '--max_grad_norm', '1', '--max_context_len', '512', '--max_response_len', '64']

async function gain(seed: number, shuffled: boolean): ReturnType<typeof passGain> {
  const name = `outcome-ppo-${seed}${shuffled ? '-shuffled' : ''}`
  const words = ['--algorithm', 'ppo', '--model', 'starter', '--data', 'starter', '--steps', String(STEPS), '--seed', String(seed)]
  return passGain(name, await trainedOnce(name, [...words, ...settings, ...limits, ...(shuffled ? ['--shuffle-rewards'] : [])]))
}

test.each([7, 8, 9])('seed %i raises the pass rate', async (seed) => {
  expect((await gain(seed, false)).low).toBeGreaterThan(0)
})

test('shuffled outcomes do not', async () => {
  expect((await gain(7, true)).low).toBeLessThanOrEqual(0)
})

/** Rejection sampling in the starter world: more practice queries are solved on three seeds, and not from attempts kept by chance. */
import { expect, test } from 'vitest'
import { passGain, trainedOnce } from './honeRun'

/** As many attempts as the PPOs' learning tests practise: 12 batches of 32. */
const settings = ['--generation_batch_size', '384', '--num_generations', '4', '--max_samples_per_query', '4', '--num_train_epochs', '3']
const limits = ['--learning_rate', '1e-3', '--warmup_steps', '2', '--max_context_len', '512', '--max_response_len', '64']

async function gain(seed: number, shuffled: boolean): ReturnType<typeof passGain> {
  const name = `rft-${seed}${shuffled ? '-shuffled' : ''}`
  const words = ['--algorithm', 'rft', '--model', 'starter', '--data', 'starter', '--seed', String(seed)]
  return passGain(name, await trainedOnce(name, [...words, ...settings, ...limits, ...(shuffled ? ['--shuffle-rewards'] : [])]))
}

test.each([7, 8, 9])('seed %i raises the pass rate', async (seed) => {
  expect((await gain(seed, false)).low).toBeGreaterThan(0)
})

test('attempts kept by chance do not', async () => {
  expect((await gain(7, true)).low).toBeLessThanOrEqual(0)
})

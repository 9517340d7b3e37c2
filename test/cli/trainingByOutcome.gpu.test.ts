/** Methods that learn from how an attempt ended, by the command line: outcome PPO, rejection sampling, DPO. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryDirectory } from './commandContext'
import { endingsFile, stopAfter, trained } from './trainedRun'

test('outcome PPO practises online; a run killed on the way ends as the whole one', async () => {
  const words = ['--algorithm', 'ppo', '--data', 'starter', '--steps', '3', '--seed', '3', '--max-calls', '1', '--learning_rate', '0.01']
  const batch = ['--batch_size', '4', '--mini_batch_size', '2', '--gradient_accumulation_steps', '1', '--ppo_epochs', '1']
  // Untrained, it solves nothing: only values that differ give it something to learn.
  const settings = [...words, ...batch, '--value_head_init', 'torch', '--checkpoint-every', '1']
  const whole = temporaryDirectory()
  const first = await trained([...settings, '--slots', '2', '--out', whole])
  expect(first).toMatchObject({ algorithm: 'ppo', steps: 3, metrics: { 'env/reward_mean': 0, 'ppo/mean_scores': 0, pass_rate: 0 } })
  expect(first.notes.join(' ')).toContain('The final step’s label is the only reward')
  expect(first.loss[2]).not.toBe(first.loss[0])
  expect(first.predictedBytes).toBeGreaterThan(first.peakBytes / 3)
  expect(first.predictedBytes).toBeLessThan(first.peakBytes * 3)

  const killed = temporaryDirectory()
  await expect(trained([...settings, '--slots', '3', '--out', killed], { signal: stopAfter(2, killed) })).rejects.toThrow('killed')
  const second = await trained([...settings, '--slots', '3', '--out', killed, '--resume'])
  expect(second.loss).toEqual(first.loss)
  expect(second.sha256).toBe(first.sha256)
})

test('RFT practises, keeps and imitates; a run killed on the way ends as the whole one', async () => {
  const words = ['--algorithm', 'rft', '--data', 'starter', '--steps', '4', '--seed', '3', '--max-calls', '1', '--learning_rate', '0.01']
  const groups = ['--generation_batch_size', '8', '--num_generations', '4', '--sampling_rounds', '2', '--num_train_epochs', '50']
  // Untrained, it solves nothing: here everything passes.
  const settings = [...words, ...groups, '--reward_threshold', '0', '--max_samples_per_query', '3', '--checkpoint-every', '1']
  const whole = temporaryDirectory()
  const first = await trained([...settings, '--slots', '2', '--out', whole])
  expect(first).toMatchObject({ algorithm: 'rft', steps: 4, metrics: { 'rft/sampled': 8, 'rft/passed': 8, 'rft/queries': 2 } })
  const { 'rft/blank': blank, 'rft/deduped': deduped, 'rft/capped': capped, 'rft/kept': kept } = first.metrics
  expect([blank, deduped, capped, kept].reduce<number>((sum, count) => sum + (count ?? Number.NaN), 0)).toBe(8)
  expect(kept).toBeLessThanOrEqual(6)
  expect(first.loss[3]).toBeLessThan(first.loss[0] ?? 0)
  expect(first.notes.join(' ')).toMatch(/Round 1 of 2: \d of 8 attempts are imitated, from 2 queries: 8 passed, .* Round 2 of 2: \d of 8/)
  expect(first.predictedBytes).toBeGreaterThan(first.peakBytes / 3)
  expect(first.predictedBytes).toBeLessThan(first.peakBytes * 3)
  expect(readdirSync(join(whole, 'practice'))).toEqual(['step-0001.jsonl', 'step-0003.jsonl'])

  // In the second round, whose practice is not done again.
  const killed = temporaryDirectory()
  await expect(trained([...settings, '--slots', '3', '--out', killed], { signal: stopAfter(3, killed) })).rejects.toThrow('killed')
  const second = await trained([...settings, '--slots', '3', '--out', killed, '--resume'])
  expect(second.loss).toEqual(first.loss)
  expect(second.sha256).toBe(first.sha256)

  await expect(trained([...words, ...groups, '--out', temporaryDirectory()])).rejects.toThrow(
    'RFT imitates attempts whose final step earned at least 1, and none of 8 did: the best has 0.',
  )
})

test('DPO learns from attempts that end differently; without such a query it says what there is', async () => {
  const file = await endingsFile()
  const paired = file('paired.jsonl', (id) => (id.endsWith('/0') ? 'solved' : 'unsolved'))
  const words = [
    '--algorithm',
    'dpo',
    '--steps',
    '3',
    '--per_device_train_batch_size',
    '3',
    '--gradient_accumulation_steps',
    '1',
    '--learning_rate',
    '0.01',
    '--checkpoint-every',
    '1',
  ]
  const whole = temporaryDirectory()
  const first = await trained([...words, '--data', paired, '--out', whole])
  expect(first).toMatchObject({ algorithm: 'dpo', steps: 3, metrics: { 'rewards/accuracies': 1 } })
  expect(first.loss[0]).toBeCloseTo(Math.LN2, 6)
  expect(first.notes.join(' ')).toContain('3 pairs from 3 of 3 queries: 3 successes, 3 failures, 0 undecided')
  expect(Math.abs(first.peakBytes - first.predictedBytes)).toBeLessThan(0.1 * first.peakBytes)

  const killed = temporaryDirectory()
  await expect(trained([...words, '--data', paired, '--out', killed], { signal: stopAfter(2, killed) })).rejects.toThrow('killed')
  const second = await trained([...words, '--data', paired, '--out', killed, '--resume'])
  expect(second.loss).toEqual(first.loss)
  expect(second.sha256).toBe(first.sha256)

  const lost = file('lost.jsonl', () => 'unsolved')
  await expect(trained([...words, '--data', lost, '--out', temporaryDirectory()])).rejects.toThrow(
    'DPO needs a success and a failure on the same query, and no query has both: 6 trajectories of 3 queries (0 successes, 6 failures',
  )
  await expect(trained([...words, '--data', 'starter', '--out', temporaryDirectory()])).rejects.toThrow('dpo does not practise by itself')
})

test('RFT and outcome PPO learn from attempts without step labels, by how they ended', async () => {
  const file = await endingsFile()
  const ended = file('ended.jsonl', (id) => (id.endsWith('/0') ? 'solved' : 'unsolved'))
  const open = file('open.jsonl', () => null)
  const rftWords = ['--algorithm', 'rft', '--steps', '2', '--learning_rate', '0.01', '--tokens_per_batch', '512']
  const kept = await trained([...rftWords, '--data', ended, '--out', temporaryDirectory()])
  expect(kept).toMatchObject({ algorithm: 'rft', metrics: { 'rft/sampled': 6, 'rft/passed': 3, 'rft/kept': 3, 'rft/queries': 3 } })
  expect(kept.notes.join(' ')).toContain(
    '3 of 6 attempts are imitated, from 3 queries: 3 passed, minus 0 duplicates, 0 beyond max_samples_per_query.',
  )
  expect(Math.abs(kept.peakBytes - kept.predictedBytes)).toBeLessThan(0.1 * kept.peakBytes)
  await expect(trained([...rftWords, '--data', open, '--out', temporaryDirectory()])).rejects.toThrow(
    'RFT imitates attempts whose final step earned at least 1, and none of 6 did: none has a label that says.',
  )

  const ppoWords = ['--algorithm', 'ppo', '--steps', '1', '--batch_size', '6', '--ppo_epochs', '1', '--reward', 'status']
  const rewarded = await trained([...ppoWords, '--data', ended, '--out', temporaryDirectory()])
  expect(rewarded).toMatchObject({ algorithm: 'ppo', metrics: { 'env/reward_mean': 0.5, 'steps/unlabelled': 0 } })
  expect(Math.abs(rewarded.metrics['objective/kl'] ?? 1)).toBeLessThan(1e-4)
  await expect(trained([...ppoWords, '--data', open, '--out', temporaryDirectory()])).rejects.toThrow(
    'PPO is rewarded by outcomes, and none of the 6 trajectories has a status.',
  )
})

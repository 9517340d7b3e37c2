/** ArCHer by the command line: practice that fills a replay buffer, and StepTool's file under ArCHer's own configuration. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { sampleCsv } from '../../src/data/sampleCsv'
import { temporaryDirectory } from './commandContext'
import { stopAfter, trained } from './trainedRun'

test('ArCHer practises online; a run killed on the way ends as the whole one', async () => {
  const words = ['--algorithm', 'archer', '--data', 'starter', '--steps', '3', '--seed', '3', '--max-calls', '1', '--learning_rate', '0.01']
  const sizes = ['--rollout_size', '4', '--batch_size', '4', '--gradient_accumulation_steps', '2', '--epochs', '2', '--warmup_iter', '1']
  const settings = [...words, ...sizes, '--critic_lr', '0.01', '--max_response_len', '16', '--checkpoint-every', '1']
  const whole = temporaryDirectory()
  const first = await trained([...settings, '--slots', '2', '--out', whole])
  expect(first).toMatchObject({ algorithm: 'archer', steps: 3, ignored: [] })
  expect(Object.keys(first.metrics)).toEqual(
    expect.arrayContaining(['q1.loss', 'target_q1.mean', 'pg.loss', 'advantages.mean', 'rollout.mean', 'pass_rate', 'replay/size']),
  )
  expect(first.loss).toHaveLength(3)
  expect(first.notes.join(' ')).toContain('The critics read hidden states of the policy’s base model without the adapter')
  expect(first.predictedBytes).toBeGreaterThan(first.peakBytes / 3)
  expect(first.predictedBytes).toBeLessThan(first.peakBytes * 3)

  const killed = temporaryDirectory()
  await expect(trained([...settings, '--slots', '3', '--out', killed], { signal: stopAfter(2, killed) })).rejects.toThrow('killed')
  const second = await trained([...settings, '--slots', '3', '--out', killed, '--resume'])
  expect(second.loss).toEqual(first.loss)
  expect(second.sha256).toBe(first.sha256)
})

test('StepTool’s file trains under ArCHer’s configuration', async () => {
  const directory = temporaryDirectory()
  const [data, config] = [join(directory, 'sample.csv'), join(directory, 'archer_config.yaml')]
  writeFileSync(data, sampleCsv())
  writeFileSync(
    config,
    'critic_lm: "roberta-base"\niterations: 1\nbatch_size: 2\nepochs: 1\nwarmup_iter: 0\ngrad_accum_steps: 2\ncritic_lr: 1e-3\nlm_lr: 1e-3\nmax_new_tokens: 8\n',
  )
  const words = ['--data', data, '--config', config, '--max_context_len', '300', '--out', join(directory, 'run')]
  const result = await trained(words)
  expect(result).toMatchObject({ algorithm: 'archer', steps: 1 })
  expect(result.ignored.map(({ field }) => field)).toEqual(['critic_lm'])
  expect(result.metrics.grad_norm).toBeGreaterThan(0)
  expect(result.notes.join(' ')).toContain('accumulation_reduction: sum')
  // Files are known beforehand; only the actions that will be sampled are not.
  expect(Math.abs(result.predictedBytes - result.peakBytes)).toBeLessThan(0.2 * result.peakBytes)
})

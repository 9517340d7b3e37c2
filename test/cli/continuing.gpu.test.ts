/** Runs that begin from an adapter: where it comes from, what holds them, what is left when it is gone. */
import { cpSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { sha256 } from '../../src/base/sha256'
import { runRecord } from '../../src/records/run'
import { adapterUnderTest } from '../support/gpu'
import { temporaryDirectory } from './commandContext'
import { endingsFile, stopAfter, trained } from './trainedRun'

const SFT = ['--algorithm', 'sft', '--data', 'starter-corpus', '--tokens_per_batch', '256', '--warmup_steps', '0', '--no-preflight']
const SHAPE = ['--lora_r', '4', '--lora_targets', 'q_proj', 'down_proj', '--use_rslora']
const PRACTICE = ['--max-calls', '1', '--slots', '2', '--max_response_len', '8', '--no-preflight']
/** Practice of a random model earns nothing: decay is what moves it. */
const GRPO = [
  '--algorithm',
  'grpo',
  '--beta',
  '0.1',
  '--generation_batch_size',
  '4',
  '--num_generations',
  '2',
  '--weight_decay',
  '1',
  ...PRACTICE,
]
const MOVED = ['--learning_rate', '0.2', '--lr_scheduler_type', 'constant']
/** So small that every weight stays as it is. */
const STILL = ['--learning_rate', '1e-30', '--steps', '1']

const hashOf = (...path: string[]): string => sha256(readFileSync(join(...path)))
const weightsOf = (directory: string): string => hashOf(directory, 'adapter_model.safetensors')
const recordOf = (directory: string) => runRecord.parse(JSON.parse(readFileSync(join(directory, 'run.json'), 'utf8')))

let first: string
beforeAll(async () => {
  first = temporaryDirectory()
  await trained([...SFT, ...SHAPE, '--learning_rate', '0.02', '--steps', '2', '--out', first])
})

test('a run begins with exactly the weights another left, in their shape, and says so', async () => {
  const out = temporaryDirectory()
  const { notes, sha256 } = await trained([...SFT, ...STILL, '--init-adapter', first, '--out', out])
  expect(weightsOf(out)).toBe(weightsOf(first))
  const { config, adapter_sha256 } = recordOf(out)
  expect(config).toMatchObject({ lora_r: 4, lora_targets: ['q_proj', 'down_proj'], use_rslora: true, init_adapter: first })
  expect(adapter_sha256).toEqual({ before: sha256, after: sha256 })
  expect(notes).toContain(`It started from ${first} (SHA-256 ${sha256.slice(0, 12)}).`)
  expect(readFileSync(join(out, 'README.md'), 'utf8')).toContain(`It started from the adapter ${first} (SHA-256 ${sha256}).`)
})

test('GRPO is held to a frozen copy; killed, it goes on to the same end when what it began from is gone', async () => {
  const [start, whole, killed] = [temporaryDirectory(), temporaryDirectory(), temporaryDirectory()]
  cpSync(first, start, { recursive: true })
  const words = [...GRPO, ...MOVED, '--steps', '3', '--checkpoint-every', '1', '--init-adapter', start]
  const done = await trained([...words, '--out', whole])
  expect(done.predictedBytes).toBeGreaterThanOrEqual(done.peakBytes)
  const kl = readFileSync(join(whole, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { kl: number }).kl)
  expect(kl[0]).toBe(0)
  expect(kl[2]).toBeGreaterThan(0)

  await expect(trained([...words, '--out', killed], { signal: stopAfter(2, killed) })).rejects.toThrow('killed')
  rmSync(start, { recursive: true })
  const resumed = await trained([...words, '--out', killed, '--resume'])
  expect(resumed.sha256).toBe(done.sha256)
  expect(resumed.loss).toEqual(done.loss)
  // The run's own copy speaks for itself.
  expect((await trained([...words.slice(0, -2), '--out', killed, '--resume'])).sha256).toBe(done.sha256)
  await expect(trained([...words.slice(0, -1), whole, '--out', killed, '--resume'])).rejects.toThrow('started from another adapter')

  // A chain: the third run begins where the second ended, and is held to that.
  const third = temporaryDirectory()
  await trained([...GRPO, '--steps', '1', '--init-adapter', whole, '--out', third])
  expect(recordOf(third).adapter_sha256?.before).toBe(done.sha256)
  expect(weightsOf(join(third, 'init-adapter'))).toBe(weightsOf(whole))
})

test('every other algorithm goes on too; DPO begins at ln 2, and the copy takes the bytes that were told', async () => {
  const file = await endingsFile()
  const data = ['--data', file('ended.jsonl', (id) => (id.endsWith('/0') ? 'solved' : 'unsolved')), '--no-preflight']
  const batch = ['--per_device_train_batch_size', '3', '--gradient_accumulation_steps', '1']
  // SwiftShader compiles and computes several times slower: GRPO, DPO and PPO stand for all there.
  const all = [
    ['rft', ...data],
    ['ppo', ...data, '--batch_size', '6', '--ppo_epochs', '1', '--reward', 'status'],
    ['archer', ...PRACTICE, '--rollout_size', '2', '--batch_size', '2', '--epochs', '1', '--warmup_iter', '0'],
  ]
  for (const words of adapterUnderTest() === 'swiftshader' ? [] : all) {
    const out = temporaryDirectory()
    await trained(['--algorithm', ...words, ...STILL, '--init-adapter', first, '--out', out])
    expect(weightsOf(out), words[0]).toBe(weightsOf(first))
  }
  const dpo = ['--algorithm', 'dpo', ...data, ...batch, ...STILL, '--init-adapter', first]
  const [out, other] = [temporaryDirectory(), temporaryDirectory()]
  const held = await trained([...dpo, '--out', out])
  const free = await trained([...dpo, '--ref_adapter', 'none', '--out', other])
  expect([weightsOf(out), weightsOf(other)]).toEqual([weightsOf(first), weightsOf(first)])
  expect(held.loss[0]).toBeCloseTo(Math.LN2, 6)
  expect(Math.abs((free.loss[0] ?? 0) - Math.LN2)).toBeGreaterThan(1e-4)
  expect(held.predictedBytes - free.predictedBytes).toBeGreaterThan(0)
  expect(held.peakBytes - free.peakBytes).toBe(held.predictedBytes - free.predictedBytes)
})

test('PPO goes on with the value head too, near the adapter or near the base', async () => {
  const words = [
    '--algorithm',
    'steptool-ppo',
    '--batch_size',
    '2',
    '--mini_batch_size',
    '2',
    '--gradient_accumulation_steps',
    '1',
    '--value_head_init',
    'torch',
  ]
  const [made, same] = [temporaryDirectory(), temporaryDirectory()]
  const { metrics: fresh, notes } = await trained([
    ...words,
    '--learning_rate',
    '0.02',
    '--steps',
    '1',
    '--init-adapter',
    first,
    '--out',
    made,
  ])
  expect(fresh['objective/kl']).toBeCloseTo(0, 4)
  expect(notes).toContain('There was no value head beside the adapter: a new one begins.')
  const next = await trained([...words, ...STILL, '--init-adapter', made, '--ref_adapter', 'none', '--out', same])
  expect(next.notes).toContain('The value head beside the adapter goes on too.')
  expect(weightsOf(same)).toBe(weightsOf(made))
  expect(hashOf(same, 'v_head.safetensors')).toBe(hashOf(made, 'v_head.safetensors'))
  expect(Math.abs(next.metrics['objective/kl'] ?? 0)).toBeGreaterThan(1e-3)
})

test.each([
  [['--lora_r', '8'], 'lora_r is 8, but ', ', from which the run starts, has 4: leave lora_r out'],
  [['--lora_targets', 'q_proj'], 'lora_targets is q_proj, but ', 'has q_proj, down_proj'],
  [['--trainable', 'all'], 'trainable is all, but the run starts from ', 'Set trainable to lora'],
])('settings that say otherwise are refused: %s', async (words, ...sentences) => {
  const failure = trained([...SFT, ...STILL, ...words, '--init-adapter', first, '--out', temporaryDirectory()])
  for (const sentence of sentences) await expect(failure).rejects.toThrow(sentence)
})

test('an adapter of another base, or none, is refused', async () => {
  const from = (folder: string) => trained([...SFT, ...STILL, '--init-adapter', folder, '--out', temporaryDirectory()])
  await expect(from('test/golden/peft_adapter')).rejects.toThrow('the adapter does not fit the model')
  await expect(from('nowhere')).rejects.toThrow('nowhere: file missing: adapter_config.json')
})

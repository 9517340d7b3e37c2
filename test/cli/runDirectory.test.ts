import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openRunDirectory } from '../../src/cli/runDirectory'
import type { RunRecord } from '../../src/records/run'
import { newRun } from '../../src/studio/runs/trainJob'
import { temporaryDirectory } from './commandContext'

const record = (changes: Partial<RunRecord> = {}): RunRecord => ({
  ...newRun({
    runId: 'run-1',
    kind: 'train',
    title: 'a run',
    algorithm: 'sft',
    config: { lora_r: 8 },
    model: { id: 'm', sha256: 'abc' },
    seed: 1,
    adapter: null,
    worldHash: null,
    now: '2026-01-01T00:00:00.000Z',
  }),
  ...changes,
})
const checkpoint = (step: number) => ({ step, state: {}, arrays: { weights: Float32Array.of(step) } })

test('a run that was killed goes on after its last checkpoint', async () => {
  const directory = temporaryDirectory()
  const first = await openRunDirectory(directory, record(), false)
  for (let step = 0; step < 5; step++) {
    first.report(step, { loss: step === 2 ? Number.NaN : step })
    if (step === 3) await first.checkpoints.save(checkpoint(4))
  }
  appendFileSync(join(directory, 'metrics.jsonl'), '{"step":5,"lo')

  await expect(openRunDirectory(directory, record(), false)).rejects.toThrow(
    `${directory} holds an unfinished run: --resume goes on with it`,
  )
  const second = await openRunDirectory(directory, record(), true)
  expect(second.earlier).toEqual([0, 1, 2, 3].map((step) => ({ step, metrics: { loss: step === 2 ? Number.NaN : step } })))
  expect(readFileSync(join(directory, 'metrics.jsonl'), 'utf8').trim().split('\n')).toHaveLength(4)
  expect((await second.checkpoints.load())?.step).toBe(4)
})

test('a run goes on with the kernels it began with, whatever was measured since', async () => {
  const kernels = { version: 1 as const, adapter: 'a', kernels: 1, half: false, choices: { 'nt 64 x 64 f32': 'tile 32x32' } }
  const later = { ...kernels, choices: { 'nt 64 x 64 f32': 'tile 64x64' } }
  const [tuned, fixed] = [temporaryDirectory(), temporaryDirectory()]
  expect((await openRunDirectory(tuned, record({ kernels }), false)).kernels).toEqual(kernels)
  const second = await openRunDirectory(tuned, record({ kernels: later }), true)
  expect(second.kernels).toEqual(kernels)
  second.write(record({ kernels: later, status: 'finished' }))
  expect(JSON.parse(readFileSync(join(tuned, 'run.json'), 'utf8'))).toMatchObject({ status: 'finished', kernels })
  await openRunDirectory(fixed, record(), false)
  expect((await openRunDirectory(fixed, record({ kernels: later }), true)).kernels).toBeUndefined()
})

test.each([
  [{ algorithm: 'steptool-ppo' }, 'algorithm'],
  [{ seed: 2 }, 'seed'],
  [{ config: { lora_r: 4 } }, 'lora_r'],
  [{ model: { id: 'm', sha256: 'other' } }, 'model'],
  [{ data: [{ id: 'x', sha256: 'y' }] }, 'data set'],
] as const)('a run does not go on as another: %j', async (changes, what) => {
  const directory = temporaryDirectory()
  await openRunDirectory(directory, record(), false)
  const { data, ...rest } = { data: [], ...changes }
  await expect(openRunDirectory(directory, record({ ...rest, data: [...data] }), true)).rejects.toThrow(`holds a run with another ${what}`)
})

test('a finished run is replaced, a stranger’s file is not', async () => {
  const directory = temporaryDirectory()
  const done = await openRunDirectory(directory, record(), false)
  done.report(0, { loss: 1 })
  await done.checkpoints.save(checkpoint(1))
  done.write(record({ status: 'finished' }))
  const fresh = await openRunDirectory(directory, record(), false)
  expect(fresh.earlier).toEqual([])
  expect(existsSync(join(directory, 'checkpoint.0'))).toBe(false)
  writeFileSync(join(directory, 'run.json'), '{"mine": true}')
  await expect(openRunDirectory(directory, record(), false)).rejects.toThrow('is no run record of Hone')
})

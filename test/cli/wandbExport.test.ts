/** `hone export --to wandb` from the directory of a run, against a server in wandb's place. */
import { afterEach, expect, test, vi } from 'vitest'
import { exportFiles } from '../../src/cli/commands/export'
import { openFolderStore } from '../../src/storage/folderStore'
import { newRun } from '../../src/studio/runs/newRun'
import { MockWandb } from '../support/mockWandb'
import { run, temporaryDirectory, testContext } from './commandContext'

afterEach(() => {
  vi.unstubAllEnvs()
})

test('sends a run’s metrics with the key of the environment', async () => {
  const directory = temporaryDirectory()
  const record = newRun({
    ...{
      runId: 'run-1',
      kind: 'train' as const,
      title: 'a run',
      algorithm: 'sft',
      config: { lora_r: 8 },
      model: { id: 'm', sha256: 'abc' },
    },
    ...{ seed: 1, adapter: null, worldHash: null, now: '2026-01-01T00:00:00.000Z' },
  })
  const store = openFolderStore(temporaryDirectory())
  await store.folders.place('run-1', 'train', directory)
  await store.metrics.append('run-1', { step: [0, 1], columns: { loss: [null, 0.5] } })
  await store.runs.put({ ...record, status: 'finished', finished_at: '2026-01-01T00:00:30.000Z' })
  const { context, said } = testContext()

  vi.stubEnv('WANDB_API_KEY', '')
  await expect(run(exportFiles, ['--to', 'wandb', directory], context)).rejects.toThrow('read from WANDB_API_KEY, which is not set')

  const wandb = new MockWandb()
  const server = await wandb.start()
  vi.stubEnv('WANDB_API_KEY', server.apiKey)
  vi.stubEnv('WANDB_BASE_URL', server.baseUrl)
  const words = ['--to', 'wandb', directory, '--project', 'trials', '--entity', 'team']
  const url = `${server.baseUrl}/team/trials/runs/run-1`
  expect(await run(exportFiles, words, { ...context, fetch })).toEqual({ files: [], url, sent: 2, steps: 2 })
  expect(said.at(-1)).toBe(`2 of 2 steps were new to wandb: ${url}`)
  expect(wandb.runs.get('team/trials/run-1')).toMatchObject({
    ...{ history: ['{"_step":0}', '{"loss":0.5,"_step":1}'], summary: { loss: 0.5, _step: 1, _runtime: 30 }, exitcode: 0 },
  })
  wandb.fail.push({ status: 403 })
  await expect(run(exportFiles, words, { ...context, fetch })).rejects.toThrow('lets this key write no run there')
  await wandb.stop()
})

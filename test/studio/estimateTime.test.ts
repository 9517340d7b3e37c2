/** The time of a run before it starts: from earlier runs on the same GPU, scaled to its size, and honest where there is none. */
import { afterEach, expect, test } from 'vitest'
import type { TrainRequest } from '../../src/worker/protocol'
import { aRun } from '../support/builders'
import { openTestStudio, report, type TestStudio } from './testStudio'

let open: TestStudio | null = null
afterEach(() => open?.close())

const request = (own: Partial<TrainRequest> = {}): TrainRequest => ({
  ...{ kind: 'train', algorithm: 'steptool-ppo', model: 'starter', data: [], steps: 100, seed: 1, rowLimit: null },
  config: { batch_size: 16, mini_batch_size: 4, ppo_epochs: 2 },
  ...own,
})

async function studioWith(runs: readonly { readonly id: string; readonly seconds: readonly number[]; readonly own?: object }[]) {
  open = await openTestStudio()
  for (const { id, seconds, own } of runs) {
    const run = {
      ...aRun(id),
      algorithm: 'steptool-ppo',
      adapter: report,
      config: { batch_size: 16, mini_batch_size: 4, ppo_epochs: 2, max_calls: 6 },
    }
    await open.store.runs.put({ ...run, ...own })
    const rows = seconds.map((_, step) => step)
    await open.store.metrics.append(id, { step: rows, columns: { 'perf/time_per_step': [...seconds] } })
  }
  await open.studio.gpu.status()
  return async (own: Partial<TrainRequest> = {}) => {
    const reply = await (open as TestStudio).studio.jobs.estimateTime(request(own))
    if (!reply.ok) throw new Error(reply.message)
    return reply.value
  }
}

test('without an earlier run nothing is claimed', async () => {
  const estimate = await studioWith([])
  expect(await estimate()).toEqual({ seconds: null, basis: expect.stringContaining('No earlier run') as string })
})

test('steps of earlier runs say how long it takes, the first one apart, which compiles', async () => {
  const estimate = await studioWith([
    { id: 'run-1', seconds: [30, 4, 4, 6] },
    { id: 'run-2', seconds: [30, 4] },
    { id: 'run-3', seconds: [50], own: {} },
    { id: 'other-gpu', seconds: [1, 1, 1], own: { adapter: { ...report, description: 'Another' } } },
    { id: 'other-method', seconds: [1, 1, 1], own: { algorithm: 'sft', config: {} } },
  ])
  expect(await estimate()).toEqual({
    seconds: 400,
    basis: 'About 4 s a step, judged by 2 earlier runs with this method and model on this GPU.',
  })
  // Twice the batch is twice the work; an epoch more adds its share.
  expect((await estimate({ config: { batch_size: 32, mini_batch_size: 4, ppo_epochs: 2 } })).seconds).toBeCloseTo(800, 9)
  expect((await estimate({ config: { batch_size: 16, mini_batch_size: 4, ppo_epochs: 4 } })).seconds).toBeCloseTo((400 * 13) / 7, 9)
  expect((await estimate({ steps: 10 })).seconds).toBeCloseTo(40, 9)
})

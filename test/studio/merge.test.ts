/** What cannot be merged says why, before a job begins. */
import { afterEach, expect, test } from 'vitest'
import { createMemoryStore } from '../../src/storage/memoryStore'
import type { Store } from '../../src/storage/store'
import { openTestStudio, type TestStudio } from './testStudio'

let open: TestStudio | null = null
afterEach(() => open?.close())

async function finishedRun(store: Store): Promise<string> {
  open = await openTestStudio({}, store)
  const job = await open.studio.jobs.start({
    ...{ kind: 'train', algorithm: 'steptool-ppo', model: 'starter', data: [], steps: 1, seed: 1, rowLimit: null },
    config: { batch_size: 2, mini_batch_size: 2, gradient_accumulation_steps: 1 },
  })
  if (!job.ok) throw new Error(job.message)
  expect((await open.finished(job.value.job_id)).state).toBe('finished')
  return job.value.run_id
}

test('a run without an adapter, one that trained all weights, and one whose base is another now', async () => {
  const store = createMemoryStore()
  const runId = await finishedRun(store)
  const merge = (run_id: string, which: 'last' | 'best' = 'last') =>
    open?.studio.jobs.start({ kind: 'merge', adapter: { kind: 'run', run_id, which } })
  expect(await open?.studio.runs.mergedModel(runId)).toMatchObject({ ok: false, code: 'not-merged' })
  expect(await merge('run-0')).toMatchObject({ ok: false, code: 'unknown-run' })
  expect(await merge(runId, 'best')).toMatchObject({ ok: false, message: 'This run left no adapter, so there is nothing to merge.' })

  const record = await store.runs.get(runId)
  if (!record) throw new Error('no run')
  await store.runs.put({ ...record, model: { ...record.model, sha256: '0'.repeat(64) } })
  expect(await merge(runId)).toMatchObject({ ok: false, code: 'changed' })
  await store.runs.put({ ...record, model: { id: 'gone', sha256: '' } })
  expect(await merge(runId)).toMatchObject({
    ...{ ok: false, message: 'The adapter cannot be merged without its base: There is no model gone.' },
  })

  await store.writeBlob(`runs/${runId}/best-adapter/model.safetensors`, new Uint8Array(8))
  expect(await merge(runId, 'best')).toMatchObject({
    ok: false,
    code: 'no-adapter',
    message: expect.stringMatching(/all weights/) as string,
  })
})

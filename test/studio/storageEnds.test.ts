/** When storage ends: that it is full, and what to do, is recorded with the run; that it was deleted is said, and nothing is called stored. */
import 'fake-indexeddb/auto'
import { deleteDB } from 'idb'
import { afterEach, expect, test } from 'vitest'
import { openBrowserStore } from '../../src/storage/browserStore'
import { createMemoryStore } from '../../src/storage/memoryStore'
import type { Store } from '../../src/storage/store'
import { STORAGE_FULL_REASON } from '../../src/studio/storage/retryWhenStorageFull'
import type { TrainRequest } from '../../src/worker/protocol'
import { openTestStudio, scriptedPolicyBackend, type TestStudio } from './testStudio'

const open: TestStudio[] = []
afterEach(() => {
  for (const studio of open.splice(0)) studio.close()
})
async function studioOver(store: Store, hangAt = Number.POSITIVE_INFINITY): Promise<TestStudio> {
  const opened = await openTestStudio({ policyBackend: scriptedPolicyBackend({ hangAt }), storeEveryMs: 0 }, store)
  open.push(opened)
  return opened
}

const practice: TrainRequest = {
  ...{ kind: 'train', algorithm: 'steptool-ppo', model: 'starter', data: [], steps: 3, seed: 1, rowLimit: null },
  config: { batch_size: 2, mini_batch_size: 2, gradient_accumulation_steps: 1 },
}

test('a full storage: reason and remedy are in the run’s record, shown while it waits, said after a reload, gone once it goes on', async () => {
  const store = createMemoryStore()
  let [isFull, isSpaceMade] = [false, false]
  const orFull = <T>(work: () => Promise<T>): Promise<T> =>
    isFull ? Promise.reject(new DOMException('full', 'QuotaExceededError')) : work()
  // A record of the same length still finds its place; nothing new does.
  const tight: Store = {
    ...store,
    metrics: {
      ...store.metrics,
      append: (id, rows) => {
        // The second step is the one too many.
        isFull ||= rows.step.includes(1) && !isSpaceMade
        return orFull(() => store.metrics.append(id, rows))
      },
    },
    trajectories: { ...store.trajectories, put: (owner, records) => orFull(() => store.trajectories.put(owner, records)) },
    writeBlob: (name, bytes) => orFull(() => store.writeBlob(name, bytes)),
  }
  const page = await studioOver(tight)
  const job = await page.studio.jobs.start(practice)
  if (!job.ok) throw new Error(job.message)
  const { job_id, run_id } = job.value
  await page.until(() => page.events.some((event) => event.type === 'job' && event.job.state === 'paused'))
  await expect.poll(async () => (await store.runs.get(run_id))?.pause_reason).toBe(STORAGE_FULL_REASON)
  const shown = await page.studio.runs.get(run_id)
  expect(shown).toMatchObject({ ok: true, value: { run: { status: 'paused', pause_reason: STORAGE_FULL_REASON } } })

  // As a reload finds it.
  const copy = createMemoryStore()
  const record = await store.runs.get(run_id)
  if (!record) throw new Error('no record')
  await copy.runs.put(record)
  await studioOver(copy)
  const interrupted = await copy.runs.get(run_id)
  expect(interrupted).toMatchObject({ status: 'failed', pause_reason: null })
  expect(interrupted?.error).toContain(STORAGE_FULL_REASON)

  isFull = false
  isSpaceMade = true
  await page.studio.jobs.resume(job_id)
  expect((await page.finished(job_id)).state).toBe('finished')
  expect(await store.runs.get(run_id)).toMatchObject({ status: 'finished', pause_reason: null })
})

test('a database that is deleted under a run: the run ends with one sentence that says so, and not that anything is kept', async () => {
  const store = await openBrowserStore({ directory: null, name: 'deleted-under-a-run' })
  const page = await studioOver(store, 2)
  const job = await page.studio.jobs.start(practice)
  if (!job.ok) throw new Error(job.message)
  await page.until(() => page.events.some((event) => event.type === 'metrics' && event.rows.step.includes(1)))
  await deleteDB('deleted-under-a-run')
  await page.studio.jobs.cancel(job.value.job_id)
  const { state, error } = await page.finished(job.value.job_id)
  expect(state).toBe('cancelled')
  expect(error).toMatch(
    /^The result could not be (kept|stored): The data of this page was deleted while the page was open.* Reload the page to begin again\.$/,
  )
  const after = await page.studio.jobs.start(practice)
  const said = after.ok ? (await page.finished(after.value.job_id)).error : after.message
  expect(said).toMatch(/^The data of this page was deleted while the page was open/)
  await store.close()
})

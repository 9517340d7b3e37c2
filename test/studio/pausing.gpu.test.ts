/** Pausing a run writes a checkpoint at the step it stands at: a tab that is closed then, or killed, loses no step, and in an exam no attempt. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openFolderStore } from '../../src/storage/folderStore'
import { createMemoryStore } from '../../src/storage/memoryStore'
import type { Store } from '../../src/storage/store'
import { isSoftwareAdapter } from '../../src/cli/node/dawn'
import type { OpenedDevice } from '../../src/studio/parts'
import type { RunRecord } from '../../src/records/run'
import { temporaryDirectory } from '../cli/commandContext'
import { testAdapter, testDevice } from '../support/gpu'
import { lastingDevice } from '../support/lastingDevice'
import { chaosRequests } from './chaosRequests'
import { openTestStudio, report, type TestStudio } from './testStudio'
import { tinyAsset } from './tinyStarter'

async function openDevice(): Promise<OpenedDevice> {
  const [{ adapter }, device] = await Promise.all([testAdapter(), testDevice()])
  const { maxStorageBufferBindingSize } = device.limits
  const limits = { maxStorageBufferBindingSize }
  return { ok: true, device: lastingDevice(device), report: { ...report, limits, isSoftware: isSoftwareAdapter(adapter.info) } }
}
const studioOver = (store: Store): Promise<TestStudio> => openTestStudio({ openDevice, readAsset: tinyAsset }, store, 'gpu')

const STEPS = 3

async function recordOf(store: Store, runId: string): Promise<RunRecord> {
  const record = await store.runs.get(runId)
  if (!record) throw new Error('no record')
  return record
}

async function resumedTo(store: Store, runId: string): Promise<RunRecord> {
  const page = await studioOver(store)
  const job = await page.studio.runs.resume(runId)
  if (!job.ok) throw new Error(job.message)
  expect(await page.finished(job.value.job_id)).toMatchObject({ state: 'finished', error: null })
  page.close()
  return recordOf(store, runId)
}

test.each([
  ['in the page', () => createMemoryStore(), undefined],
  ['in Node', () => openFolderStore(temporaryDirectory()), join(temporaryDirectory(), 'run')],
] as const)('pause, then the end of the studio: %s the run continues after the step it stood at', async (_where, openStore, folder) => {
  const request = {
    ...chaosRequests(STEPS).grpo,
    checkpoints: { everySteps: 100, everyMinutes: 60, best: null },
  }
  const whole = await studioOver(createMemoryStore())
  const straight = await whole.studio.jobs.start(request)
  if (!straight.ok) throw new Error(straight.message)
  await whole.finished(straight.value.job_id)
  const expected = (await recordOf(whole.store, straight.value.run_id)).adapter_sha256?.after
  whole.close()

  const store = openStore()
  const page = await studioOver(store)
  const job = await page.studio.jobs.start(folder === undefined ? request : { ...request, folder })
  if (!job.ok) throw new Error(job.message)
  const { job_id, run_id } = job.value
  await page.until(() => page.events.some((event) => event.type === 'metrics' && event.rows.step.includes(0)))
  await page.studio.jobs.pause(job_id)
  const message = (): string | undefined =>
    page.events.flatMap((event) => (event.type === 'job' && event.job.state === 'paused' ? [event.job.message] : [])).at(-1)
  await page.until(() => message() === 'Paused. The steps taken so far are stored.')
  const paused = await recordOf(store, run_id)
  expect(paused.status).toBe('paused')
  expect(paused.steps_done).toBeGreaterThan(0)
  expect(paused.checkpoint).toEqual({ step: paused.steps_done, of: STEPS })

  // Nobody resumes this page's job: it is as good as closed.
  page.close()
  const record = await resumedTo(store, run_id)
  expect(record).toMatchObject({ status: 'finished', steps_done: STEPS })
  expect(record.notes).toContain(`It was resumed after step ${paused.steps_done}.`)
  expect(record.adapter_sha256?.after).toBe(expected)
  expect((await store.metrics.of(run_id)).step).toEqual([0, 1, 2])
})

test.each(['before', 'after'] as const)('pause in the exam %s training, then the end of the studio: the same result', async (phase) => {
  const request = { kind: 'story', seed: 3, size: 'software', examQueries: 40 } as const
  const rowsOf = async (store: Store, runId: string): Promise<string> => {
    const { evaluations } = await recordOf(store, runId)
    const found = await Promise.all(evaluations.map((id) => store.evaluations.get(id)))
    return JSON.stringify(found.map((one) => one?.rows)).replaceAll(runId, 'RUN')
  }
  const answered = (page: TestStudio): ReadonlySet<string> =>
    new Set(
      page.events
        .flatMap((event) => (event.type === 'exam' && event.phase === phase ? event.cells : []))
        .flatMap(({ query_id, trajectory_id }) => (trajectory_id === null ? [] : [query_id])),
    )
  const straight = await studioOver(createMemoryStore())
  const whole = await straight.studio.jobs.start(request)
  if (!whole.ok) throw new Error(whole.message)
  expect((await straight.finished(whole.value.job_id)).error).toBeNull()
  const expected = await rowsOf(straight.store, whole.value.run_id)
  straight.close()

  const store = createMemoryStore()
  const page = await studioOver(store)
  const job = await page.studio.jobs.start(request)
  if (!job.ok) throw new Error(job.message)
  const { job_id, run_id } = job.value
  await page.until(() => answered(page).size > 0)
  await page.studio.jobs.pause(job_id)
  await expect.poll(async () => (await recordOf(store, run_id)).status, { timeout: 30_000 }).toBe('paused')
  const done = (await store.trajectories.listOf({ run_id })).records.filter((one) => one.trajectory_id.startsWith(`${run_id}/${phase}-`))
  page.close()
  await resumedTo(store, run_id)
  expect(done.length).toBeGreaterThan(0)
  expect(done.length).toBeLessThan(40)
  const stored = await store.trajectories.listOf({ run_id })
  // What was attempted is as it was: with its own times.
  for (const one of done) expect(stored.records.find(({ trajectory_id }) => trajectory_id === one.trajectory_id)).toEqual(one)
  expect(await rowsOf(store, run_id)).toBe(expected)
})

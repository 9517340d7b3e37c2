/** What may be gone on with, what a full storage leaves, and what sleep does. The scripted policy backend keeps no checkpoints: a run goes on from its first step. */
import { readFileSync } from 'node:fs'
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { sampleCsv } from '../../src/data/sampleCsv'
import { runRecord } from '../../src/records/run'
import { createMemoryStore } from '../../src/storage/memoryStore'
import type { Store } from '../../src/storage/store'
import { STORAGE_FULL_REASON } from '../../src/studio/storage/retryWhenStorageFull'
import type { JobRequest } from '../../src/worker/protocol'
import { file, openTestStudio, scriptedPolicyBackend, type TestStudio } from './testStudio'

let open: TestStudio | null = null
afterEach(() => open?.close())

type TrainRequest = Extract<JobRequest, { kind: 'train' }>
const practice: TrainRequest = {
  ...{ kind: 'train', algorithm: 'steptool-ppo', model: 'starter', data: [], steps: 3, seed: 1, rowLimit: null },
  config: { batch_size: 2, mini_batch_size: 2, gradient_accumulation_steps: 1 },
}

async function failedRun(store: Store, request: TrainRequest): Promise<string> {
  const page = await openTestStudio({ policyBackend: scriptedPolicyBackend({ failAt: 2 }) }, store)
  const job = await page.studio.jobs.start(request)
  if (!job.ok) throw new Error(job.message)
  expect((await page.finished(job.value.job_id)).state).toBe('failed')
  page.close()
  return job.value.run_id
}

test('a failed run goes on under its own name, and is over once', async () => {
  const store = createMemoryStore()
  const runId = await failedRun(store, practice)
  open = await openTestStudio({}, store)
  const job = await open.studio.runs.resume(runId)
  if (!job.ok) throw new Error(job.message)
  expect(job.value.run_id).toBe(runId)
  expect((await open.finished(job.value.job_id)).state).toBe('finished')
  const found = await open.studio.runs.get(runId)
  if (!found.ok) throw new Error(found.message)
  const { run, metrics } = found.value
  expect(run).toMatchObject({ status: 'finished', error: null, steps_done: 3, checkpoint: null })
  expect(run.notes).toContain('It was resumed after step 0.')
  expect(metrics.step).toEqual([0, 1, 2])
  // What was practised twice is labelled once.
  for (const { trajectory_id: id } of (await store.trajectories.listOf({ run_id: runId })).records) {
    const { records } = await store.opinions.listOf(id)
    expect(new Set(records.map(({ step, name, annotator_id }) => `${step} ${name} ${annotator_id}`)).size).toBe(records.length)
  }
  expect(await open.studio.runs.resume(runId)).toMatchObject({ ok: false, code: 'over' })
  expect(await open.studio.runs.resume('run-0')).toMatchObject({ ok: false, code: 'unknown-run' })
})

test('a run does not go on with other labels', async () => {
  const store = createMemoryStore()
  open = await openTestStudio({}, store)
  const dataset = await open.studio.datasets.importFile(file('sample.csv', sampleCsv()))
  if (!dataset.ok) throw new Error(dataset.message)
  open.close()
  const data = [dataset.value.dataset_id]
  const runId = await failedRun(store, { ...practice, data })
  open = await openTestStudio({}, store)
  const [first] = await open.studio.trajectories.list({ dataset_id: dataset.value.dataset_id })
  await open.studio.labels.add([{ trajectory_id: first?.trajectory_id ?? '', step: 0, name: 'reward', value: 0.123 }], 'ann')
  expect(await open.studio.runs.resume(runId)).toMatchObject({
    ...{ ok: false, code: 'changed' },
    message:
      'The data or its labels changed since this run began, so the run cannot be resumed to the same result. Start a new run instead.',
  })
})

test('a full storage pauses a run with one sentence; with room again it goes on to its end', async () => {
  const store = createMemoryStore()
  let isFull = false
  const full = (): Promise<never> => Promise.reject(new DOMException('full', 'QuotaExceededError'))
  const tight: Store = {
    ...store,
    runs: { ...store.runs, put: (...records) => (isFull ? full() : store.runs.put(...records)) },
    metrics: { ...store.metrics, append: (id, rows) => (isFull ? full() : store.metrics.append(id, rows)) },
    trajectories: { ...store.trajectories, put: (owner, records) => (isFull ? full() : store.trajectories.put(owner, records)) },
    writeBlob: (name, bytes) => (isFull ? full() : store.writeBlob(name, bytes)),
  }
  open = await openTestStudio({}, tight)
  const page = open
  // Not even the record finds room.
  isFull = true
  const job = await page.studio.jobs.start(practice)
  if (!job.ok) throw new Error(job.message)
  const stateNow = async () => (await page.studio.jobs.list()).find(({ job_id }) => job_id === job.value.job_id)
  await page.until(() => page.events.some((event) => event.type === 'job' && event.job.state === 'paused'))
  expect(await stateNow()).toMatchObject({ state: 'paused', message: STORAGE_FULL_REASON, error: null })
  // Nobody made room: it says so again.
  await page.studio.jobs.resume(job.value.job_id)
  await page.until(() => page.events.filter((event) => event.type === 'job' && event.job.state === 'paused').length > 1)
  isFull = false
  await page.studio.jobs.resume(job.value.job_id)
  expect((await page.finished(job.value.job_id)).state).toBe('finished')
  expect((await store.metrics.of(job.value.run_id)).step).toEqual([0, 1, 2])

  // A studio opens over a full storage, so that room can be made in it.
  for (const run of (await store.runs.list()).records) await store.runs.put({ ...run, run_id: 'run-cut', status: 'running' })
  isFull = true
  const other = await openTestStudio({}, tight)
  expect((await other.studio.runs.list()).map(({ run_id }) => run_id)).toContain('run-cut')
  other.close()
})

test('time asleep is marked after the steps it came after, told at once, and kept with the run', async () => {
  let ahead = 0
  const page = await openTestStudio({
    policyBackend: scriptedPolicyBackend({ hangAt: 2 }),
    clock: () => performance.now() + ahead,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, Math.min(ms, 5))),
  })
  open = page
  const job = await page.studio.jobs.start(practice)
  if (!job.ok) throw new Error(job.message)
  await page.until(() => page.events.some((event) => event.type === 'metrics' && event.rows.step.includes(1)))
  ahead = 540_000
  await page.until(() => page.events.some(({ type }) => type === 'slept'))
  await page.studio.jobs.cancel(job.value.job_id)
  await page.finished(job.value.job_id)
  const told = page.events.flatMap((event) => (event.type === 'slept' ? [event] : []))
  expect(told).toHaveLength(1)
  expect(told[0]).toMatchObject({ run_id: job.value.run_id, after_step: 2 })
  const found = await page.studio.runs.get(job.value.run_id)
  if (!found.ok) throw new Error(found.message)
  expect(found.value.run.slept).toEqual([{ after_step: 2, ms: told[0]?.ms }])
  // Of nine minutes a second is work.
  expect(told[0]?.ms).toBeGreaterThan(530_000)
})

test('a run that the version before left unfinished goes on, and ends', async () => {
  const text = readFileSync(new URL('../fixtures/records-v1/records/runs/~run-unfinished-before.json', import.meta.url), 'utf8')
  const before = z.object({ value: runRecord }).parse(JSON.parse(text)).value
  expect(before).toMatchObject({ status: 'running', checkpoint: { step: 1, of: 6 } })
  const store = createMemoryStore()
  // The starter's weights are random ones in this studio.
  const now = await store.runs.get(await failedRun(store, practice))
  if (!now) throw new Error('no run')
  await store.runs.put({ ...before, model: now.model })
  open = await openTestStudio({}, store)
  expect((await open.studio.runs.list()).find(({ run_id }) => run_id === before.run_id)?.status).toBe('failed')
  const job = await open.studio.runs.resume(before.run_id)
  if (!job.ok) throw new Error(job.message)
  expect((await open.finished(job.value.job_id)).state).toBe('finished')
  expect(await store.runs.get(before.run_id)).toMatchObject({ status: 'finished', steps_done: 6, checkpoint: null, config: before.config })
})

/** Two studios of the command line and one run: whoever comes second is told who works on it, and changes nothing. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { fileClaims } from '../../src/cli/node/fileClaims'
import { openFolderStore } from '../../src/storage/folderStore'
import type { JobRequest, RunDetail } from '../../src/worker/protocol'
import { temporaryDirectory } from '../cli/commandContext'
import { openTestStudio, scriptedPolicyBackend, type TestStudio } from './testStudio'

const open: TestStudio[] = []
afterEach(() => {
  for (const studio of open.splice(0)) studio.close()
})

async function studioIn(home: string, options: Parameters<typeof scriptedPolicyBackend>[0] = {}): Promise<TestStudio> {
  const store = openFolderStore(home)
  const parts = { claim: fileClaims(store, home), interrupted: 'Its process ended.', policyBackend: scriptedPolicyBackend(options) }
  const opened = await openTestStudio(parts, store)
  open.push(opened)
  return opened
}

const request = (folder: string): Extract<JobRequest, { kind: 'train' }> => ({
  ...{ kind: 'train', algorithm: 'steptool-ppo', model: 'starter', data: [], steps: 3, seed: 1, rowLimit: null, folder },
  config: { batch_size: 2, mini_batch_size: 2, gradient_accumulation_steps: 1 },
})

async function detailIn({ studio }: TestStudio, folder: string): Promise<RunDetail> {
  const reply = await studio.runs.openFolder(folder)
  if (!reply.ok) throw new Error(reply.message)
  return reply.value
}

test('--resume beside a working run is refused with one sentence that names the owner, whatever the home of either', async () => {
  const folder = join(temporaryDirectory(), 'run')
  const first = await studioIn(temporaryDirectory(), { hangAt: 2 })
  const job = await first.studio.jobs.start(request(folder))
  if (!job.ok) throw new Error(job.message)
  await first.until(() => first.events.some((event) => event.type === 'metrics' && event.rows.step.includes(1)))
  const owner = new RegExp(`This run is at work in process ${process.pid} on ${hostname()}, since [\\d: -]+ UTC\\.$`)
  const second = await studioIn(temporaryDirectory())
  const [resumed, anew] = [
    await second.studio.jobs.start({ ...request(folder), resume: true }),
    await second.studio.jobs.start(request(folder)),
  ]
  for (const refused of [resumed, anew]) {
    expect(refused).toMatchObject({ ok: false, code: 'at-work' })
    expect(refused.ok ? '' : refused.message).toMatch(owner)
  }
  expect(`This run is at work ${(await detailIn(second, folder)).elsewhere ?? ''}.`).toMatch(owner)
  await first.studio.jobs.cancel(job.value.job_id)
  await first.finished(job.value.job_id)
  expect((await detailIn(second, folder)).elsewhere).toBeUndefined()
  // Given back: now it may be resumed, and ends with every step once.
  const again = await second.studio.jobs.start({ ...request(folder), resume: true })
  if (!again.ok) throw new Error(again.message)
  expect((await second.finished(again.value.job_id)).state).toBe('finished')
  const { run, metrics } = await detailIn(second, folder)
  expect(run.notes.filter((note) => /lock/.test(note))).toEqual([])
  expect(metrics.step).toEqual([0, 1, 2])
})

test('a run whose process died is taken up with a word about its lock, and is listed as failed until then', async () => {
  const home = temporaryDirectory()
  const folder = join(home, 'runs', 'one')
  const first = await studioIn(home, { failAt: 2 })
  const job = await first.studio.jobs.start(request(folder))
  if (!job.ok) throw new Error(job.message)
  await first.finished(job.value.job_id)
  // As a killed process leaves it: at work, and locked by a process that is not there.
  const record = await first.store.runs.get(job.value.run_id)
  if (!record) throw new Error('no record')
  await first.store.runs.put({ ...record, status: 'running', error: null, finished_at: null, checkpoint: { step: 2, of: 3 } })
  const lock = { pid: 2 ** 22 + 1, host: hostname(), since: '2026-01-02T03:04:05.678Z', started: null, token: 'another' }
  writeFileSync(join(folder, 'run.lock'), JSON.stringify(lock))
  const second = await studioIn(home)
  const [listed] = await second.studio.runs.list()
  expect(listed).toMatchObject({ run_id: job.value.run_id, status: 'failed' })
  expect(listed?.error).toBe('Its process ended. 2 steps, their metrics and every trajectory are kept. It can go on after step 2 of 3.')
  writeFileSync(join(folder, 'run.lock'), JSON.stringify(lock))
  const again = await second.studio.runs.resume(job.value.run_id)
  if (!again.ok) throw new Error(again.message)
  expect((await second.finished(again.value.job_id)).state).toBe('finished')
  const { run, metrics } = await detailIn(second, folder)
  expect(run.notes).toContain(
    `The lock of process ${lock.pid} on ${hostname()}, since 2026-01-02 03:04:05 UTC was taken over: that process has ended.`,
  )
  expect(metrics.step).toEqual([0, 1, 2])
})

test('a resumed record claims no step that the run did not continue after, and says what was damaged', async () => {
  const folder = join(temporaryDirectory(), 'run')
  const first = await studioIn(temporaryDirectory(), { failAt: 2 })
  const job = await first.studio.jobs.start(request(folder))
  if (!job.ok) throw new Error(job.message)
  await first.finished(job.value.job_id)
  const record = await first.store.runs.get(job.value.run_id)
  if (!record) throw new Error('no record')
  // The record promises a checkpoint; both of its slots are gone.
  await first.store.runs.put({ ...record, checkpoint: { step: 2, of: 3 } })
  for (const slot of ['checkpoint.0', 'checkpoint.1']) rmSync(join(folder, slot), { force: true })
  const metrics = join(folder, 'metrics.jsonl')
  writeFileSync(metrics, readFileSync(metrics, 'utf8').replace('"step":0', '"step":7'))
  const second = await studioIn(temporaryDirectory())
  const again = await second.studio.jobs.start({ ...request(folder), resume: true })
  if (!again.ok) throw new Error(again.message)
  expect((await second.finished(again.value.job_id)).state).toBe('finished')
  const { run, metrics: table } = await detailIn(second, folder)
  expect(run.notes).toEqual(
    expect.arrayContaining([
      'The checkpoint after step 2 is damaged or missing: the run started again from its first step.',
      'It was resumed after step 0.',
      'metrics.jsonl has a damaged line (1): the metrics of their steps are missing, unless these steps are taken again.',
    ]),
  )
  expect(run.notes).not.toContain('It was resumed after step 2.')
  expect(table.step).toEqual([0, 1, 2])
})

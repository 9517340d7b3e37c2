import { stepsOf } from '../../src/records/trajectory'
import { afterEach, expect, test, vi } from 'vitest'
import { recording as recordingSchema, recordingText } from '../../src/records/recording'
import { exportRecording } from '../../src/studio/runs/recording'
import { createMemoryStore } from '../../src/storage/memoryStore'
import type { JobSnapshot, StudioEvent } from '../../src/worker/protocol'
import type { OpenedDevice } from '../../src/studio/parts'
import { fakeDevice, openTestStudio, report, scriptedPolicyBackend, type TestStudio } from './testStudio'

// Seconds on an idle machine; the limit is for a busy one.
vi.setConfig({ testTimeout: 60_000 })

let open: TestStudio | null = null
afterEach(() => {
  open?.close()
})

const story = { kind: 'story', seed: 1, size: 'software' } as const

async function started(opened: TestStudio, request: Parameters<TestStudio['studio']['jobs']['start']>[0] = story): Promise<JobSnapshot> {
  const reply = await opened.studio.jobs.start(request)
  if (!reply.ok) throw new Error(reply.message)
  return reply.value
}
const phasesOf = (events: readonly StudioEvent[]): string[] => {
  const phases = events.flatMap((event) => (event.type === 'job' ? [event.job.phase] : []))
  return phases.filter((phase, index) => phase !== phases[index - 1])
}

test('a story goes through its phases and leaves a whole record', async () => {
  open = await openTestStudio({ policyBackend: scriptedPolicyBackend({ skill: 0.3, delayMs: 3 }) })
  const { studio, events } = open
  const job = await started(open)
  expect(job).toMatchObject({ kind: 'story', state: 'running' })
  const last = await open.finished(job.job_id)
  expect(last).toMatchObject({ state: 'finished', phase: 'done', error: null })

  const order = ['starting', 'before', 'rollout', 'rewards', 'training', 'after', 'done']
  const seen = phasesOf(events)
  expect(seen).toEqual(order.filter((phase) => seen.includes(phase)))
  expect(seen).toEqual(expect.arrayContaining(['before', 'training', 'after', 'done']))

  const reply = await studio.runs.get(job.run_id)
  if (!reply.ok) throw new Error(reply.message)
  const { run, metrics, story: result, probe, exam, metricMeanings } = reply.value
  expect(run).toMatchObject({ status: 'finished', kind: 'story', algorithm: 'steptool-ppo', steps_done: 3, error: null })
  expect(run.adapter_sha256?.after).toMatch(/^[0-9a-f]{64}$/)
  expect(run.adapter_sha256?.after).not.toBe(run.adapter_sha256?.before)
  expect(metrics.step).toEqual([0, 1, 2])
  expect(Object.keys(metrics.columns)).toEqual(expect.arrayContaining(['loss', 'objective/kl', 'reward', 'pass_rate']))
  for (const name of Object.keys(metrics.columns)) expect(metricMeanings[name], name).toBeTruthy()
  expect(exam.before).toHaveLength(30)
  expect(exam.after.every((cell) => cell.status !== null && cell.trajectory_id !== null)).toBe(true)
  expect(probe?.after).toHaveLength(probe?.before.length ?? -1)
  expect(probe?.after).not.toEqual(probe?.before)
  // The same questions, in the same order; more of them solved.
  expect(result?.after?.rows.map(({ query_id }) => query_id)).toEqual(result?.before.rows.map(({ query_id }) => query_id))
  expect(result?.afterRate?.passed).toBeGreaterThan(result?.beforeRate.passed ?? 30)
  expect(result?.difference?.gained).toBeGreaterThan(0)
  expect(result?.win?.wins).toBe(result?.difference?.gained)

  // Practice and exam share no query, and practice steps carry the world's labels.
  const trajectories = await studio.trajectories.list({ run_id: job.run_id })
  const practice = trajectories.filter(({ task }) => task.split === 'practice')
  const examined = new Set(exam.before.map(({ query_id }) => query_id))
  expect(practice.length).toBeGreaterThan(0)
  expect(practice.some(({ task }) => examined.has(task.query_id))).toBe(false)
  expect(trajectories.every((record) => stepsOf(record).every(({ tokens }) => tokens === null))).toBe(true)
  const labels = await studio.labels.get(practice[0]?.trajectory_id ?? '')
  expect(labels.resolved.every(({ value, annotatorId }) => value !== null && annotatorId === 'world')).toBe(true)
  expect((await studio.evaluations.list()).map(({ split, call_budget }) => [split, call_budget])).toEqual([
    ['exam', 6],
    ['exam', 6],
  ])

  // Every cell was announced empty first, then filled.
  const cells = events.flatMap((event) => (event.type === 'exam' && event.phase === 'after' ? event.cells : []))
  expect(new Set(cells.map(({ query_id }) => query_id)).size).toBe(30)
  expect(events.some((event) => event.type === 'token' && event.text.includes('('))).toBe(true)
  expect(events.some((event) => event.type === 'metrics')).toBe(true)

  const files = await studio.runs.exportAdapter(job.run_id)
  if (!files.ok) throw new Error(files.message)
  expect(Object.keys(files.value).sort()).toEqual(['README.md', 'adapter_config.json', 'adapter_model.safetensors', 'v_head.safetensors'])
  expect(await studio.models.list()).toMatchObject([
    { model_id: 'starter', adapters: [{ run_id: job.run_id, sha256: run.adapter_sha256?.after }] },
  ])

  const recorded = await exportRecording(studio, job.run_id, '2026-01-01T00:00:00.000Z')
  if (!recorded.ok) throw new Error(recorded.message)
  const text = recordingText(recorded.value)
  expect(text.length).toBeLessThan(2_000_000)
  expect(recordingSchema.parse(JSON.parse(text))).toEqual(recorded.value)
  expect(Object.keys(recorded.value.advantages).length).toBeGreaterThan(0)
  expect(recorded.value.opinions.length).toBeGreaterThan(0)
})

test('pause holds, resume goes on, cancel keeps what is finished', async () => {
  let devices = 0
  const openDevice = (): Promise<OpenedDevice> => {
    devices += 1
    return Promise.resolve({ ok: true, device: fakeDevice().device, report })
  }
  const policyBackend = scriptedPolicyBackend({ delayMs: 5 })
  open = await openTestStudio({ openDevice, policyBackend })
  const { studio, events } = open
  const job = await started(open)
  await open.until(() => events.some((event) => event.type === 'metrics'))
  expect(await studio.jobs.pause(job.job_id)).toEqual({ ok: true, value: null })
  await open.until(() => policyBackend.isHeld)
  const before = (await studio.jobs.list())[0]
  // Unless it is held, its next deed is 5 ms away.
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setTimeout(resolve, 10))
  expect(policyBackend.isHeld).toBe(true)
  expect((await studio.jobs.list())[0]).toMatchObject({ state: 'paused', done: before?.done, phase: before?.phase })
  expect(await studio.jobs.start(story)).toMatchObject({ ok: false, code: 'busy' })
  expect(await studio.runs.remove(job.run_id)).toMatchObject({ ok: false, code: 'at-work' })
  await studio.jobs.resume(job.job_id)
  await open.until(() => events.some((event) => event.type === 'job' && event.job.phase === 'training' && event.job.done >= 2))
  await studio.jobs.cancel(job.job_id)
  const last = await open.finished(job.job_id)
  expect(last).toMatchObject({ state: 'cancelled', error: null })
  const reply = await studio.runs.get(job.run_id)
  if (!reply.ok) throw new Error(reply.message)
  expect(reply.value.run.status).toBe('cancelled')
  expect(reply.value.metrics.step.length).toBeGreaterThan(1)
  expect(reply.value.exam.before.every((cell) => cell.status !== null)).toBe(true)
  expect(reply.value.run.adapter_sha256?.after).toMatch(/^[0-9a-f]{64}$/)
  expect((await studio.runs.exportAdapter(job.run_id)).ok).toBe(true)
  expect((await studio.jobs.cancel(job.job_id)).ok).toBe(false)
  // What the stopped loop had allocated went with its device.
  expect([devices, (await studio.gpu.status()).state, devices]).toEqual([1, 'ready', 2])
  expect((await studio.runs.remove(job.run_id)).ok).toBe(true)
  expect(await studio.runs.list()).toEqual([])
  expect(await studio.evaluations.list()).toEqual([])
})

test('a failure is one sentence and keeps what was measured', async () => {
  open = await openTestStudio({ policyBackend: scriptedPolicyBackend({ failAt: 2 }) })
  const job = await started(open)
  const last = await open.finished(job.job_id)
  expect(last).toMatchObject({ state: 'failed', error: 'the GPU device was lost: the driver reset.' })
  const reply = await open.studio.runs.get(job.run_id)
  expect(reply.ok && reply.value.run).toMatchObject({
    status: 'failed',
    error: 'the GPU device was lost: the driver reset.',
    steps_done: 2,
  })
  expect(reply.ok && reply.value.metrics.step).toEqual([0, 1])
  expect((await open.studio.jobs.start(story)).ok).toBe(true)
  await open.studio.jobs.cancel((await open.studio.jobs.list()).at(-1)?.job_id ?? '')
})

test('after a reload everything is found again, and a run that died says so', async () => {
  const store = createMemoryStore()
  const first = await openTestStudio({}, store)
  const job = await started(first)
  await first.finished(job.job_id)
  const before = await first.studio.runs.get(job.run_id)
  first.close()

  // A second run, cut off: its tab is gone, its store is what it was at that moment.
  const cutStore = createMemoryStore()
  const dying = await openTestStudio({ policyBackend: scriptedPolicyBackend({ hangAt: 2 }) }, cutStore)
  const cut = await started(dying)
  await dying.until(() => dying.events.some((event) => event.type === 'metrics' && event.rows.step.includes(1)))
  const asked = await dying.studio.runs.get(cut.run_id)
  expect(asked.ok && asked.value.run.status).toBe('running')
  for (const [kind, own] of [
    ['runs', cutStore.runs],
    ['evaluations', cutStore.evaluations],
  ] as const)
    expect((await own.list()).records, kind).toHaveLength(1)
  await store.runs.put(...(await cutStore.runs.list()).records)
  await store.metrics.append(cut.run_id, await cutStore.metrics.of(cut.run_id))
  await dying.studio.jobs.cancel(cut.job_id)
  await dying.finished(cut.job_id)
  dying.close()

  open = await openTestStudio({}, store)
  expect(await open.studio.runs.get(job.run_id)).toEqual(before)
  const files = await open.studio.runs.exportAdapter(job.run_id)
  expect(files.ok && Object.keys(files.value)).toContain('adapter_model.safetensors')
  const died = await open.studio.runs.get(cut.run_id)
  if (!died.ok) throw new Error(died.message)
  expect(died.value.run).toMatchObject({ status: 'failed', steps_done: 2, error: expect.stringContaining('closed or reloaded') as string })
  expect(died.value.run.finished_at).not.toBeNull()
  expect(died.value.metrics.step).toEqual([0, 1])
})

test('a run of another tab is left alone', async () => {
  const store = createMemoryStore()
  const first = await openTestStudio({ policyBackend: scriptedPolicyBackend({ delayMs: 5 }) }, store)
  const job = await started(first)
  const second = await openTestStudio({ claim: () => Promise.resolve({ ok: false, owner: 'in another tab' }) }, store)
  expect((await second.studio.runs.list())[0]?.status).toBe('running')
  await first.studio.jobs.cancel(job.job_id)
  await first.finished(job.job_id)
  first.close()
  second.close()
})

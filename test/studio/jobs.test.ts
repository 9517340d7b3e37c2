import { expect, test, vi } from 'vitest'
import type { JobSnapshot, StudioEvent } from '../../src/worker/protocol'
import { createEventHub, joinEvents } from '../../src/studio/events'
import { JobCancelled, type JobControl, type JobWork } from '../../src/studio/jobs/jobControl'
import { createJobQueue } from '../../src/studio/jobs/jobQueue'

/** A clock one turns by hand. */
function handClock() {
  let now = 0
  const sleepers: { at: number; wake: () => void }[] = []
  return {
    clock: () => now,
    sleep: (ms: number) => new Promise<void>((resolve) => sleepers.push({ at: now + ms, wake: resolve })),
    async pass(ms: number): Promise<void> {
      now += ms
      for (const sleeper of sleepers.filter(({ at }) => at <= now)) {
        sleepers.splice(sleepers.indexOf(sleeper), 1)
        sleeper.wake()
      }
      await Promise.resolve()
      await Promise.resolve()
    },
  }
}

test('events leave at most ten times a second, joined', async () => {
  const hand = handClock()
  const sent: (readonly StudioEvent[])[] = []
  const hub = createEventHub({ send: (events) => sent.push(events), clock: hand.clock, sleep: hand.sleep })
  const row = (step: number): StudioEvent => ({ type: 'metrics', run_id: 'r', rows: { step: [step], columns: { loss: [step] } } })
  hub.emit(row(0))
  await hand.pass(0)
  expect(sent).toHaveLength(1)
  for (let step = 1; step <= 50; step++) {
    hub.emit(row(step))
    await hand.pass(10)
  }
  expect(sent.length).toBeLessThanOrEqual(6)
  await hand.pass(100)
  const steps = sent.flat().flatMap((event) => (event.type === 'metrics' ? event.rows.step : []))
  expect(steps).toEqual(Array.from({ length: 51 }, (_, step) => step))
})

test('joining keeps what is new and drops what is older', () => {
  const cell = (query_id: string, status: 'solved' | null) => ({ query_id, group: '', text: '', status, calls: 0, trajectory_id: null })
  const joined = joinEvents([
    { type: 'exam', run_id: 'r', phase: 'before', total: 2, cells: [cell('a', null), cell('b', null)] },
    { type: 'token', run_id: 'r', text: 'x' },
    { type: 'exam', run_id: 'r', phase: 'before', total: 2, cells: [cell('a', 'solved')] },
    { type: 'exam', run_id: 'r', phase: 'after', total: 2, cells: [cell('a', null)] },
    { type: 'token', run_id: 'r', text: 'y' },
    { type: 'trajectories', run_id: 'r', trajectory_ids: ['1'] },
    { type: 'trajectories', run_id: 'r', trajectory_ids: ['1', '2'] },
    { type: 'network', url: 'u', method: 'GET', status: 200, at: '' },
    { type: 'network', url: 'u', method: 'GET', status: 200, at: '' },
  ])
  expect(joined).toEqual([
    { type: 'exam', run_id: 'r', phase: 'before', total: 2, cells: [cell('a', 'solved'), cell('b', null)] },
    { type: 'token', run_id: 'r', text: 'xy' },
    { type: 'exam', run_id: 'r', phase: 'after', total: 2, cells: [cell('a', null)] },
    { type: 'trajectories', run_id: 'r', trajectory_ids: ['1', '2'] },
    { type: 'network', url: 'u', method: 'GET', status: 200, at: '' },
    { type: 'network', url: 'u', method: 'GET', status: 200, at: '' },
  ])
})

function openQueue() {
  const hand = handClock()
  const snapshots: JobSnapshot[] = []
  let made = 0
  return {
    hand,
    snapshots,
    queue: createJobQueue({
      newId: (prefix) => `${prefix}-${(made += 1)}`,
      clock: hand.clock,
      sleep: hand.sleep,
      onChange: (job) => snapshots.push(job),
    }),
  }
}
const work = (run: (control: JobControl) => Promise<void>, changes: Partial<JobWork> = {}): JobWork => ({
  kind: 'train',
  title: 'Work',
  runId: 'run-1',
  usesGpu: true,
  run,
  ...changes,
})

test('progress has speed and time left, without the time it was paused', async () => {
  const { hand, queue: jobs, snapshots } = openQueue()
  let control: JobControl | null = null
  let end: () => void = () => undefined
  let dispatches = 100
  const reply = jobs.start(
    work(
      (given) => {
        control = given
        given.phase('training', 10, 'first')
        return new Promise((resolve) => (end = resolve))
      },
      { dispatches: () => dispatches },
    ),
  )
  if (!reply.ok) throw new Error(reply.message)
  const { job_id } = reply.value
  await hand.pass(0)
  const at = control as JobControl | null
  if (!at) throw new Error('not started')
  await hand.pass(1000)
  dispatches = 160
  at.countTokens(500)
  at.advance(2)
  expect(snapshots.at(-1)).toMatchObject({ phase: 'training', done: 2, total: 10, tokensPerSecond: 500, etaSeconds: 4, dispatches: 60 })
  jobs.pause(job_id)
  await hand.pass(60_000)
  expect(jobs.list()[0]).toMatchObject({ state: 'paused', etaSeconds: 4 })
  jobs.resume(job_id)
  await hand.pass(1000)
  at.advance(4)
  expect(snapshots.at(-1)).toMatchObject({ state: 'running', etaSeconds: 3 })
  // A step's tokens are counted when it is done, and spread over its time.
  for (let seconds = 0; seconds < 100; seconds += 10) await hand.pass(10_000)
  at.countTokens(20_000)
  at.countTokens(200)
  expect(jobs.list()[0]?.tokensPerSecond).toBeCloseTo(200, -1)
  await hand.pass(1)
  at.countTokens(1)
  expect(jobs.list()[0]?.tokensPerSecond).toBeCloseTo(200, -1)
  end()
  expect(await jobs.finished(job_id)).toMatchObject({ state: 'finished', phase: 'done' })
})

test('the gate holds a paused job, lets it go, and stops a cancelled one', async () => {
  const { queue: jobs } = openQueue()
  const states: string[] = []
  let passed = 0
  let isAtGate = false
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  const reply = jobs.start(
    work(
      async (control) => {
        for (;;) {
          await turn()
          isAtGate = true
          await control.gate()
          isAtGate = false
          passed += 1
        }
      },
      { onState: (state) => Promise.resolve(void states.push(state)) },
    ),
  )
  if (!reply.ok) throw new Error(reply.message)
  const { job_id } = reply.value
  const until = (holds: () => boolean): Promise<boolean> => vi.waitUntil(holds, { interval: 1 })
  await until(() => passed > 0)
  jobs.pause(job_id)
  await until(() => isAtGate)
  const held = passed
  // An open gate is passed within a turn.
  for (let turns = 0; turns < 20; turns++) await turn()
  expect(passed).toBe(held)
  jobs.resume(job_id)
  await until(() => passed > held)
  jobs.pause(job_id)
  await until(() => isAtGate)
  jobs.cancel(job_id)
  expect(await jobs.finished(job_id)).toMatchObject({ state: 'cancelled', error: null })
  expect(states).toEqual(['running', 'paused', 'running', 'paused', 'cancelled'])
  expect(jobs.pause(job_id)).toMatchObject({ ok: false, code: 'over' })
})

test('one job on the GPU at a time; others go beside it', async () => {
  const { queue: jobs } = openQueue()
  const first = jobs.start(
    work(
      (control) =>
        new Promise((_, reject) => {
          control.signal.addEventListener('abort', () => {
            reject(new JobCancelled())
          })
        }),
    ),
  )
  expect(jobs.start(work(() => Promise.resolve()))).toMatchObject({
    ok: false,
    code: 'busy',
    message: expect.stringContaining('Work is using the GPU') as string,
  })
  const beside = jobs.start(work(() => Promise.resolve(), { usesGpu: false, kind: 'judge' }))
  if (!first.ok || !beside.ok) throw new Error('not started')
  expect(await jobs.finished(beside.value.job_id)).toMatchObject({ state: 'finished' })
  jobs.cancel(first.value.job_id)
  await jobs.finished(first.value.job_id)
  expect(jobs.busy()).toBeNull()
})

test('a result that could not be stored is a failure', async () => {
  const { queue: jobs } = openQueue()
  const reply = jobs.start(
    work(() => Promise.resolve(), {
      onState: (state) => (state === 'finished' ? Promise.reject(new Error('disk is full')) : Promise.resolve()),
    }),
  )
  if (!reply.ok) throw new Error(reply.message)
  expect(await jobs.finished(reply.value.job_id)).toMatchObject({ state: 'failed', error: 'The result could not be stored: disk is full.' })
})

test('time asleep is not counted, and is reported', async () => {
  const slept: [number, number][] = []
  let wake: (() => void) | null = null
  let now = 0
  const jobs = createJobQueue({
    newId: (prefix) => prefix,
    clock: () => now,
    sleep: () => new Promise((resolve) => (wake = resolve)),
    onChange: () => undefined,
  })
  let control: JobControl | null = null
  const reply = jobs.start(
    work(
      (given) => {
        control = given
        given.phase('training', 10, '')
        return new Promise(() => undefined)
      },
      { onSlept: (ms, done) => slept.push([ms, done]) },
    ),
  )
  if (!reply.ok) throw new Error(reply.message)
  const beat = async (ms: number): Promise<void> => {
    now += ms
    wake?.()
    await new Promise((resolve) => setTimeout(resolve, 0))
  }
  await beat(0)
  await beat(1000)
  const at = control as JobControl | null
  at?.advance(1)
  expect(jobs.list()[0]?.etaSeconds).toBeCloseTo(9)
  // Nine minutes in the background: a second of work, the rest frozen.
  await beat(541_000)
  expect(slept).toEqual([[540_000, 1]])
  expect(jobs.list()[0]?.etaSeconds).toBeCloseTo(8)
  at?.advance(2)
  expect(jobs.list()[0]?.etaSeconds).toBeCloseTo(8)
  // Seconds late are work.
  await beat(5000)
  expect(slept).toHaveLength(1)
})

test('the time left is estimated from the rate measured, also when the next takes long and when some was done before', async () => {
  const { hand, queue: jobs } = openQueue()
  let control: JobControl | null = null
  const started = jobs.start(
    work((given) => {
      control = given
      given.phase('judging', 30, '')
      return new Promise(() => undefined)
    }),
  )
  if (!started.ok) throw new Error(started.message)
  await hand.pass(0)
  const at = control as JobControl | null
  const left = (): number | null | undefined => jobs.list()[0]?.etaSeconds
  await hand.pass(2000)
  at?.advance(4)
  expect(left()).toBe(13)
  // The fifth has taken 13 s: at this rate the 25 after it take 75.
  await hand.pass(13_000)
  expect(left()).toBe(75)
  at?.advance(5)
  expect(left()).toBe(75)
  // Nothing says how long the last takes when it is late.
  at?.advance(29)
  await hand.pass(60_000)
  expect(left()).toBeNull()
  // Four were done before: they took no time now, and say nothing.
  at?.phase('training', 30, '', 4)
  expect(left()).toBeNull()
  await hand.pass(3000)
  at?.advance(5)
  expect(left()).toBe(75)
})

test('a pause begins once the work has stored what it would lose; one by hold begins at once', async () => {
  const { queue: jobs } = openQueue()
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  const until = (holds: () => boolean): Promise<boolean> => vi.waitUntil(holds, { interval: 1 })
  let [isStepUnderWay, stores, passed] = [true, 0, 0]
  let control: JobControl | null = null
  const reply = jobs.start(
    work(async (given) => {
      control = given
      given.pauses.beforePause(async () => {
        await turn()
        if (isStepUnderWay) return false
        stores += 1
        return true
      })
      // Several episodes stand at the gate at once.
      const episode = async (): Promise<void> => {
        for (;;) {
          await turn()
          await given.gate()
          passed += 1
        }
      }
      await Promise.all([episode(), episode(), episode()])
    }),
  )
  if (!reply.ok) throw new Error(reply.message)
  const { job_id } = reply.value
  const now = (): JobSnapshot | undefined => jobs.list()[0]
  await until(() => passed > 0)
  const at = control as JobControl | null
  if (!at) throw new Error('not started')
  jobs.pause(job_id)
  expect(at.pauses.isAsked()).toBe(true)
  const before = passed
  await until(() => passed > before + 10)
  expect(now()).toMatchObject({ state: 'paused', message: 'Pausing: the step under way is finished and stored first.' })
  isStepUnderWay = false
  await until(() => stores > 0)
  for (let turns = 0; turns < 5; turns++) await turn()
  const held = passed
  for (let turns = 0; turns < 20; turns++) await turn()
  expect(passed).toBe(held)
  expect(stores).toBe(1)
  expect(now()).toMatchObject({ state: 'paused', message: 'Paused. The steps taken so far are stored.' })
  jobs.resume(job_id)
  await until(() => passed > held)
  expect(now()).toMatchObject({ state: 'running', message: '' })
  // Nothing can be stored in a full storage.
  at.hold('full')
  for (let turns = 0; turns < 5; turns++) await turn()
  const full = passed
  for (let turns = 0; turns < 20; turns++) await turn()
  expect([passed, stores]).toEqual([full, 1])
  expect(now()).toMatchObject({ state: 'paused', message: 'full' })
  jobs.cancel(job_id)
  expect(await jobs.finished(job_id)).toMatchObject({ state: 'cancelled' })
})

test('what the GPU does inside a phase is reported at most five times a second, and the work’s own estimate of the time left replaces the phase’s rate', async () => {
  const { hand, snapshots: told, queue } = openQueue()
  let control: JobControl | null = null
  let finish: () => void = () => undefined
  const work: JobWork = {
    ...{ kind: 'train', title: 'T', runId: 'r', usesGpu: true },
    run: (own) => {
      control = own
      return new Promise((resolve) => (finish = resolve))
    },
  }
  queue.start(work)
  await hand.pass(0)
  const job = control as unknown as JobControl
  job.phase('training', 10, 'Preparing')
  job.estimateLeft(() => 42)
  await hand.pass(300)
  const before = told.length
  for (let part = 0; part < 10; part++) job.show({ kind: 'update', done: part, total: 10 })
  expect(told.length).toBe(before + 1)
  expect(told.at(-1)).toMatchObject({ activity: { kind: 'update', done: 0, total: 10 }, etaSeconds: 42 })
  await hand.pass(300)
  job.show({ kind: 'update', done: 9.5, total: 10 })
  expect(told.at(-1)?.activity).toEqual({ kind: 'update', done: 9.5, total: 10 })
  job.estimateLeft(null)
  expect(queue.list()[0]?.etaSeconds).toBeNull()
  finish()
  await hand.pass(0)
  await hand.pass(0)
  expect(queue.list()[0]).toMatchObject({ state: 'finished', activity: null })
})

/** A pause in an exam, then the end of the studio: a resumed run asks only what has no stored attempt, and its result is the uninterrupted one's. */
import { expect, test } from 'vitest'
import type { EvaluationRecord } from '../../src/records/evaluation'
import type { RunRecord } from '../../src/records/run'
import { createMemoryStore } from '../../src/storage/memoryStore'
import type { Store } from '../../src/storage/store'
import type { PolicyBackend } from '../../src/studio/runs/policyBackend'
import type { StudioParts } from '../../src/studio/parts'
import { openTestStudio, scriptedPolicyBackend, type TestStudio } from './testStudio'

const request = { kind: 'story', seed: 1, size: 'software', examQueries: 12 } as const
const PHASES = ['before', 'after'] as const

interface Counted {
  readonly backend: PolicyBackend & { readonly isHeld: boolean }
  /** Ids of the queries that were rolled out greedily, which only exams do. */
  readonly asked: string[]
}

/** @param onAttempt is called after each of them; `trainedMore` makes another adapter of what was trained. */
function countedBackend({
  trainedMore = 0,
  onAttempt = () => undefined,
}: { readonly trainedMore?: number; readonly onAttempt?: () => void } = {}): Counted {
  const asked: string[] = []
  const scripted = scriptedPolicyBackend({ delayMs: 2 })
  const counted = (policy: Awaited<ReturnType<PolicyBackend['openPolicy']>>): typeof policy => ({
    ...policy,
    adapter: async () =>
      new Map(
        [...(await policy.adapter())].map(([name, { shape, values }]) => [
          name,
          { shape, values: values.map((value) => value + trainedMore) },
        ]),
      ),
    rollout: (one) => {
      if (one.temperature > 0) return policy.rollout(one)
      asked.push(...one.queries.map(({ query_id }) => query_id))
      return policy.rollout({
        ...one,
        onTrajectory: (attempt) => {
          one.onTrajectory(attempt)
          onAttempt()
        },
      })
    },
  })
  return {
    asked,
    backend: {
      get isHeld() {
        return scripted.isHeld
      },
      openPolicy: async (one) => counted(await scripted.openPolicy(one)),
      train: async (one) => counted(await scripted.train(one)),
    },
  }
}

const resultOf = ({ rows, split, seed, model }: EvaluationRecord): unknown => ({ rows, split, seed, model })

/** What the run's exams found, without the run's own name. */
async function resultsOf(store: Store, runId: string): Promise<unknown> {
  const run = await recordOf(store, runId)
  const found = await Promise.all(run.evaluations.map(async (id) => store.evaluations.get(id)))
  return JSON.parse(
    JSON.stringify(found.map((one) => one && resultOf(one)))
      .split(runId)
      .join('RUN'),
  )
}

async function recordOf(store: Store, runId: string): Promise<RunRecord> {
  const record = await store.runs.get(runId)
  if (!record) throw new Error('no record')
  return record
}

async function pausedIn(phase: 'before' | 'after', store: Store, cells: number): Promise<string> {
  let attempts = 0
  let jobId = ''
  const pauseAfter = (phase === 'before' ? 0 : 12) + cells
  const onAttempt = (): void => {
    attempts += 1
    if (attempts === pauseAfter) void page.studio.jobs.pause(jobId)
  }
  const { backend } = countedBackend({ onAttempt })
  const page: TestStudio = await openTestStudio({ policyBackend: backend } satisfies Partial<StudioParts>, store)
  const job = await page.studio.jobs.start(request)
  if (!job.ok) throw new Error(job.message)
  jobId = job.value.job_id
  await page.until(() => backend.isHeld)
  await expect.poll(async () => (await recordOf(store, job.value.run_id)).status).toBe('paused')
  page.close()
  return job.value.run_id
}

async function resumed(store: Store, runId: string, { backend }: Counted): Promise<TestStudio> {
  const page = await openTestStudio({ policyBackend: backend }, store)
  const job = await page.studio.runs.resume(runId)
  if (!job.ok) throw new Error(job.message)
  expect(await page.finished(job.value.job_id)).toMatchObject({ state: 'finished', error: null })
  return page
}

const storedOf = async (store: Store, runId: string, phase: string): Promise<readonly string[]> =>
  (await store.trajectories.listOf({ run_id: runId })).records
    .filter(({ trajectory_id }) => trajectory_id.startsWith(`${runId}/${phase}-`))
    .map(({ task }) => task.query_id)

test.each(PHASES)('a pause in the exam %s training: only the remaining queries are asked', async (phase) => {
  const whole = await openTestStudio({ policyBackend: countedBackend().backend })
  const job = await whole.studio.jobs.start(request)
  if (!job.ok) throw new Error(job.message)
  await whole.finished(job.value.job_id)
  const expected = await resultsOf(whole.store, job.value.run_id)
  whole.close()

  const store = createMemoryStore()
  const runId = await pausedIn(phase, store, 5)
  const before = await storedOf(store, runId, phase)
  expect(before).toHaveLength(5)

  const counted = countedBackend()
  const page = await resumed(store, runId, counted)
  const again = phase === 'before' ? counted.asked.slice(0, 7) : counted.asked
  expect(again).toHaveLength(7)
  expect(again.filter((id) => before.includes(id))).toEqual([])
  // The exam after training is asked whole where the pause came before it.
  expect(counted.asked).toHaveLength(phase === 'before' ? 19 : 7)
  expect(await resultsOf(store, runId)).toEqual(expected)
  const detail = await page.studio.runs.get(runId)
  expect(detail.ok && detail.value.exam[phase].filter(({ status }) => status !== null)).toHaveLength(12)
  page.close()
})

test('attempts of another adapter are no part of the exam: all of it is sat again, and the run says so', async () => {
  const store = createMemoryStore()
  const runId = await pausedIn('after', store, 5)
  const counted = countedBackend({ trainedMore: 0.5 })
  const page = await resumed(store, runId, counted)
  expect(counted.asked).toHaveLength(12)
  expect(await storedOf(store, runId, 'after')).toHaveLength(12)
  expect((await recordOf(store, runId)).notes.join(' ')).toContain('the whole exam was sat again')
  page.close()
})

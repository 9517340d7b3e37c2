/** Gradients that are not finite beside a finite loss: the run's record says at which steps updates were skipped, and too many in a row end it. */
import { afterEach, expect, test } from 'vitest'
import type { RunRecord } from '../../src/records/run'
import { createMemoryStore } from '../../src/storage/memoryStore'
import type { PolicyBackend } from '../../src/studio/runs/policyBackend'
import { skippedBefore, watchSkippedUpdates } from '../../src/studio/runs/skippedUpdates'
import { openTestStudio, scriptedPolicyBackend, type TestStudio } from './testStudio'

let open: TestStudio | null = null
afterEach(() => open?.close())

interface Step {
  readonly skipped: number
  readonly norm: number
}

/** A backend whose steps report these counters of skipped updates, and norms. */
function skipping(reported: readonly Step[]): PolicyBackend {
  const scripted = scriptedPolicyBackend()
  return {
    ...scripted,
    train: (of) =>
      scripted.train({
        ...of,
        context: {
          ...of.context,
          report: (step, metrics) => {
            const { skipped = 0, norm = 1 } = reported[step] ?? {}
            of.context.report(step, { ...metrics, grad_norm: norm, skipped_updates: skipped })
          },
        },
      }),
  }
}

async function trained(reported: readonly Step[]): Promise<RunRecord> {
  open = await openTestStudio({ policyBackend: skipping(reported) })
  const job = await open.studio.jobs.start({
    ...{ kind: 'train', algorithm: 'steptool-ppo', model: 'starter', config: {}, benchmark: 'starter', data: [], rowLimit: null },
    ...{ steps: reported.length, seed: 1 },
  })
  if (!job.ok) throw new Error(job.message)
  await open.finished(job.value.job_id)
  const detail = await open.studio.runs.get(job.value.run_id)
  if (!detail.ok) throw new Error(detail.message)
  return detail.value.run
}
const noteOf = ({ notes }: RunRecord): string[] => notes.filter((note) => note.includes('skipped'))

test('the record of a run says in one sentence at which steps how many updates were skipped', async () => {
  const run = await trained([
    { skipped: 0, norm: 1 },
    { skipped: 1, norm: -1 },
    { skipped: 1, norm: 2 },
    { skipped: 3, norm: -1 },
  ])
  expect(run.status).toBe('finished')
  expect(noteOf(run)).toEqual(['Updates were skipped because a gradient was not finite: 1 at step 2, 2 at step 4.'])
})

test('ten skipped updates in a row end the run, with the step at which they began; ten with others between do not', async () => {
  const failed = await trained([{ skipped: 0, norm: 1 }, ...Array.from({ length: 12 }, (_, at) => ({ skipped: 2 * (at + 1), norm: -1 }))])
  expect(failed).toMatchObject({ status: 'failed', steps_done: 6 })
  expect(failed.error).toMatch(
    /^Since step 2 of 13, 10 updates in a row were skipped because a gradient was not finite, although the loss is:/,
  )
  expect(noteOf(failed)).toEqual([
    'Updates were skipped because a gradient was not finite: 2 at step 2, 2 at step 3, 2 at step 4, 2 at step 5, 2 at step 6.',
  ])
  open?.close()
  const run = await trained(Array.from({ length: 12 }, (_, at) => ({ skipped: 2 * (at + 1), norm: at % 4 === 3 ? 1 : -1 })))
  expect(run.status).toBe('finished')
})

test('a batch that makes no update ends no row of skipped ones', () => {
  const watch = watchSkippedUpdates({ steps: 9, resumedAfter: 0, before: {}, note: () => undefined })
  for (let step = 0; step < 5; step++) expect(watch.take(step, { skipped_updates: step + 1, grad_norm: -1 })).toBeNull()
  expect(watch.take(5, { skipped_updates: 5, grad_norm: 0 })).toBeNull()
  expect(watch.take(6, { skipped_updates: 10, grad_norm: -1 })?.message).toMatch(/^Since step 1 of 9, 10 updates/)
})

test('critics are counted by themselves', () => {
  const notes: string[] = []
  const watch = watchSkippedUpdates({ steps: 3, resumedAfter: 0, before: {}, note: (sentence) => notes.push(sentence) })
  const policy = { skipped_updates: 0, grad_norm: 1 }
  expect(watch.take(0, { ...policy, 'critic/skipped_updates': 6, 'critic/grad_norm': -1 })).toBeNull()
  expect(watch.take(1, { ...policy, 'critic/skipped_updates': 12, 'critic/grad_norm': -1 })).not.toBeNull()
  expect(notes.at(-1)).toBe('Updates were skipped because a gradient was not finite: 6 at step 1, 6 at step 2.')
})

test('a resumed run counts from where it goes on', async () => {
  const store = createMemoryStore()
  await store.metrics.append('run', { step: [0, 1, 2], columns: { skipped_updates: [0, 2, 5], loss: [1, 1, 1] } })
  const before = await skippedBefore(store, 'run', 2)
  expect(before).toEqual({ skipped_updates: 2 })
  const notes: string[] = []
  const watch = watchSkippedUpdates({ steps: 9, resumedAfter: 2, before, note: (sentence) => notes.push(sentence) })
  watch.take(2, { skipped_updates: 5, grad_norm: -1 })
  expect(notes).toEqual(['After it was resumed after step 2, updates were skipped because a gradient was not finite: 3 at step 3.'])
})

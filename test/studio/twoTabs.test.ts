/** Two tabs over one store: a run at work in one can be read in the other, not changed. */
import { expect, test } from 'vitest'
import { createMemoryStore } from '../../src/storage/memoryStore'
import type { Claim } from '../../src/studio/claim'
import { openTestStudio } from './testStudio'

test('the second tab reads the run, says where it is at work, and cannot remove it or go on with it', async () => {
  const store = createMemoryStore()
  const held = new Set<string>()
  const claim = (name: string): Promise<Claim> => {
    if (held.has(name)) return Promise.resolve({ ok: false, owner: 'in another tab, since 2026-01-02 03:04:05 UTC' })
    held.add(name)
    return Promise.resolve({ ok: true, release: () => void held.delete(name), takenOver: null })
  }
  const first = await openTestStudio({ claim }, store)
  const second = await openTestStudio({ claim }, store)
  try {
    const config = { batch_size: 2, mini_batch_size: 2, gradient_accumulation_steps: 1 }
    const started = await first.studio.jobs.start({
      ...{ kind: 'train', algorithm: 'steptool-ppo', model: 'starter', data: [], config, steps: 2, seed: 1, rowLimit: null },
    })
    if (!started.ok) throw new Error(started.message)
    const { run_id, job_id } = started.value
    await first.studio.jobs.pause(job_id)
    await expect.poll(async () => (await second.studio.runs.get(run_id)).ok).toBe(true)
    const there = await second.studio.runs.get(run_id)
    expect(there.ok && there.value.elsewhere).toBe('in another tab, since 2026-01-02 03:04:05 UTC')
    const here = await first.studio.runs.get(run_id)
    expect(here.ok && here.value.elsewhere).toBeUndefined()
    expect(await second.studio.runs.remove(run_id)).toMatchObject({ ok: false, code: 'at-work' })
    expect(await second.studio.runs.resume(run_id)).toMatchObject({ ok: false })
    await first.studio.jobs.cancel(job_id)
    await first.finished(job_id)
    const after = await second.studio.runs.get(run_id)
    expect(after.ok && after.value.elsewhere).toBeUndefined()
  } finally {
    first.close()
    second.close()
  }
})

/** The precision of weights and cache is part of a request: it reaches its recipe and comes back, its memory estimate and its run. */
import { afterEach, expect, test } from 'vitest'
import type { TrainRequest } from '../../src/worker/protocol'
import { openTestStudio, type TestStudio } from './testStudio'

let open: TestStudio | null = null
afterEach(() => open?.close())

const plain: TrainRequest = {
  ...{ kind: 'train', algorithm: 'steptool-ppo', model: 'starter', data: [], steps: 1, seed: 1, rowLimit: null },
  config: { batch_size: 2, mini_batch_size: 2, gradient_accumulation_steps: 1 },
}

test('a cache of f16 is in the recipe, halves the cache, and is written into the run', async () => {
  open = await openTestStudio()
  const { studio, finished } = open
  const asked: TrainRequest = { ...plain, dtype: 'int8', kvDtype: 'f16' }
  const file = await studio.recipes.write({ kind: 'request', request: asked }, 'hone')
  if (!file.ok) throw new Error(file.message)
  expect(JSON.parse(file.value.text)).toMatchObject({ dtype: 'int8', kv_dtype: 'f16' })
  expect(await studio.recipes.read('r.json', file.value.text, 'sft')).toMatchObject({
    value: { dtype: 'int8', kvDtype: 'f16', ignored: [] },
  })
  const trl = await studio.recipes.write({ kind: 'request', request: asked }, 'trl')
  expect(trl.ok && trl.value.unmapped.map(({ field }) => field)).toContain('kv_dtype')

  const bytes = async (request: TrainRequest): Promise<number> => {
    const found = await studio.jobs.estimateMemory(request)
    if (!found.ok) throw new Error(found.message)
    return found.value.bytes
  }
  expect(await bytes({ ...plain, kvDtype: 'f16' })).toBeLessThan(await bytes(plain))

  const job = await studio.jobs.start({ ...plain, kvDtype: 'f16' })
  if (!job.ok) throw new Error(job.message)
  expect((await finished(job.value.job_id)).state).toBe('finished')
  const detail = await studio.runs.get(job.value.run_id)
  expect(detail).toMatchObject({ value: { run: { config: { kv_dtype: 'f16' } } } })
  const again = await studio.recipes.write({ kind: 'run', run_id: job.value.run_id }, 'hone')
  expect(again.ok && JSON.parse(again.value.text)).toMatchObject({ kv_dtype: 'f16' })

  // An exam of its adapter is sized as it will be asked.
  const exam = { kind: 'evaluate', model: 'starter', benchmark: 'starter', split: 'exam', strategy: 'cot', maxCalls: 6, limit: 1 } as const
  const examBytes = async (adapterOf: string | null): Promise<number> => {
    const found = await studio.jobs.estimateMemory({ ...exam, temperature: 0, seed: 1, adapterOf })
    if (!found.ok) throw new Error(found.message)
    return found.value.bytes
  }
  expect(await examBytes(job.value.run_id)).toBeLessThan(await examBytes(null))
})

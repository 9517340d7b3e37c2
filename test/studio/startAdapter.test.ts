/** Runs that begin from an adapter, as the page asks for them: an earlier run's, or one a person brought. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import type { RunRecord } from '../../src/records/run'
import { createMemoryStore } from '../../src/storage/memoryStore'
import type { Reply, StartFrom, TrainRequest } from '../../src/worker/protocol'
import { projectRoot } from '../support/sources'
import { openTestStudio, scriptedPolicyBackend, type TestStudio } from './testStudio'

let open: TestStudio | null = null
afterEach(() => open?.close())

const settings = { batch_size: 2, mini_batch_size: 2, gradient_accumulation_steps: 1 }
const request = (own: Partial<TrainRequest> = {}): TrainRequest => ({
  ...{ kind: 'train', algorithm: 'steptool-ppo', model: 'starter', data: [], steps: 3, seed: 1, rowLimit: null, config: settings },
  ...own,
})
const accepted = <T>(reply: Reply<T>): T => {
  if (!reply.ok) throw new Error(reply.message)
  return reply.value
}
async function runTo(state: string, page: TestStudio, own: Partial<TrainRequest>): Promise<RunRecord> {
  const job = accepted(await page.studio.jobs.start(request(own)))
  expect((await page.finished(job.job_id)).state).toBe(state)
  return accepted(await page.studio.runs.get(job.run_id)).run
}
const ofRun = (run_id: string): StartFrom => ({ kind: 'run', run_id, which: 'last' })

test('from an earlier run: its shape is taken over and said; recipes carry it', async () => {
  open = await openTestStudio()
  const { studio } = open
  const first = await runTo('finished', open, { steps: 1, config: { ...settings, lora_r: 4 } })
  const initAdapter = ofRun(first.run_id)
  const second = await runTo('finished', open, { steps: 1, initAdapter })
  const hash = first.adapter_sha256?.after ?? ''
  expect(second.config).toMatchObject({ lora_r: 4, ref_adapter: 'initial', init_adapter: first.run_id, init_adapter_sha256: hash })
  expect(second.adapter_sha256?.before).toBe(hash)
  expect(second.notes).toEqual(
    expect.arrayContaining([
      `It started from ${first.run_id} (SHA-256 ${hash.slice(0, 12)}).`,
      'Its reference is a frozen copy of that adapter (ref_adapter: initial).',
      'The value head beside the adapter goes on too.',
    ]),
  )
  const { 'README.md': card } = accepted(await studio.runs.exportAdapter(second.run_id))
  expect(new TextDecoder().decode(card)).toContain(`It started from the adapter ${first.run_id} (SHA-256 ${hash}).`)

  const recipe = accepted(await studio.recipes.write({ kind: 'run', run_id: second.run_id }, 'hone'))
  expect(JSON.parse(recipe.text)).toMatchObject({ init_adapter: first.run_id, config: { lora_r: 4 } })
  expect(accepted(await studio.recipes.write({ kind: 'request', request: request({ initAdapter }) }, 'hone')).text).toContain(first.run_id)
  expect(accepted(await studio.recipes.read('recipe.json', recipe.text, 'sft')).initAdapter).toEqual(initAdapter)
  const trl = accepted(await studio.recipes.write({ kind: 'run', run_id: second.run_id }, 'trl'))
  expect(trl.unmapped.find(({ field }) => field === 'init_adapter')?.reason).toContain('not a copy of the adapter')
})

test('a run from an adapter whose reference is the base notes that its KL does not begin at 0', async () => {
  const scripted = scriptedPolicyBackend()
  const policyBackend = {
    ...scripted,
    openPolicy: async (request: Parameters<typeof scripted.openPolicy>[0]) => ({
      ...(await scripted.openPolicy(request)),
      logProbs: (ids: readonly number[], whose?: string) =>
        Promise.resolve(ids.slice(1).map(() => (whose === 'reference' && request.adapter ? -1.5 : -1))),
    }),
  }
  open = await openTestStudio({ policyBackend })
  const first = await runTo('finished', open, { steps: 1 })
  const far = 'its KL reference is the base model without it (ref_adapter: none). Before the first update the two differ by up to 0.50 nats'
  const notesOf = async (own: Partial<TrainRequest>) =>
    (await runTo('finished', open as TestStudio, { steps: 1, initAdapter: ofRun(first.run_id), ...own })).notes.join('\n')
  expect(await notesOf({ config: { ...settings, ref_adapter: 'none' } })).toContain(far)
  expect(first.notes.join('\n')).not.toContain('KL reference')
})

test('what it needs and what speaks against it, before it starts', async () => {
  open = await openTestStudio()
  const { studio } = open
  const { run_id } = await runTo('finished', open, { steps: 1, config: { ...settings, lora_r: 4 } })
  const initAdapter = ofRun(run_id)
  const other = request({ initAdapter, config: { ...settings, lora_r: 8 } })
  const sentence = `lora_r is 8, but ${run_id}, from which the run starts, has 4: leave lora_r out, or start from another adapter.`
  for (const reply of [await studio.jobs.start(other), await studio.jobs.estimateMemory(other), await studio.jobs.preflight(other)])
    expect(reply).toMatchObject({ ok: false, message: sentence })
  expect(await studio.jobs.start(request({ initAdapter: ofRun('run-0') }))).toMatchObject({ ok: false, code: 'unknown-run' })

  // The frozen copy is part of what it needs.
  const part = 'reference: a copy of the initial adapter'
  const needs = async (own: Partial<TrainRequest>) => accepted(await studio.jobs.estimateMemory(request(own))).parts
  expect((await needs({ initAdapter })).find(({ name }) => name === part)?.bytes).toBeGreaterThan(0)
  expect(await needs({ initAdapter, config: { ...settings, ref_adapter: 'none' } })).not.toContainEqual(
    expect.objectContaining({ name: part }),
  )
  expect(accepted(await studio.jobs.preflight(request({ initAdapter }))).map(({ level }) => level)).not.toContain('refusal')
})

test('a run goes on from its own copy when the run it began from is gone; at its end the copy goes too', async () => {
  const store = createMemoryStore()
  open = await openTestStudio({}, store)
  const first = await runTo('finished', open, { steps: 1 })
  open.close()
  open = await openTestStudio({ policyBackend: scriptedPolicyBackend({ failAt: 2 }) }, store)
  const failed = await runTo('failed', open, { initAdapter: ofRun(first.run_id) })
  open.close()

  open = await openTestStudio({}, store)
  accepted(await open.studio.runs.remove(first.run_id))
  const copies = () => store.listBlobs((name) => name.startsWith(`runs/${failed.run_id}/init-adapter/`))
  expect(await copies()).toHaveLength(3)
  const job = accepted(await open.studio.runs.resume(failed.run_id))
  expect((await open.finished(job.job_id)).state).toBe('finished')
  const { run } = accepted(await open.studio.runs.get(failed.run_id))
  expect(run).toMatchObject({ config: failed.config, adapter_sha256: { before: first.adapter_sha256?.after } })
  expect(await copies()).toEqual([])
})

test('an adapter in PEFT’s files is kept once, begins runs and can be removed; one of another base is refused', async () => {
  open = await openTestStudio()
  const { studio } = open
  const first = await runTo('finished', open, { steps: 1 })
  const exported = accepted(await studio.runs.exportAdapter(first.run_id))
  const files = Object.entries(exported).map(([name, bytes]) => new File([bytes], name))
  const adapter = accepted(await studio.adapters.importFiles('starter', '', files))
  expect(adapter).toMatchObject({ model_id: 'starter', sha256: first.adapter_sha256?.after })
  expect(accepted(await studio.adapters.importFiles('starter', 'again', files))).toEqual(adapter)
  expect(await studio.adapters.list()).toEqual([adapter])
  expect((await studio.storage.usage()).items).toContainEqual({ name: adapter.title, bytes: adapter.bytes, kind: 'adapter' })

  const initAdapter = { kind: 'imported', adapter_id: adapter.adapter_id } as const
  const second = await runTo('finished', open, { steps: 1, initAdapter })
  expect(second.config).toMatchObject({ init_adapter: adapter.title, init_adapter_sha256: adapter.sha256 })
  accepted(await studio.adapters.remove(adapter.adapter_id))
  expect(await studio.adapters.list()).toEqual([])
  expect(await studio.jobs.start(request({ initAdapter }))).toMatchObject({ ok: false, code: 'unknown-adapter' })

  const golden = (name: string) => new File([readFileSync(join(projectRoot, 'test/golden/peft_adapter', name))], name)
  expect(
    await studio.adapters.importFiles('starter', 'other', [golden('adapter_config.json'), golden('adapter_model.safetensors')]),
  ).toMatchObject({
    ...{ ok: false, message: expect.stringContaining('the adapter does not fit the model') as string },
  })
  expect(await studio.adapters.importFiles('starter', '', [golden('adapter_config.json')])).toMatchObject({
    ...{ ok: false, message: expect.stringContaining('file missing: expected adapter_model.safetensors') as string },
  })
})

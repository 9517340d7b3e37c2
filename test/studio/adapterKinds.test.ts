/** Adapters on the page whose configuration means more than plain LoRA: refused at import by name, or imported to act with and refused to train from. */
import { afterEach, expect, test } from 'vitest'
import { projectionPath } from '../../src/models/architectures/decoder'
import { writeSafetensors, type TensorToWrite } from '../../src/models/weights/writeSafetensors'
import type { JobRequest } from '../../src/worker/protocol'
import { openTestStudio, type TestStudio } from './testStudio'

let open: TestStudio | null = null
afterEach(() => open?.close())

const PATH = `base_model.model.${projectionPath(0, 'q_proj')}`
const values = (shape: readonly number[]): TensorToWrite => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((product, extent) => product * extent, 1) }, (_, at) => Math.sin(at)),
})
const LORA = { [`${PATH}.lora_A.weight`]: values([2, 128]), [`${PATH}.lora_B.weight`]: values([128, 2]) }
const CONFIG = { peft_type: 'LORA', task_type: 'CAUSAL_LM', r: 2, lora_alpha: 4, target_modules: ['q_proj'] }

const filesOf = (config: object, tensors: Readonly<Record<string, TensorToWrite>> = LORA): File[] => [
  new File([JSON.stringify({ ...CONFIG, ...config })], 'adapter_config.json'),
  new File([writeSafetensors(tensors)], 'adapter_model.safetensors'),
]
const trainFrom = (adapter_id: string): Extract<JobRequest, { kind: 'train' }> => ({
  ...{ kind: 'train', algorithm: 'steptool-ppo', model: 'starter', data: [], steps: 1, seed: 1, rowLimit: null, config: {} },
  initAdapter: { kind: 'imported', adapter_id },
})

test.each([
  ['a field', { alora_invocation_tokens: [4] }, LORA, 'alora_invocation_tokens is [4]; expected it to be off'],
  ['an initialisation', { init_lora_weights: 'corda' }, LORA, 'init_lora_weights is "corda"; expected'],
  [
    'a tensor',
    {},
    { ...LORA, [`${PATH}.lora_magnitude_vector`]: values([128]) },
    `tensor "${PATH}.lora_magnitude_vector" is not supported`,
  ],
  [
    'the head of a tied model',
    { target_modules: ['q_proj', 'lm_head'] },
    { ...LORA, 'base_model.model.lm_head.lora_A.weight': values([2, 128]), 'base_model.model.lm_head.lora_B.weight': values([256, 2]) },
    'tie_word_embeddings',
  ],
])('%s that is not computed is refused at import', async (_, config, tensors, message) => {
  open = await openTestStudio()
  expect(await open.studio.adapters.importFiles('starter', 'x', filesOf(config, tensors))).toMatchObject({
    ...{ ok: false, message: expect.stringContaining(message) as string },
  })
  expect(await open.studio.adapters.list()).toEqual([])
})

test.each([
  ['DoRA', { use_dora: true }, { ...LORA, [`${PATH}.lora_magnitude_vector`]: values([128]) }, 'use_dora sets the lengths of rows'],
  ['PiSSA', { init_lora_weights: 'pissa' }, LORA, 'init_lora_weights "pissa" takes a part out of the base'],
])('%s is imported to act with; a run from it is refused before it starts', async (_, config, tensors, message) => {
  open = await openTestStudio()
  const { studio } = open
  const imported = await studio.adapters.importFiles('starter', 'x', filesOf(config, tensors))
  if (!imported.ok) throw new Error(imported.message)
  const request = trainFrom(imported.value.adapter_id)
  const refusal = { ok: false, message: expect.stringContaining(message) as string }
  for (const reply of [await studio.jobs.start(request), await studio.jobs.estimateMemory(request), await studio.jobs.preflight(request)])
    expect(reply).toMatchObject(refusal)
  const job = await studio.jobs.start({
    ...{ kind: 'rollout', model: 'starter', adapterOf: null, adapter: request.initAdapter, benchmark: 'starter', split: 'practice' },
    ...{ strategy: 'cot', maxCalls: 2, limit: 1, temperature: 1, seed: 1, samples: 1 },
  } as JobRequest)
  if (!job.ok) throw new Error(job.message)
  expect((await open.finished(job.value.job_id)).state).toBe('finished')
})

test('the same weights under another configuration are another adapter', async () => {
  open = await openTestStudio()
  const { studio } = open
  await studio.adapters.importFiles('starter', 'plain', filesOf({}))
  await studio.adapters.importFiles('starter', 'pissa', filesOf({ init_lora_weights: 'pissa' }))
  await studio.adapters.importFiles('starter', 'again', filesOf({}))
  expect((await studio.adapters.list()).map(({ title }) => title)).toEqual(['plain', 'pissa'])
})

import { afterEach, expect, test, vi } from 'vitest'
import { stepsOf } from '../../src/records/trajectory'
import { algorithms } from '../../src/training/algorithms'
import type { OpenedDevice } from '../../src/studio/parts'
import { aRun } from '../support/builders'
import { fakeDevice, file, openTestStudio, readStarterAsset, report, scriptedPolicyBackend, type TestStudio } from './testStudio'

vi.setConfig({ testTimeout: 60_000 })

let open: TestStudio | null = null
afterEach(() => {
  open?.close()
})

async function imported(changes: Parameters<typeof openTestStudio>[0] = {}): Promise<TestStudio & { readonly datasetId: string }> {
  const opened = await openTestStudio(changes)
  open = opened
  const reply = await opened.studio.datasets.importFile(file('sample.csv', await opened.studio.datasets.sampleCsv()))
  if (!reply.ok) throw new Error(reply.message)
  return { ...opened, datasetId: reply.value.dataset_id }
}
const limits = { maxContextLen: 4096, maxResponseLen: 1024 }

test('describe names everything the forms need', async () => {
  open = await openTestStudio()
  const { description } = open
  expect(description.algorithms.map(({ name }) => name)).toEqual(expect.arrayContaining(['sft', 'steptool-ppo']))
  expect(description.algorithms[0]?.configSchema).toMatchObject({
    type: 'object',
    properties: { learning_rate: { default: expect.any(Number) as number, help: expect.any(String) as string } },
  })
  expect(Object.keys(description.benchmarks[0]?.splits ?? {})[0]).toBe('exam')
  expect(description.environments[0]?.tools.length).toBeGreaterThan(20)
  expect(description.ops.length).toBeGreaterThan(10)
  expect(structuredClone(description)).toEqual(description)
})

test('a file becomes a data set; bad rows are problems, and a bad file takes nothing away', async () => {
  const opened = await imported()
  const { studio, datasetId, events } = opened
  const [row] = await studio.datasets.list()
  expect(row).toMatchObject({ dataset_id: datasetId, name: 'sample.csv', format: 'steptoolCsv', trajectories: 8, problems: [] })
  await opened.until(() => events.some((event) => event.type === 'dataset'))

  const csv = await studio.datasets.sampleCsv()
  const lines = csv.trimEnd().split('\n')
  const broken = [lines[0], lines[1], `"['a']"\t"['b']"\t"['not a number']"`, lines[2], ''].join('\n')
  const second = await studio.datasets.importFile(file('broken.csv', broken))
  expect(second).toMatchObject({
    ok: true,
    value: { trajectories: 2, rows: 3, problems: [{ file: 'broken.csv', row: 3, column: 'reward' }] },
  })
  expect(await studio.datasets.importFile(file('photo.png', '\u0000\u0001'))).toMatchObject({ ok: false, code: 'nothing-imported' })
  expect(await studio.datasets.importFile(file('empty.csv', ''))).toMatchObject({ ok: false })
  expect(await studio.datasets.list()).toHaveLength(2)
  expect(await studio.trajectories.list({ dataset_id: datasetId })).toHaveLength(8)

  expect((await studio.datasets.remove(datasetId)).ok).toBe(true)
  expect(await studio.trajectories.list({ dataset_id: datasetId })).toEqual([])
  expect(await studio.datasets.list()).toHaveLength(1)
  expect(await studio.datasets.remove(datasetId)).toMatchObject({ ok: false, code: 'unknown-dataset' })
})

test('imported again, nothing is doubled and labels stay', async () => {
  const { studio, datasetId } = await imported()
  const [first] = await studio.trajectories.list({ dataset_id: datasetId })
  const id = first?.trajectory_id ?? ''
  await studio.labels.add([{ trajectory_id: id, step: 0, name: 'reward', value: 0.25 }], 'Ada')
  const before = await studio.labels.get(id)
  await studio.datasets.importFile(file('sample.csv', await studio.datasets.sampleCsv()))
  expect(await studio.labels.get(id)).toEqual(before)
  expect(await studio.datasets.list()).toHaveLength(1)
})

test('labels: a person wins over the file, undo goes back, and what others said cannot be undone', async () => {
  const { studio, datasetId } = await imported()
  const id = (await studio.trajectories.list({ dataset_id: datasetId }))[1]?.trajectory_id ?? ''
  const start = await studio.labels.get(id)
  expect(start.resolved.map(({ annotatorId }) => annotatorId)).toEqual(start.resolved.map(() => 'imported:sample.csv'))
  expect(new Set(start.opinions.map(({ annotator_id }) => annotator_id.split(':')[0]))).toEqual(new Set(['imported', 'rules']))
  const given = await studio.labels.add(
    [
      { trajectory_id: id, step: 0, name: 'success', value: 0 },
      { trajectory_id: id, step: 0, name: 'contribution', value: 1 },
    ],
    'Ada',
  )
  if (!given.ok) throw new Error(given.message)
  expect(given.value.resolved[0]).toEqual({ value: 0.1, from: 'HUMAN', annotatorId: 'Ada' })
  const last = given.value.opinions.find(({ annotator_id, name }) => annotator_id === 'Ada' && name === 'contribution')
  const undone = await studio.labels.undo(last?.opinion_id ?? '')
  expect(undone.ok && undone.value.resolved[0]).toEqual(start.resolved[0])
  expect(undone.ok && undone.value.opinions.length).toBe(start.opinions.length + 3)
  expect(await studio.labels.undo(start.opinions[0]?.opinion_id ?? '')).toMatchObject({ ok: false, code: 'not-yours' })
  expect(await studio.labels.add([{ trajectory_id: id, step: 0, name: 'contribution', value: 9 }], 'Ada')).toMatchObject({
    ok: false,
    code: 'value',
  })
  expect(await studio.labels.add([{ trajectory_id: id, step: 99, name: 'reward', value: 1 }], 'Ada')).toMatchObject({
    ok: false,
    code: 'unknown-step',
  })
  expect(await studio.labels.add([{ trajectory_id: 'x', step: 0, name: 'reward', value: 1 }], 'Ada')).toMatchObject({
    ok: false,
    code: 'unknown-trajectory',
  })
})

test('an opinion of another day is found and undone', async () => {
  const { studio, datasetId, store } = await imported()
  const id = (await studio.trajectories.list({ dataset_id: datasetId }))[0]?.trajectory_id ?? ''
  const given = await studio.labels.add([{ trajectory_id: id, step: 0, name: 'reward', value: 0 }], 'Ada')
  const opinionId = given.ok ? (given.value.opinions.find(({ annotator_id }) => annotator_id === 'Ada')?.opinion_id ?? '') : ''
  const later = await openTestStudio({}, store)
  const undone = await later.studio.labels.undo(opinionId)
  expect(undone.ok && undone.value.resolved[0]?.annotatorId).toBe('imported:sample.csv')
  later.close()
})

test('the CSV that is exported is the CSV that was imported', async () => {
  const { studio, datasetId } = await imported()
  const csv = await studio.labels.exportCsv(datasetId)
  expect(csv).toEqual({ ok: true, value: await studio.datasets.sampleCsv() })
  expect(await studio.labels.exportCsv('ds-none')).toMatchObject({ ok: false, code: 'unknown-dataset' })
})

test('tokens as the model sees them: loss on completions, truncation told by step', async () => {
  const { studio, datasetId } = await imported()
  const trajectory = (await studio.trajectories.list({ dataset_id: datasetId }))[1]
  const id = trajectory?.trajectory_id ?? ''
  const whole = await studio.trajectories.tokenPreview(id, limits)
  if (!whole.ok) throw new Error(whole.message)
  const { ids, text, mask, step } = whole.value
  expect([text.length, mask.length, step.length]).toEqual([ids.length, ids.length, ids.length])
  expect(whole.value.truncatedTokens).toBe(0)
  expect(new Set(step)).toEqual(new Set([-1, 0, 1, 2, 3]))
  expect(mask.every((bit, at) => bit === 0 || (step[at] ?? -1) >= 0)).toBe(true)
  const cut = await studio.trajectories.tokenPreview(id, { maxContextLen: 120, maxResponseLen: 8 })
  if (!cut.ok) throw new Error(cut.message)
  expect(cut.value.ids).toHaveLength(128)
  expect(cut.value.truncatedTokens).toBe(ids.length - 128)
  expect(cut.value.notTrainedSteps).toContain(0)
  expect(await studio.trajectories.tokenPreview('x', limits)).toMatchObject({ ok: false, code: 'unknown-trajectory' })
})

test('advantages answer to the stored labels and to what-if rewards', async () => {
  const { studio, datasetId } = await imported()
  const trajectory = (await studio.trajectories.list({ dataset_id: datasetId }))[1]
  const id = trajectory?.trajectory_id ?? ''
  const options = { step_reward_weighting: 'paper' } as const
  const stored = await studio.labels.advantagePreview(id, null, options)
  if (!stored.ok) throw new Error(stored.message)
  expect(stored.value.rewards).toEqual((await studio.labels.get(id)).resolved.map(({ value }) => value))
  expect(stored.value.advantages.every((value, at) => stored.value.tokens.mask[at] === 1 || value === 0)).toBe(true)
  const changed = await studio.labels.advantagePreview(
    id,
    stored.value.rewards.map((value, step) => (step === 1 ? 0.9 : value)),
    options,
  )
  if (!changed.ok) throw new Error(changed.message)
  const meanOf = (preview: typeof changed.value, step: number): number => {
    const own = preview.advantages.filter((_, at) => preview.tokens.step[at] === step && preview.tokens.mask[at] === 1)
    return own.reduce((sum, value) => sum + value, 0) / own.length
  }
  expect(meanOf(changed.value, 1)).toBeGreaterThan(meanOf(stored.value, 1))
  expect(meanOf(changed.value, 2)).toBeCloseTo(meanOf(stored.value, 2), 12)
  expect(changed.value.loss).not.toBe(stored.value.loss)
  const unlabelled = await studio.labels.advantagePreview(
    id,
    stored.value.rewards.map((value, step) => (step === 0 ? null : value)),
    options,
  )
  expect(unlabelled.ok && unlabelled.value.tokens.mask.some((bit, at) => bit === 1 && unlabelled.value.tokens.step[at] === 0)).toBe(false)
  expect(await studio.labels.advantagePreview(id, [1], options)).toMatchObject({ ok: false, code: 'rewards' })
})

test('a preview has the settings of the run that rolled the trajectory out, whatever the defaults are', async () => {
  const opened = await imported()
  const { studio, store, datasetId } = opened
  const id = (await studio.trajectories.list({ dataset_id: datasetId }))[1]?.trajectory_id ?? ''
  const record = await store.trajectories.get(id)
  if (!record) throw new Error('no trajectory')
  const config = { gamma: 1, lam: 1, center_step_rewards: true, max_context_len: 600, max_response_len: 40 }
  await store.runs.put({ ...aRun('run-1'), algorithm: 'steptool-ppo', config: algorithms['steptool-ppo'].configure(config).settings })
  await store.runs.put({ ...aRun('run-2'), algorithm: 'sft', config: algorithms.sft.configure({}).settings })
  const practice = (runId: string) => ({
    ...record,
    ...{ trajectory_id: `${runId}/practice-1`, source: `run:${runId}`, task: { ...record.task, split: 'practice' } },
  })
  for (const runId of ['run-1', 'run-2']) {
    const trajectory = practice(runId)
    await store.trajectories.put({ run_id: runId }, [trajectory])
    await studio.labels.add(
      stepsOf(trajectory).map((_, step) => ({
        trajectory_id: trajectory.trajectory_id,
        step,
        name: 'reward',
        value: step === 0 ? 0.2 : 0.6,
      })),
      'Ada',
    )
  }
  const own = await studio.labels.advantagePreview('run-1/practice-1', null, {})
  if (!own.ok) throw new Error(own.message)
  expect(own.value.basis).toEqual({
    ...{ kind: 'run', algorithm: 'Step-grained PPO (StepTool)', limits: 'max_context_len 600 and max_response_len 40' },
  })
  // Undiscounted and centred, the rewards of all steps sum to 0, which is the advantage of the first token.
  const first = own.value.tokens.mask.indexOf(1)
  expect(own.value.advantages[first]).toBeCloseTo(0, 12)
  const last = own.value.tokens.mask.lastIndexOf(1)
  const steps = own.value.rewards.length
  expect(own.value.advantages[last]).toBeCloseTo(0.6 - (0.2 + 0.6 * (steps - 1)) / steps, 12)
  // Imitation has no advantages: the default algorithm's are shown, and said to be.
  const imitation = await studio.labels.advantagePreview('run-2/practice-1', null, {})
  expect(imitation.ok && imitation.value.basis).toMatchObject({ kind: 'default', algorithm: 'Step-grained PPO (StepTool)' })
})

test('the GPU says why it is not there, and comes back', async () => {
  let answer: OpenedDevice | null = null
  const fake = fakeDevice()
  answer = { ok: false, cause: 'no-adapter', message: 'none' }
  open = await openTestStudio({ openDevice: () => Promise.resolve(answer ?? { ok: true, device: fake.device, report }) })
  const { studio, events } = open
  expect(await studio.gpu.status()).toEqual({ state: 'unavailable', cause: 'no-adapter', message: 'none' })
  expect(await studio.jobs.start({ kind: 'story', seed: 1, size: null })).toMatchObject({ ok: false, code: 'no-adapter' })
  answer = { ok: true, device: fake.device, report: { ...report, limits: { ...report.limits, maxStorageBuffersPerShaderStage: 4 } } }
  expect(await studio.gpu.status()).toMatchObject({ state: 'unavailable', cause: 'too-small' })
  answer = null
  expect(await studio.gpu.status()).toMatchObject({ state: 'ready', adapter: report, largestBufferBytes: 1 << 30 })
  fake.lose('driver reset')
  await open.until(() =>
    events.some((event) => event.type === 'gpu' && event.status.state === 'unavailable' && event.status.cause === 'lost'),
  )
})

test('a starter file that is not the build’s own is refused', async () => {
  const names = ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'model.safetensors']
  const files = Object.fromEntries(names.map((name) => [name, { sha256: '0'.repeat(64) }]))
  open = await openTestStudio({
    readAsset: async (path) =>
      path === 'starter/manifest.json' ? new TextEncoder().encode(JSON.stringify({ files })) : readStarterAsset(path),
  })
  expect(await open.studio.jobs.start({ kind: 'story', seed: 1, size: 'software' })).toMatchObject({
    ok: false,
    message: expect.stringContaining('expected SHA-256 0000') as string,
  })
})

test('training on a file: labels, limits and counts are on the run card', async () => {
  const { studio, datasetId, finished } = await imported()
  const request = {
    kind: 'train',
    algorithm: 'steptool-ppo',
    model: 'starter',
    data: [datasetId],
    config: { batch_size: 4 },
    steps: 3,
    seed: 1,
    rowLimit: 4,
  } as const
  expect(await studio.jobs.start({ ...request, config: { batch_size: 0 } })).toMatchObject({
    ok: false,
    code: 'config',
    message: expect.stringContaining('batch_size') as string,
  })
  expect(await studio.jobs.start({ ...request, config: { bach_size: 1 } })).toMatchObject({ ok: false, code: 'config' })
  expect(await studio.jobs.start({ ...request, algorithm: 'none' })).toMatchObject({ ok: false, code: 'unknown-algorithm' })
  expect(await studio.jobs.start({ ...request, model: 'none' })).toMatchObject({ ok: false, code: 'unknown-model' })
  expect(await studio.jobs.start({ ...request, algorithm: 'sft', config: {}, data: [] })).toMatchObject({ ok: false, code: 'needs-data' })
  const job = await studio.jobs.start(request)
  if (!job.ok) throw new Error(job.message)
  expect(await finished(job.value.job_id)).toMatchObject({ state: 'finished', error: null })
  const reply = await studio.runs.get(job.value.run_id)
  if (!reply.ok) throw new Error(reply.message)
  expect(reply.value.run).toMatchObject({
    kind: 'train',
    steps_done: 3,
    data: [{ id: datasetId }],
    config: { batch_size: 4, ppo_epochs: 4 },
  })
  expect(reply.value.run.notes.join(' ')).toMatch(/gae_mask_mode: skip.*first 4 of 8/)
  expect(reply.value.story).toBeNull()
})

test('an evaluation with a run’s adapter is a record of its own', async () => {
  open = await openTestStudio({ policyBackend: scriptedPolicyBackend() })
  const { studio, finished } = open
  const trained = await studio.jobs.start({
    kind: 'train',
    algorithm: 'steptool-ppo',
    model: 'starter',
    data: [],
    config: { batch_size: 2 },
    steps: 1,
    seed: 1,
    rowLimit: null,
  })
  if (!trained.ok) throw new Error(trained.message)
  expect(await finished(trained.value.job_id)).toMatchObject({ state: 'finished' })
  const request = {
    kind: 'evaluate',
    model: 'starter',
    adapterOf: trained.value.run_id,
    benchmark: 'starter',
    split: 'dev',
    strategy: 'cot',
    maxCalls: 4,
    limit: 12,
    temperature: 0,
    seed: 1,
  } as const
  expect(await studio.jobs.start({ ...request, split: 'none' })).toMatchObject({ ok: false, code: 'unknown-split' })
  expect(await studio.jobs.start({ ...request, adapterOf: 'none' })).toMatchObject({ ok: false, code: 'unknown-run' })
  const sampling = { top_p: 0.9, top_k: 0, min_p: 0, repetition_penalty: 1 }
  const wrong = await studio.jobs.start({ ...request, sampling: { ...sampling, top_p: 2 } })
  expect(wrong).toMatchObject({ ok: false, code: 'sampling', message: expect.stringContaining('top_p') as string })
  const job = await studio.jobs.start({ ...request, sampling })
  if (!job.ok) throw new Error(job.message)
  expect(await finished(job.value.job_id)).toMatchObject({ state: 'finished' })
  const [record] = await studio.evaluations.list()
  const run = (await studio.runs.list()).find(({ run_id }) => run_id === trained.value.run_id)
  expect(record).toMatchObject({
    split: 'dev',
    call_budget: 4,
    sampling,
    model: { id: 'starter', adapter_sha256: run?.adapter_sha256?.after },
  })
  expect(record?.rows).toHaveLength(12)
  expect(new Set(record?.rows.map(({ group }) => group)).size).toBeGreaterThan(3)
})

test('memory is counted without a device, and the knob that helps is named', async () => {
  open = await openTestStudio({ openDevice: () => Promise.resolve({ ok: false, cause: 'no-adapter', message: '' }) })
  const { studio } = open
  const request = {
    kind: 'train',
    algorithm: 'sft',
    model: 'starter',
    data: [],
    config: { tokens_per_batch: 512 },
    steps: null,
    seed: 1,
    rowLimit: null,
  } as const
  const small = await studio.jobs.estimateMemory(request)
  if (!small.ok) throw new Error(small.message)
  expect(small.value).toMatchObject({ verdict: 'fits', advice: '' })
  expect(small.value.parts.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(small.value.bytes)
  const large = await studio.jobs.estimateMemory({ ...request, config: { tokens_per_batch: 262_144 } })
  if (!large.ok) throw new Error(large.message)
  expect(large.value.bytes).toBeGreaterThan(10 * small.value.bytes)
  expect(large.value.verdict).not.toBe('fits')
  expect(large.value.advice).toContain('gradient_checkpointing off → on')
  // The verdict is against a guess, or against what the person says.
  expect(large.value.notes.join(' ')).toContain('is a guess')
  const roomy = await studio.jobs.estimateMemory({ ...request, config: { tokens_per_batch: 262_144 } }, 200e9)
  expect(roomy).toMatchObject({
    value: { bytes: large.value.bytes, notes: [expect.any(String) as string, 'Measured against the 200.0 GB that you said there are.'] },
  })
  const cramped = await studio.jobs.estimateMemory(request, small.value.bytes / 2)
  expect(cramped).toMatchObject({ ok: true, value: { verdict: 'exceeds' } })
  expect((await studio.jobs.estimateMemory({ kind: 'story', seed: 1, size: null })).ok).toBe(true)
  expect((await studio.jobs.estimateMemory({ ...request, config: { tokens_per_batch: -1 } })).ok).toBe(false)
})

test('every method that practises can be sized: alone, as the run story, and on data', async () => {
  const { studio, datasetId } = await imported({ openDevice: () => Promise.resolve({ ok: false, cause: 'no-adapter', message: '' }) })
  const bytesOf = async (request: Parameters<typeof studio.jobs.estimateMemory>[0]): Promise<number> => {
    const reply = await studio.jobs.estimateMemory(request)
    if (!reply.ok) throw new Error(reply.message)
    return reply.value.bytes
  }
  for (const { name: algorithm, learnsFrom } of Object.values(algorithms)) {
    if (!learnsFrom.includes('rollouts')) continue
    const request = { kind: 'train', algorithm, model: 'starter', data: [], config: {}, steps: 2, seed: 1, rowLimit: null } as const
    expect(await bytesOf(request), algorithm).toBeGreaterThan(1e6)
    expect(await bytesOf({ kind: 'story', algorithm, seed: 1, size: 'software' }), algorithm).toBeGreaterThan(1e6)
    if (learnsFrom.includes('files')) expect(await bytesOf({ ...request, data: [datasetId] }), algorithm).toBeGreaterThan(1e6)
  }
  // Labels do not matter for memory.
  const status = { kind: 'train', model: 'starter', data: [datasetId], steps: 1, seed: 1, rowLimit: null } as const
  const [final, ended] = [
    await bytesOf({ ...status, algorithm: 'ppo', config: {} }),
    await bytesOf({ ...status, algorithm: 'ppo', config: { reward: 'status' } }),
  ]
  expect(ended).toBe(final)
})

test('tools can be called by hand', async () => {
  open = await openTestStudio()
  const { studio } = open
  const query = await studio.environments.callTool('starter', 'search_for', { name: 'nobody' })
  expect(query).toEqual({ ok: true, value: '{"error":"unknown name"}' })
  expect(await studio.environments.callTool('starter', 'home_of', {})).toEqual({ ok: true, value: '{"error":"missing person"}' })
  expect(await studio.environments.callTool('starter', 'none', {})).toMatchObject({ ok: false, code: 'unknown-tool' })
})

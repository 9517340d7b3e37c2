import { afterEach, describe, expect, it, vi } from 'vitest'
import { sha256 } from '../../src/base/sha256'
import type { Recording } from '../../src/records/recording'
import { trajectoryFromSteps } from '../../src/records/trajectoryFromSteps'
import type { StudioApi } from '../../src/worker/studioApi'
import { recordedStudio } from '../../src/worker/recordedStudio'

const step = { parent: null, prompt: 'q', completion: 'c', tokens: null, thought: '', is_truncated: false }
const recording: Recording = {
  version: 1,
  recorded_at: '2026-01-01T00:00:00.000Z',
  adapter: { vendor: 'v', architecture: 'a', device: '', description: 'Test adapter', isSoftware: true, features: [], limits: {} },
  run: {
    run: {
      version: 1,
      run_id: 'run-1',
      title: 'Story',
      kind: 'story',
      algorithm: 'ppo',
      config: {},
      model: { id: 'starter', sha256: '' },
      data: [],
      seed: 1,
      adapter: null,
      world_hash: null,
      created_at: '2026-01-01T00:00:00.000Z',
      finished_at: null,
      status: 'finished',
      error: null,
      steps_done: 1,
      adapter_sha256: null,
      notes: [],
      evaluations: [],
    },
    metrics: { step: [], columns: {} },
    metricMeanings: {},
    exam: { before: [], after: [] },
    story: null,
    probe: null,
  },
  trajectories: [
    trajectoryFromSteps({
      trajectory_id: 't1',
      task: { query_id: 'q1', query: 'A question', split: 'practice' },
      steps: [
        { ...step, call: { name: 'a', arguments: {} }, observation: 'ok', is_final: false, truth: { succeeded: true, needed: true } },
        { ...step, parent: 0, call: null, observation: null, is_final: true, truth: null },
      ],
      status: 'solved',
      answer: null,
      budgets: { calls: 5 },
      agent: { strategy: 'cot' },
      source: 'run:run-1',
    }),
  ],
  opinions: [],
  evaluations: [],
  advantages: {},
}

const bytes = new TextEncoder().encode(JSON.stringify(recording))
function serve(files: Readonly<Record<string, Uint8Array<ArrayBuffer> | string>>): void {
  vi.stubGlobal('fetch', (url: URL) => {
    const body = files[url.pathname.split('/starter/')[1] ?? '']
    return Promise.resolve(body === undefined ? new Response('', { status: 404 }) : new Response(body))
  })
}
afterEach(() => {
  vi.unstubAllGlobals()
})
async function open(): Promise<StudioApi> {
  const reply = await recordedStudio('http://localhost/some/path/', null)
  if (!reply.ok) throw new Error(reply.message)
  return reply.value.studio
}

describe('opening the recorded run', () => {
  it('checks the file against the manifest where there is one', async () => {
    serve({ 'recorded-run.json': bytes, 'manifest.json': JSON.stringify({ files: { 'recorded-run.json': { sha256: sha256(bytes) } } }) })
    expect(await recordedStudio('http://localhost/', null)).toMatchObject({
      ok: true,
      value: { runId: 'run-1', verified: true, adapterName: 'Test adapter' },
    })
    serve({ 'recorded-run.json': bytes, 'manifest.json': JSON.stringify({ files: { 'recorded-run.json': { sha256: 'other' } } }) })
    expect(await recordedStudio('http://localhost/', null)).toMatchObject({ ok: false, code: 'hash' })
    serve({ 'recorded-run.json': bytes })
    expect(await recordedStudio('http://localhost/', null)).toMatchObject({ ok: true, value: { verified: false } })
  })
  it('says so when the build has none, or it cannot be read', async () => {
    serve({})
    expect(await recordedStudio('http://localhost/', null)).toMatchObject({ ok: false, code: 'no-recording' })
    serve({ 'recorded-run.json': '{"version":1}' })
    expect(await recordedStudio('http://localhost/', null)).toMatchObject({ ok: false, code: 'recording' })
  })
})

describe('the studio over a recorded run', () => {
  it('labels in memory: a person wins, and can take it back', async () => {
    serve({ 'recorded-run.json': bytes })
    const studio = await open()
    const success = await studio.labels.add([{ trajectory_id: 't1', step: 0, name: 'success', value: 1 }], 'me')
    expect(success).toMatchObject({ ok: true, value: { resolved: [{ value: null }, { value: null }] } })
    const both = await studio.labels.add([{ trajectory_id: 't1', step: 0, name: 'contribution', value: 4 }], 'me')
    expect(both).toMatchObject({ ok: true, value: { resolved: [{ value: 0.9, from: 'HUMAN', annotatorId: 'me' }, { value: null }] } })
    const id = both.ok ? (both.value.opinions.at(-1)?.opinion_id ?? '') : ''
    expect(await studio.labels.undo(id)).toMatchObject({ ok: true, value: { resolved: [{ value: null }, { value: null }] } })
    expect(await studio.labels.add([{ trajectory_id: 't1', step: 9, name: 'success', value: 1 }], 'me')).toMatchObject({ ok: false })
    expect(await studio.labels.add([{ trajectory_id: 't1', step: 0, name: 'success', value: 7 }], 'me')).toMatchObject({ ok: false })
  })
  it('shows its run, its practice as a data set, and says why it cannot train', async () => {
    serve({ 'recorded-run.json': bytes })
    const studio = await open()
    const [dataset] = await studio.datasets.list()
    expect(dataset).toMatchObject({ trajectories: 1, steps: 2 })
    expect(await studio.trajectories.list({ dataset_id: dataset?.dataset_id ?? '' })).toHaveLength(1)
    expect(await studio.runs.get('run-1')).toMatchObject({ ok: true })
    expect(await studio.jobs.start({ kind: 'story', seed: 1, size: null })).toMatchObject({ ok: false, code: 'recorded' })
  })
})

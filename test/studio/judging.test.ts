import { afterEach, expect, test, vi } from 'vitest'
import { createMemoryStore } from '../../src/storage/memoryStore'
import { file, openTestStudio, type TestStudio } from './testStudio'

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
test('a judge is counted first, asked after, and its key goes nowhere', async () => {
  const asked: { url: string; body: string; key: string }[] = []
  const answer = (body: string): unknown => {
    const count = Number(/The (\d+) intermediate steps/.exec(body)?.[1] ?? 0)
    const marks = {
      succeed_tool_calling: Array.from({ length: count }, () => 1),
      contribution_to_final_answer: Array.from({ length: count }, () => 5),
      final_answer_status: 'Solved',
    }
    return {
      choices: [
        {
          message: {
            content: null,
            tool_calls: [{ id: '1', function: { name: 'evaluate_process_reward', arguments: JSON.stringify(marks) } }],
          },
          finish_reason: 'tool_calls',
        },
      ],
    }
  }
  const store = createMemoryStore()
  open = await openTestStudio(
    {
      fetch: (url, init) => {
        const body = typeof init?.body === 'string' ? init.body : ''
        asked.push({ url, body, key: String(new Headers(init?.headers).get('authorization')) })
        return Promise.resolve(new Response(JSON.stringify(answer(body)), { headers: { 'content-type': 'application/json' } }))
      },
    },
    store,
  )
  const { studio, events } = open
  const dataset = await studio.datasets.importFile(file('sample.csv', await studio.datasets.sampleCsv()))
  const datasetId = dataset.ok ? dataset.value.dataset_id : ''
  const ids = (await studio.trajectories.list({ dataset_id: datasetId })).slice(0, 3).map(({ trajectory_id }) => trajectory_id)
  const settings = { baseUrl: 'https://judge.example/v1', model: 'gpt-x', apiKey: 'sk-secret-123', repeats: 2, temperature: 0 }
  expect(await studio.judges.plan(datasetId, ids, settings)).toMatchObject({
    ok: true,
    value: { calls: 6, host: 'judge.example', trajectories: 3 },
  })
  expect(asked).toEqual([])
  expect(await studio.judges.plan(datasetId, ids, { ...settings, repeats: 0 })).toMatchObject({ ok: false, code: 'settings' })
  expect(await studio.judges.test(settings)).toMatchObject({ ok: true })
  const job = await studio.jobs.start({ kind: 'judge', dataset_id: datasetId, trajectory_ids: ids, settings })
  if (!job.ok) throw new Error(job.message)
  expect(await open.finished(job.value.job_id)).toMatchObject({ state: 'finished', kind: 'judge', done: 6, total: 6 })
  expect(asked).toHaveLength(7)
  expect(asked.every(({ key }) => key === 'Bearer sk-secret-123')).toBe(true)
  const labels = await studio.labels.get(ids[0] ?? '')
  expect(labels.opinions.filter(({ annotator_kind }) => annotator_kind === 'LLM').map(({ repeat }) => repeat)).toEqual(
    expect.arrayContaining([0, 1]),
  )
  // The file's own rewards still stand before the judge's.
  expect(labels.resolved[0]?.annotatorId).toBe('imported:sample.csv')
  // Judged once, asked no more.
  const again = await studio.jobs.start({ kind: 'judge', dataset_id: datasetId, trajectory_ids: ids, settings })
  if (!again.ok) throw new Error(again.message)
  await open.finished(again.value.job_id)
  expect(asked).toHaveLength(7)
  expect(events.filter((event) => event.type === 'network').map(({ url, status }) => [url, status])[0]).toEqual([
    'https://judge.example/v1/chat/completions',
    200,
  ])
  const everything = JSON.stringify([
    events,
    await studio.jobs.list(),
    await studio.runs.list(),
    (await store.opinions.listOf(ids[0] ?? '')).records,
  ])
  expect(everything).not.toContain('sk-secret')
})

test('a judge that cannot be reached is one sentence', async () => {
  const { studio, datasetId, finished } = await imported({
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, Math.min(ms, 100))),
  })
  const job = await studio.jobs.start({
    kind: 'judge',
    dataset_id: datasetId,
    trajectory_ids: [],
    settings: { baseUrl: 'http://localhost:9/v1', model: 'm', apiKey: '', repeats: 1, temperature: 0 },
  })
  if (!job.ok) throw new Error(job.message)
  const last = await finished(job.value.job_id)
  expect(last.state).toBe('failed')
  expect(last.error).toMatch(/No connection to localhost:9.*Nothing was judged\.$/)
})

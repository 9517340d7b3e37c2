/** The query cache: labels under quick key presses, answers under a stream of events. */
import { describe, expect, test, vi } from 'vitest'
import { closedStudio } from '../../src/worker/closedStudio'
import type { LabelState, NewOpinion } from '../../src/worker/protocol'
import type { StudioApi } from '../../src/worker/studioApi'
import { createQueryClient, studioKey } from '../../src/ui/queries/client'
import { withCells } from '../../src/ui/queries/exams'
import { withJob } from '../../src/ui/queries/jobs'
import { LABEL_MUTATION, labelMutation, labelQuery, withPending, type LabelChange } from '../../src/ui/queries/labels'
import { createLabelView, fetchLabels } from '../../src/ui/queries/labelView'
import { createRefresh } from '../../src/ui/queries/studioEvents'
import { opinionRows } from '../../src/annotation/opinions'
import { resolveRewards } from '../../src/annotation/resolver'
import { trajectoryOf } from '../support/builders'

const trajectory = trajectoryOf([{ completion: 'a' }, { completion: 'b', is_final: false }], { query: '' })
const time = (): string => '2026-01-01T00:00:00Z'
const row = (name: 'success' | 'contribution', value: number): NewOpinion => ({ trajectory_id: 't', step: 0, name, value })
const change = (...rows: NewOpinion[]): LabelChange => ({ trajectory, rows, annotator: 'me' })

/** A studio whose answers to `labels.add` come when the test says so. */
function slowStudio() {
  let opinions: LabelState['opinions'] = []
  let made = 0
  const waiting: (() => void)[] = []
  const state = (): LabelState => ({ opinions, resolved: resolveRewards(trajectory, opinions) })
  const parts = { newId: () => `op-${(made += 1)}`, now: time }
  const studio: StudioApi = {
    ...closedStudio,
    connect: () => Promise.reject(new Error('not used')),
    labels: {
      ...closedStudio.labels,
      get: () => Promise.resolve(state()),
      add: async (rows, annotator) => {
        await new Promise<void>((resolve) => waiting.push(resolve))
        if (rows.some(({ value }) => value === 5)) return { ok: false, code: 'value', message: 'Refused.' }
        const news = rows.map(({ rationale = '', ...one }) => ({ ...one, rationale }))
        opinions = [...opinions, ...opinionRows(news, { kind: 'HUMAN', id: annotator }, opinions, parts)]
        return { ok: true, value: state() }
      },
    },
  }
  return { studio, waiting, state }
}

const summary = (state: LabelState | undefined): (number | null)[] => (state?.opinions ?? []).map(({ value }) => value)

describe('two quick key presses', () => {
  test('are stored one after the other, shown at once, and never overwrite each other', async () => {
    const client = createQueryClient()
    const { studio, waiting } = slowStudio()
    await client.query(labelQuery(studio, 't'))
    const store = (given: LabelChange) => client.getMutationCache().build(client, labelMutation(client, studio)).execute(given)
    const shown = (): LabelState | undefined => {
      const pending = client.getMutationCache().findAll({ mutationKey: LABEL_MUTATION, status: 'pending' })
      const stored = new Map([['t', client.getQueryData<LabelState>(labelQuery(studio, 't').queryKey) as LabelState]])
      return withPending(
        stored,
        pending.map((mutation) => mutation.state.variables as LabelChange),
        time,
      ).get('t')
    }
    const both = [store(change(row('success', 1))), store(change(row('contribution', 3)))]
    await vi.waitFor(() => {
      expect(waiting.length).toBe(1)
    })
    expect(summary(shown())).toEqual([1, 3])
    expect(shown()?.resolved[0]?.value).toBeCloseTo(0.8)
    // A fetch that was asked before the first answer comes in with what is older, and is dropped.
    const stale = client.query({ ...labelQuery(studio, 't'), staleTime: 0 }).catch(() => null)
    waiting.shift()?.()
    await both[0]
    await stale
    await vi.waitFor(() => {
      expect(waiting.length).toBe(1)
    })
    expect(summary(shown())).toEqual([1, 3])
    waiting.shift()?.()
    await both[1]
    expect(summary(client.getQueryData(labelQuery(studio, 't').queryKey))).toEqual([1, 3])
  })

  test('a refused one is taken back alone', async () => {
    const client = createQueryClient()
    const { studio, waiting } = slowStudio()
    await client.query(labelQuery(studio, 't'))
    const store = (given: LabelChange) => client.getMutationCache().build(client, labelMutation(client, studio)).execute(given)
    const refused = store(change(row('contribution', 5)))
    const stored = store(change(row('success', 1)))
    await vi.waitFor(() => {
      expect(waiting.length).toBe(1)
    })
    waiting.shift()?.()
    await expect(refused).rejects.toThrow('Refused.')
    await vi.waitFor(() => {
      expect(waiting.length).toBe(1)
    })
    waiting.shift()?.()
    await stored
    expect(summary(client.getQueryData(labelQuery(studio, 't').queryKey))).toEqual([1])
    expect(client.getMutationCache().findAll({ status: 'pending' })).toEqual([])
  })
})

test('fetched labels come into one map; when they become invalid they are asked for in a new round', async () => {
  const client = createQueryClient()
  const { studio } = slowStudio()
  // Another question brought this one before.
  await client.query(labelQuery(studio, 'a'))
  const view = createLabelView(client, studio)
  expect([...view.snapshot().byId.keys()]).toEqual(['a'])
  await fetchLabels(client, studio, ['a', 'b'], new AbortController().signal)
  await vi.waitFor(() => {
    expect([...view.snapshot().byId.keys()]).toEqual(['a', 'b'])
  })
  await client.invalidateQueries({ queryKey: ['labels'] })
  await vi.waitFor(() => {
    expect(view.snapshot().round).toBe(1)
  })
})

test('no label is missing from the map, in whatever order and time answers come, and however often the list changes', async () => {
  const ids = Array.from({ length: 60 }, (_, index) => `t${index}`)
  const client = createQueryClient()
  // Of each answer another time: later ones overtake earlier ones, and come while earlier ones are being drawn.
  const get = async (id: string): Promise<LabelState> => {
    await new Promise((resolve) => setTimeout(resolve, (Number(id.slice(1)) * 7) % 11))
    return { opinions: [], resolved: [] }
  }
  const { studio } = slowStudio()
  const slow: StudioApi = { ...studio, labels: { ...studio.labels, get } }
  const view = createLabelView(client, slow)
  let abort = new AbortController()
  for (const list of [ids, [...ids.slice(30), ...ids.slice(0, 30)], ids.toReversed()]) {
    abort.abort()
    abort = new AbortController()
    void fetchLabels(client, slow, list, abort.signal)
    await new Promise((resolve) => setTimeout(resolve, 15))
  }
  await vi.waitFor(
    () => {
      expect([...view.snapshot().byId.keys()].sort()).toEqual([...ids].sort())
    },
    { timeout: 10_000 },
  )
})

test('an event during a fetch is neither lost nor does it cancel the fetch', async () => {
  const client = createQueryClient()
  const answers: (() => void)[] = []
  let asked = 0
  const { QueryObserver } = await import('@tanstack/react-query')
  const observer = new QueryObserver(client, {
    queryKey: ['runs', 'list', 'x'],
    queryFn: async () => {
      asked += 1
      const mine = asked
      await new Promise<void>((resolve) => answers.push(resolve))
      return mine
    },
  })
  const stop = observer.subscribe(() => undefined)
  const refresh = createRefresh(client)
  const first = refresh(['runs', 'list'])
  void refresh(['runs', 'list'])
  void refresh(['runs', 'list'])
  answers.shift()?.()
  await vi.waitFor(() => {
    expect(answers.length).toBe(1)
  })
  expect(client.getQueryData(['runs', 'list', 'x'])).toBe(1)
  answers.shift()?.()
  await vi.waitFor(() => {
    if (answers.length > 0) answers.shift()?.()
    expect(client.isFetching()).toBe(0)
  })
  await first
  expect(asked).toBeLessThanOrEqual(3)
  expect(client.getQueryData(['runs', 'list', 'x'])).toBe(asked)
  stop()
})

test('cells that stream in lie over recorded ones; an unanswered cell hides nothing', () => {
  const cell = (id: string, status: 'solved' | 'unsolved' | null) => ({
    ...{ query_id: id, group: '', text: '', calls: 0, trajectory_id: null },
    status,
  })
  const exam = withCells({ cells: [cell('a', 'solved'), cell('b', null)], total: 2 }, [cell('a', null), cell('b', 'unsolved')], 3)
  expect(exam.cells.map(({ status }) => status)).toEqual(['solved', 'unsolved'])
  expect(exam.total).toBe(3)
})

test('a job keeps its place when a newer snapshot comes', () => {
  const job = (id: string, done: number) => ({
    ...{ job_id: id, run_id: id, kind: 'train' as const, title: '', state: 'running' as const, phase: 'training' as const },
    ...{ done, total: 9, tokensPerSecond: null, etaSeconds: null, dispatches: 0, message: '', error: null },
  })
  expect(withJob([job('a', 1), job('b', 1)], job('a', 2)).map(({ job_id, done }) => [job_id, done])).toEqual([
    ['a', 2],
    ['b', 1],
  ])
})

test('another studio has another key', () => {
  const studios = [slowStudio().studio, slowStudio().studio]
  expect(new Set(studios.map(studioKey)).size).toBe(2)
})

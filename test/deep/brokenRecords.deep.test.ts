/** A record that a page cannot draw: whatever the page, it names the record, offers the text to copy, and the rest goes on. */
import type { Page } from 'playwright'
import { expect, it } from 'vitest'
import type { EvaluationRecord } from '../../src/records/evaluation'
import { pages } from '../../src/ui/pages'
import { openApp } from '../support/app'
import { aDataset, aRun, trajectoryOf } from '../support/builders'
import { looksRight } from '../support/looks'
import { putRecords } from '../support/stored'

const WAIT = { timeout: 60_000 }

/**
 * Breaks what the page is handed: the schemas let no such record through, so it is spoiled on its way from the worker. Runs in the page,
 * before its own code.
 */
function spoilRecords(): void {
  type Fields = Record<string, unknown>
  const spoil = (value: Fields): void => {
    if (value.run_id === 'run-bad' && 'steps_done' in value) Object.assign(value, { model: null, config: null, notes: null })
    if (value.dataset_id === 'ds-bad' && 'format' in value) Object.assign(value, { problems: null })
    if (value.trajectory_id === 'traj-bad' && 'nodes' in value) Object.assign(value, { nodes: null })
    if (value.evaluation_id === 'eval-bad' && 'judge' in value) Object.assign(value, { judge: 7 })
    if (value.model_id === 'starter' && 'adapters' in value) Object.assign(value, { parameters: {}, config: null, sizes: null, origin: {} })
    if (value.name === 'ds-bad' && 'bytes' in value && !('format' in value)) Object.assign(value, { kind: {} })
    if (Array.isArray(value.tools))
      for (const tool of value.tools as Fields[]) if ('category' in tool) Object.assign(tool, { parameters: 7 })
  }
  const walk = (value: unknown, depth: number): void => {
    if (typeof value !== 'object' || value === null || depth > 6 || ArrayBuffer.isView(value)) return
    if (!Array.isArray(value)) spoil(value as Fields)
    for (const inner of Object.values(value)) walk(inner, depth + 1)
  }
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its own receiver
  const listen = EventTarget.prototype.addEventListener
  EventTarget.prototype.addEventListener = function (
    this: EventTarget,
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ) {
    const first =
      type === 'message' && typeof listener === 'function'
        ? (event: Event) => {
            walk((event as MessageEvent).data, 0)
            listener.call(this, event)
          }
        : listener
    listen.call(this, type, first, options)
  }
}

const evaluation: EvaluationRecord = {
  ...{ version: 1, evaluation_id: 'eval-bad', title: 'The spoiled evaluation', benchmark: 'starter', split: 'exam', strategy: 'cot' },
  ...{ call_budget: 6, temperature: 0, judge: 'exact', prompt_hash: null, world_hash: null, seed: 1, created_at: '2026-01-01T00:00:00Z' },
  model: { id: 'starter', adapter_sha256: null },
  rows: ['a', 'b'].map((query_id) => ({
    ...{ query_id, group: 'g', repeat: 0, status: 'solved' as const, calls: 1, recall: 1, tokens: 3, copied_calls: 0, copy_calls: 0 },
    trajectory_id: `run-ok/before-${query_id}`,
  })),
}

async function store(page: Page): Promise<void> {
  const bad = { ...trajectoryOf([{ completion: 'one' }]), trajectory_id: 'traj-bad' }
  const good = { ...trajectoryOf([{ completion: 'two' }]), trajectory_id: 'traj-ok' }
  await putRecords(page, [
    { store: 'datasets', id: 'ds-bad', owner: '', value: { ...aDataset('ds-bad'), name: 'The spoiled data set' } },
    { store: 'datasets', id: 'ds-ok', owner: '', value: { ...aDataset('ds-ok'), name: 'The other data set' } },
    { store: 'runs', id: 'run-bad', owner: '', value: { ...aRun('run-bad', 'The spoiled run'), status: 'finished' } },
    { store: 'runs', id: 'run-ok', owner: '', value: { ...aRun('run-ok', 'The other run'), status: 'finished' } },
    { store: 'evaluations', id: 'eval-bad', owner: '', value: evaluation },
    ...[bad, good].map((value) => ({ store: 'trajectories', id: value.trajectory_id, owner: 'dataset:ds-ok', value }) as const),
  ])
}

/** For each page of the catalogue: where it shows the spoiled record, and what it must call it. null: it shows no record. */
const PLACES: Readonly<Record<string, { readonly at: string; readonly named: readonly string[] } | null>> = {
  '/': { at: '', named: ['The spoiled run', 'run-bad'] },
  '/story/:runId': { at: 'story/run-bad', named: ['The spoiled run', 'run-bad'] },
  '/data': { at: 'data', named: ['The spoiled data set', 'ds-bad'] },
  '/label': { at: 'label?dataset=ds-ok&id=traj-bad', named: ['traj-bad'] },
  '/train': { at: 'train', named: ['The spoiled run', 'run-bad'] },
  '/train/new': { at: 'train/new?from=run-bad', named: ['The spoiled run', 'run-bad'] },
  '/train/compare': { at: 'train/compare?runs=run-bad,run-ok', named: ['The spoiled run', 'run-bad'] },
  '/train/run/:runId': { at: 'train/run/run-bad', named: ['The spoiled run', 'run-bad'] },
  '/trajectories': { at: 'trajectories?dataset=ds-ok&id=traj-bad', named: ['traj-bad'] },
  '/evaluate': { at: 'evaluate', named: ['The spoiled evaluation', 'eval-bad'] },
  '/models': { at: 'models', named: ['starter'] },
  '/tools': { at: 'tools?tool=spoiled', named: ['spoiled'] },
  '/glossary': null,
  '/settings': { at: 'settings', named: ['The spoiled data set', 'ds-bad'] },
}

it('every page of the catalogue names the record that it cannot show', async () => {
  expect(Object.keys(PLACES).toSorted()).toEqual(pages.map(({ path }) => path).toSorted())
  const { page, url } = await openApp('#/data', { viewport: { width: 1360, height: 900 } })
  await page.getByTestId('drop-zone').waitFor(WAIT)
  await store(page)
  await page.addInitScript(spoilRecords)
  await page.reload()
  for (const [path, place] of Object.entries(PLACES)) {
    if (place === null) continue
    await page.goto(`${url}/#/${place.at}`)
    const problem = page.locator('main').locator('[data-testid=record-problem], [role=alert]').first()
    await problem.waitFor(WAIT)
    for (const name of place.named) expect(await problem.innerText(), path).toContain(name)
    expect(await page.locator('main').getByRole('button', { name: /^Copy/ }).count(), `${path}: copy`).toBeGreaterThan(0)
  }
  for (const at of ['train/run/run-bad', 'story/run-bad', 'train/compare?runs=run-bad,run-ok', 'train/new?from=run-bad']) {
    await page.goto(`${url}/#/${at}`)
    await page.getByRole('button', { name: 'Back to the list' }).click(WAIT)
    await page.getByText('This page stopped working').waitFor({ ...WAIT, state: 'detached' })
    await page.locator('main h1').first().waitFor(WAIT)
  }
  await page.goto(`${url}/#/train`)
  await page.getByRole('link', { name: 'The other run' }).waitFor(WAIT)
  await looksRight(page, 'broken-run-row', { fullPage: false })
  await page.goto(`${url}/#/train/run/run-bad`)
  await page.getByRole('button', { name: 'Back to the list' }).waitFor(WAIT)
  await looksRight(page, 'broken-run', { fullPage: false })
  await page.context().close()
}, 300_000)

/** Odd records in the browser: every page opens with each of them, and a record that cannot be drawn is named while the others go on. */
import type { Page } from 'playwright'
import { expect, it } from 'vitest'
import type { Trajectory } from '../../src/records/trajectory'
import { openApp } from '../support/app'
import { looksRight, settled } from '../support/looks'
import { aRun } from '../support/builders'
import { putRecords, type StoredRow } from '../support/stored'
import { oddDataset, oddOpinions, oddTrajectories } from '../support/oddRecords'

const WAIT = { timeout: 60_000 }

const rowsOf = (owner: string, trajectories: readonly Trajectory[]): StoredRow[] =>
  trajectories.flatMap((one, index) => [
    { store: 'trajectories', id: one.trajectory_id, owner, value: one } as const,
    ...oddOpinions(one, index).map((row) => ({ store: 'opinions', id: row.opinion_id, owner: one.trajectory_id, value: row }) as const),
  ])

/** The page shows something of its own, and no boundary has taken its place. */
async function stands(page: Page, what: string): Promise<void> {
  await settled(page)
  expect(await page.getByText('This page stopped working').count(), what).toBe(0)
  expect(await page.getByTestId('record-problem').count(), what).toBe(0)
  expect(await page.locator('main h1').count(), what).toBeGreaterThan(0)
}

it('every page opens with every odd record, of a data set and of a run', async () => {
  const { page, url, problems } = await openApp('#/data', { viewport: { width: 1360, height: 900 } })
  await page.getByTestId('drop-zone').waitFor(WAIT)
  const inDataset = oddTrajectories('ds-odd', 24, 14)
  const inRun = oddTrajectories('run-odd', 24, 15).map((one) => ({ ...one, task: { ...one.task, split: 'practice' } }))
  const name = '\u202e\u001b[31m' + 'n'.repeat(5000)
  await putRecords(page, [
    { store: 'datasets', id: 'ds-odd', owner: '', value: oddDataset('ds-odd', inDataset, 14) },
    { store: 'runs', id: 'run-odd', owner: '', value: { ...aRun('run-odd', name), status: 'finished', notes: [name], error: name } },
    ...rowsOf('dataset:ds-odd', inDataset),
    ...rowsOf('run:run-odd', inRun),
  ])
  await page.reload()
  for (const tab of ['rows', 'preview', 'batch', 'profile', 'problems']) {
    await page.goto(`${url}/#/data?dataset=ds-odd&tab=${tab}`)
    await page.getByTestId('dataset-card').waitFor(WAIT)
    await stands(page, `data, ${tab}`)
  }
  for (const [source, list] of [
    ['dataset=ds-odd', inDataset],
    ['run=run-odd', inRun],
  ] as const)
    for (const path of ['trajectories', 'label']) {
      await page.goto(`${url}/#/${path}?${source}`)
      await page.getByTestId('trajectory-row').first().waitFor(WAIT)
      await stands(page, `${path} of ${source}`)
      for (const { trajectory_id: id } of list) {
        await page.goto(`${url}/#/${path}?${source}&${new URLSearchParams({ id, step: '3' }).toString()}`)
        await stands(page, `${path} of ${JSON.stringify(id)}`)
      }
    }
  const compared = inRun.slice(0, 4).map((one) => one.trajectory_id)
  await page.goto(`${url}/#/trajectories?run=run-odd&${new URLSearchParams({ compare: compared.join(',') }).toString()}`)
  await stands(page, 'a comparison')
  await page.goto(`${url}/#/trajectories?run=run-odd`)
  await page.getByRole('combobox', { name: 'Tool' }).click()
  await page.getByRole('option').first().waitFor(WAIT)
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await stands(page, 'a tool')
  await looksRight(page, 'odd-trajectories', { fullPage: false })
  for (const path of [
    '',
    'train',
    'train/run/run-odd',
    'train/new',
    'train/new?data=run%3Arun-odd',
    'evaluate',
    'models',
    'tools',
    'settings',
  ]) {
    await page.goto(`${url}/#/${path}`)
    await stands(page, path)
  }
  // What the schema or the network refuses is a problem of its own; nothing here may break a page.
  expect(problems.filter((problem) => problem.startsWith('page error'))).toEqual([])
  await page.context().close()
}, 600_000)

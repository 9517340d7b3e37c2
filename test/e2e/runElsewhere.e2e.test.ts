/** A run that another tab works on: its page says so, and since when. */
import { expect, it } from 'vitest'
import { openApp } from '../support/app'
import { looksRight } from '../support/looks'
import { storedRecords } from '../support/stored'

const WAIT = { timeout: 120_000 }

it('the page of a run that another tab works on says since when, until that tab is closed', async () => {
  const { page, url } = await openApp('', { viewport: { width: 1360, height: 900 } })
  await page.getByTestId('start-button').click(WAIT)
  await expect.poll(async () => (await storedRecords(page, 'runs')).length, WAIT).toBe(1)
  const runId = String((await storedRecords(page, 'runs'))[0]?.run_id)
  const other = await page.context().newPage()
  await other.setViewportSize({ width: 1360, height: 900 })
  await other.goto(`${url}/#/train/run/${runId}`)
  const owner = other.getByText(/^This run is at work in another tab, since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\.$/)
  await owner.waitFor(WAIT)
  await looksRight(other, 'run-elsewhere', { fullPage: false })
  await page.close()
  await expect.poll(async () => (await other.locator('main').innerText()).includes('This run is at work'), WAIT).toBe(true)
  await other.reload()
  await other.locator('main h1').waitFor(WAIT)
  await expect.poll(async () => await owner.count(), WAIT).toBe(0)
  await other.context().close()
}, 300_000)

/** The labelling screen on the sample file, as the project's README shows it. */
import { expect, it } from 'vitest'
import { sampleCsv } from '../../src/data/sampleCsv'
import { openApp } from '../support/app'
import { looksRight } from '../support/looks'

it('the sample file is imported and labelled on one screen, by day, by night and on a phone', async () => {
  const { page, url, problems } = await openApp('#/data', { colorScheme: 'light', viewport: { width: 1360, height: 900 } })
  const csv = { name: 'sample.csv', mimeType: 'text/csv', buffer: Buffer.from(sampleCsv()) }
  await page.getByTestId('drop-zone').waitFor({ timeout: 60_000 })
  await page.locator('input[type=file]').first().setInputFiles(csv)
  await page.getByTestId('dataset-card').first().waitFor({ timeout: 60_000 })
  await page.goto(`${url}/#/label`)
  await page.getByTestId('trajectory-row').first().waitFor({ timeout: 60_000 })
  await page.getByText('What this label does to the').first().waitFor({ timeout: 60_000 })
  await page.getByText('with this label').first().waitFor({ timeout: 60_000 })
  await looksRight(page, 'label-sample', { fullPage: false })
  expect(problems).toEqual([])
  await page.context().close()
}, 180_000)

/** The recipe on a run's page: a link to what the run began from, and a hash that is shown short and copied whole. */
import { expect, it } from 'vitest'
import { openApp } from '../support/app'
import { aRun } from '../support/builders'
import { looksRight } from '../support/looks'
import { putRecords } from '../support/stored'

it('names and links the run it began from, and copies the whole hash', async () => {
  const { page, url, problems } = await openApp('#/train', { viewport: { width: 1360, height: 900 } })
  await page.getByRole('heading', { level: 1 }).waitFor({ timeout: 60_000 })
  await expect.poll(() => page.getByText('No runs yet.').count(), { timeout: 60_000 }).toBe(1)
  const hash = '0123456789abcdef'.repeat(4)
  const first = { ...aRun('run-first', 'GRPO on practice'), status: 'finished', finished_at: '2026-01-01' }
  const config = { lora_r: 8, init_adapter: 'run-first', init_adapter_sha256: hash }
  const notes = [`It started from run-first (SHA-256 ${hash.slice(0, 12)}).`]
  const second = { ...aRun('run-second', 'PPO on practice'), status: 'finished', finished_at: '2026-01-01', config, notes }
  await putRecords(
    page,
    [first, second].map((value) => ({ store: 'runs', id: value.run_id, owner: '', value }) as const),
  )
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  await page.goto(`${url}/#/train/run/run-second`)
  await page.getByText('This run has no metrics').waitFor({ timeout: 60_000 })
  await page.getByText('Recipe: 3 settings').click({ timeout: 60_000 })
  await page.getByRole('link', { name: 'GRPO on practice' }).waitFor()
  expect(await page.locator('main').innerText()).toContain('It started from “GRPO on practice”')
  expect(await page.locator('main').innerText()).not.toContain(hash)
  await looksRight(page, 'recipe', { fullPage: true })
  await page.getByRole('button', { name: 'Copy init_adapter_sha256' }).click()
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(hash)
  await page.getByRole('link', { name: 'GRPO on practice' }).click()
  await page.getByRole('heading', { level: 1, name: 'GRPO on practice' }).waitFor()
  expect(problems).toEqual([])
  await page.context().close()
}, 180_000)

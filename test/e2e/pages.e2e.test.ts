/** Every page, with and without WebGPU: axe-clean in light and dark, nothing wider than a phone, nothing asked of other servers. */
import { expect, it } from 'vitest'
import { pages } from '../../src/ui/pages'
import { openApp } from '../support/app'
import { axeViolations } from '../support/axe'
import { looksRight } from '../support/looks'

/** The pages of the rail, by their addresses. */
const addresses = pages.flatMap(({ path, navigation }) => (navigation && !path.includes(':') ? [path === '/' ? '' : `#${path}`] : []))
const nameOf = (hash: string): string => hash.replace('#/', '') || 'home'

it.each(addresses)('page %s: axe-clean in light and dark, no wider than 390 pixels', async (hash) => {
  const { page, problems } = await openApp(hash, { colorScheme: 'light', viewport: { width: 1360, height: 900 } })
  await page.getByRole('heading', { level: 1 }).waitFor({ timeout: 60_000 })
  await looksRight(page, nameOf(hash), { fullPage: false })
  expect(problems).toEqual([])
  await page.context().close()
})

it('a new evaluation says what its tokens are drawn among', async () => {
  const { page, problems } = await openApp('#/evaluate', { colorScheme: 'light', viewport: { width: 1360, height: 900 } })
  await page.getByRole('button', { name: 'New evaluation' }).first().click({ timeout: 60_000 })
  const filters = page.getByTestId('sampling-filters')
  await filters.getByText('Sampling: among all tokens').click()
  for (const [name, text] of [
    ['top_p', '0.9'],
    ['repetition_penalty', '1.1'],
  ] as const) {
    await filters.getByLabel(name).fill('')
    // Key by key, as people type: "0" alone is no top_p.
    await filters.getByLabel(name).pressSequentially(text)
  }
  await page.getByLabel('Temperature').fill('')
  await page.getByLabel('Temperature').pressSequentially('0.7')
  expect(await page.getByLabel('Temperature').inputValue()).toBe('0.7')
  expect(await filters.locator('summary').innerText()).toBe('Sampling: top_p 0.9, repetition_penalty 1.1')
  await looksRight(page, 'new-evaluation', { fullPage: false })
  expect(problems).toEqual([])
  await page.context().close()
})

it('without WebGPU the page says why it cannot train, and what to do', async () => {
  const { page, problems } = await openApp('', { webgpu: false })
  await page.getByTestId('no-gpu').waitFor({ timeout: 60_000 })
  const text = await page.getByTestId('no-gpu').innerText()
  expect(text).toMatch(/WebGPU/)
  expect(await page.getByTestId('no-gpu').getByRole('button', { name: /copy/i }).count()).toBeGreaterThan(0)
  expect(await axeViolations(page)).toEqual([])
  expect(problems).toEqual([])
  await page.context().close()
})

it('a worker that does not answer is said, and restarting it brings the studio back', async () => {
  const { page } = await openApp('', { colorScheme: 'light', viewport: { width: 1360, height: 900 } })
  await expect.poll(() => page.workers().length, { timeout: 60_000 }).toBe(1)
  await page.getByRole('button', { name: /Start/ }).first().waitFor({ timeout: 60_000 })
  const held = page.workers()[0]
  void held
    ?.evaluate(() => {
      for (const until = Date.now() + 120_000; Date.now() < until;);
    })
    .catch(() => undefined)
  const banner = page.getByTestId('silent-worker')
  await banner.waitFor({ timeout: 60_000 })
  expect(await banner.innerText()).toMatch(/has not answered for/)
  await looksRight(page, 'silent-worker', { fullPage: false })
  await banner.getByRole('button', { name: 'Restart the studio' }).click()
  await banner.waitFor({ state: 'detached', timeout: 60_000 })
  await page.goto(`${page.url().split('#')[0] ?? ''}#/models`)
  await page.getByTestId('model-card').first().waitFor({ timeout: 90_000 })
  await page.context().close()
})

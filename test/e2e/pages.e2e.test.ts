/** Every page, with and without WebGPU: axe-clean in light and dark, nothing wider than a phone, nothing asked of other servers. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openApp } from '../support/app'
import { axeViolations, overflow } from '../support/axe'
import { projectRoot } from '../support/sources'

const pages = ['', '#/data', '#/label', '#/train', '#/trajectories', '#/evaluate', '#/models', '#/tools', '#/settings'] as const
const screenshots = join(projectRoot, 'test/output')
mkdirSync(screenshots, { recursive: true })
const nameOf = (hash: string): string => hash.replace('#/', '') || 'home'

it.each(pages)('page %s: axe-clean in light and dark, no wider than 390 pixels', async (hash) => {
  const { page, problems } = await openApp(hash, { colorScheme: 'light', viewport: { width: 1360, height: 900 } })
  await page.getByRole('heading', { level: 1 }).waitFor({ timeout: 60_000 })
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    await expect.poll(() => page.locator('html').getAttribute('data-mantine-color-scheme')).toBe(colorScheme)
    await page.waitForTimeout(300)
    expect(await axeViolations(page), colorScheme).toEqual([])
    await page.screenshot({ path: join(screenshots, `${nameOf(hash)}-${colorScheme}.png`) })
  }
  await page.emulateMedia({ colorScheme: 'light' })
  await page.setViewportSize({ width: 390, height: 844 })
  await page.waitForTimeout(300)
  expect(await overflow(page)).toBeLessThanOrEqual(0)
  await page.screenshot({ path: join(screenshots, `${nameOf(hash)}-narrow.png`) })
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

/** Every page, with and without WebGPU: axe-clean in light and dark, nothing wider than a phone, nothing asked of other servers. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openApp } from '../support/app'
import { axeViolations, overflow } from '../support/axe'
import { projectRoot } from '../support/sources'
import { serveStatically } from '../support/staticServer'

const pages = ['', '#/data', '#/label', '#/train', '#/trajectories', '#/evaluate', '#/models', '#/tools', '#/settings'] as const
const screenshots = join(projectRoot, 'test/output')
mkdirSync(screenshots, { recursive: true })
const nameOf = (hash: string): string => hash.replace('#/', '') || 'home'

describe.each(['light', 'dark'] as const)('in %s', (colorScheme) => {
  it.each(pages)('page %s is axe-clean and says what it is', async (hash) => {
    const { page, problems } = await openApp(hash, { colorScheme, viewport: { width: 1360, height: 900 } })
    await page.getByRole('heading', { level: 1 }).waitFor({ timeout: 60_000 })
    await page.waitForTimeout(300)
    expect(await axeViolations(page)).toEqual([])
    await page.screenshot({ path: join(screenshots, `${nameOf(hash)}-${colorScheme}.png`) })
    expect(problems).toEqual([])
    await page.context().close()
  })
})

it.each(pages)('page %s fits a screen of 390 pixels', async (hash) => {
  const { page } = await openApp(hash, { viewport: { width: 390, height: 844 } })
  await page.getByRole('heading', { level: 1 }).waitFor({ timeout: 60_000 })
  await page.waitForTimeout(300)
  expect(await overflow(page)).toBeLessThanOrEqual(0)
  await page.screenshot({ path: join(screenshots, `${nameOf(hash)}-narrow.png`) })
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

it('works under a path of a static server that sets no headers', async () => {
  const { url, server } = await serveStatically('/a/b')
  const { page, problems } = await openApp('#/tools', { at: url })
  await page.getByTestId('tool-row').first().waitFor({ timeout: 60_000 })
  expect(await page.getByTestId('tool-row').count()).toBeGreaterThan(5)
  expect(problems).toEqual([])
  await page.context().close()
  server.close()
})

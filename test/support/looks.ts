/** Looking at a page as people do who wait until it stands still: by day, by night and on a phone. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright'
import { expect } from 'vitest'
import { axeViolations, overflow } from './axe'
import { projectRoot } from './sources'

const screenshots = join(projectRoot, 'test/output')

/** Where a picture of that name goes. */
export function screenshotPath(name: string): string {
  mkdirSync(screenshots, { recursive: true })
  return join(screenshots, `${name}.png`)
}

/** Resolves when no transition is under way and nothing in the document has changed for some frames; of a page that never rests, after five seconds. */
export async function settled(page: Page): Promise<void> {
  await page.evaluate(async () => {
    let changes = 0
    const observer = new MutationObserver(() => (changes += 1))
    observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true })
    const isMoving = (): boolean =>
      document.getAnimations().some(({ playState, effect }) => playState === 'running' && effect?.getComputedTiming().endTime !== Infinity)
    const latest = performance.now() + 5000
    let still = 0
    while (still < 6 && performance.now() < latest) {
      const before = changes
      await new Promise((resolve) => requestAnimationFrame(resolve))
      still = changes === before && !isMoving() ? still + 1 : 0
    }
    observer.disconnect()
  })
}

/** Light, dark and 390 pixels: clean by axe-core, and no wider than the screen; pictures of all three. Left light, as wide as it was. */
export async function looksRight(page: Page, name: string, options: { readonly fullPage: boolean }): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    await expect.poll(() => page.locator('html').getAttribute('data-mantine-color-scheme')).toBe(colorScheme)
    await settled(page)
    expect(await axeViolations(page), `${name} ${colorScheme}`).toEqual([])
    await page.screenshot({ path: screenshotPath(`${name}-${colorScheme}`), ...options })
  }
  await page.emulateMedia({ colorScheme: 'light' })
  const wide = page.viewportSize()
  await page.setViewportSize({ width: 390, height: 844 })
  await settled(page)
  expect(await overflow(page)).toBeLessThanOrEqual(0)
  await page.screenshot({ path: screenshotPath(`${name}-narrow`), ...options })
  if (wide) await page.setViewportSize(wide)
}

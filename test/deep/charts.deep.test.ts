/** Charts in a browser: none stays empty when it has values, wherever and whenever it was mounted. */
import { join } from 'node:path'
import { chromium, type Browser, type Page } from 'playwright'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { build } from 'vite'
import { findChrome } from '../../src/cli/node/chrome'
import { projectRoot } from '../support/sources'

interface Charts {
  readonly charts: {
    mount(): void
    change(state: { readonly isFilled?: boolean; readonly isShown?: boolean; readonly live?: number }): void
    withoutLine(): string[]
  }
}

const WAIT = { timeout: 15_000, interval: 100 }
let browser: Browser
let script = ''

beforeAll(async () => {
  const made = await build({
    ...{ root: projectRoot, configFile: false, logLevel: 'silent', define: { 'process.env.NODE_ENV': '"development"' } },
    build: { write: false, minify: false, lib: { entry: join(projectRoot, 'test/support/chartPage.ts'), formats: ['iife'], name: 'page' } },
  })
  const output = [made].flat().flatMap((one) => ('output' in one ? one.output : []))
  script = output.flatMap((file) => (file.type === 'chunk' ? [file.code] : [])).join('\n')
  const executablePath = findChrome()
  if (executablePath === null) throw new Error('No Chrome or Chromium was found; `npm test` says how to install one.')
  browser = await chromium.launch({ executablePath, headless: true })
}, 120_000)
afterAll(() => browser.close())

/** @param isBehind the tab is in the background: no frame is drawn, and nothing that waits for frames is told of. */
async function openCharts(width: number, isBehind = false): Promise<Page> {
  const page = await browser.newPage({ viewport: { width, height: 700 } })
  await page.setContent('<!doctype html><html lang="en"><title>charts</title><body></body></html>')
  if (isBehind) await page.evaluate(holdFrames)
  await page.addScriptTag({ content: script })
  await page.evaluate(() => {
    ;(window as unknown as Charts).charts.mount()
  })
  return page
}

/** As the browser does in the background: callbacks of frames and observers come when the tab is seen again. */
function holdFrames(): void {
  let isHeld = true
  const waiting: (() => void)[] = []
  const later = (action: () => void): void => {
    if (isHeld) waiting.push(action)
    else action()
  }
  const frame = requestAnimationFrame.bind(window)
  window.requestAnimationFrame = (callback) => {
    later(() => frame(callback))
    return 0
  }
  for (const name of ['ResizeObserver', 'IntersectionObserver'] as const) {
    const Original = window[name] as new (callback: (...values: unknown[]) => void) => object
    Object.assign(window, {
      [name]: class extends Original {
        constructor(callback: (...values: unknown[]) => void) {
          super((...values) => {
            later(() => {
              callback(...values)
            })
          })
        }
      },
    })
  }
  Object.assign(window, {
    letFramesGo: () => {
      isHeld = false
      for (const action of waiting.splice(0)) action()
    },
  })
}

const change = (page: Page, state: Parameters<Charts['charts']['change']>[0]): Promise<void> =>
  page.evaluate((next) => {
    ;(window as unknown as Charts).charts.change(next)
  }, state)
const withoutLine = (page: Page): Promise<string[]> => page.evaluate(() => (window as unknown as Charts).charts.withoutLine())

it.each([1360, 390])('every chart has its line once it is shown and has values, the window %i pixels wide', async (width) => {
  const page = await openCharts(width)
  await expect.poll(() => withoutLine(page).then((names) => names.includes('filled from the start')), WAIT).toBe(false)
  await change(page, { isFilled: true })
  await page.waitForTimeout(600)
  await change(page, { isShown: true })
  await expect.poll(() => withoutLine(page), WAIT).toEqual([])
  await page.close()
})

it('every chart has its line when it is shown first and filled then, without a resize or a scroll', async () => {
  const page = await openCharts(1360)
  await change(page, { isShown: true })
  await page.waitForTimeout(600)
  await change(page, { isFilled: true })
  await expect.poll(() => withoutLine(page), WAIT).toEqual([])
  await page.close()
})

it('a tab that was in the background while its run ended shows every line when it is seen again', async () => {
  const page = await openCharts(1360, true)
  await change(page, { isFilled: true, isShown: true })
  await page.waitForTimeout(3000)
  await page.evaluate(() => {
    ;(window as unknown as { letFramesGo: () => void }).letFramesGo()
  })
  await expect.poll(() => withoutLine(page), WAIT).toEqual([])
  await page.close()
})

it('while values come faster than charts are drawn, no chart on the screen waits without end', async () => {
  const page = await openCharts(1360)
  await page.setViewportSize({ width: 1360, height: 6500 })
  await change(page, { isShown: true })
  await page.waitForTimeout(500)
  for (let step = 2, until = Date.now() + 8000; Date.now() < until; step++) {
    await change(page, { live: step })
    await page.waitForTimeout(20)
    if (step > 40 && (await withoutLine(page)).length === 0) break
  }
  expect(await withoutLine(page)).toEqual([])
  await page.close()
})

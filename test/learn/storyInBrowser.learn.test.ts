/** The whole main job in a real browser: Start, exam, practice, training on WebGPU in a worker, the same exam again. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { openApp } from '../support/app'
import { axeViolations } from '../support/axe'
import { projectRoot } from '../support/sources'
import { storedRecords } from '../support/stored'

const screenshots = join(projectRoot, 'test/output')
const runs = z.array(
  z.object({
    run_id: z.string(),
    kind: z.string(),
    status: z.string(),
    steps_done: z.number(),
    world_hash: z.string().nullable(),
    adapter_sha256: z.object({ before: z.string(), after: z.string().nullable() }).nullable(),
  }),
)
const metricChunks = z.array(
  z.object({ table: z.object({ step: z.array(z.number()), columns: z.record(z.string(), z.array(z.number().nullable())) }) }),
)

it('a newcomer presses Start and the model in the tab learns', async () => {
  mkdirSync(screenshots, { recursive: true })
  const { page, problems } = await openApp('', { viewport: { width: 1360, height: 900 } })
  await page.evaluate(() => {
    const seen = { events: [] as number[], longTasks: [] as number[], isTraining: false }
    Object.assign(window, { honeTiming: seen })
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (seen.isTraining) seen.events.push(entry.duration)
    }).observe({ type: 'event', durationThreshold: 16, buffered: false } as PerformanceObserverInit)
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (seen.isTraining) seen.longTasks.push(entry.duration)
    }).observe({ type: 'longtask', buffered: false })
  })
  await page.getByTestId('start-button').click()

  // Before: the exam grid fills and gives a rate with its interval.
  await page.getByTestId('exam-before').waitFor({ timeout: 120_000 })
  await page.getByTestId('rate-before').waitFor({ timeout: 120_000 })

  // Training: curves appear while a step runs; the page stays quick meanwhile.
  await page.getByTestId('chart-reward').waitFor({ timeout: 240_000 })
  await page.evaluate(() => Object.assign((window as unknown as { honeTiming: object }).honeTiming, { isTraining: true }))
  for (let press = 0; press < 15; press++) {
    await page.getByTestId('scheme-toggle').click()
    await page.getByTestId('gpu-chip').hover()
    await page.keyboard.press('Tab')
    await page.waitForTimeout(60)
  }
  const timing = await page.evaluate(() => {
    const seen = (window as unknown as { honeTiming: { events: number[]; longTasks: number[]; isTraining: boolean } }).honeTiming
    seen.isTraining = false
    return { events: seen.events, longTasks: seen.longTasks }
  })
  const slow = timing.events.toSorted((a, b) => a - b)
  const p95 = slow[Math.floor(slow.length * 0.95)] ?? 0
  process.stdout.write(
    `interactions while training: ${timing.events.length} event timings over 16 ms, p95 ${p95} ms, long tasks ${JSON.stringify(timing.longTasks.map(Math.round))}\n`,
  )

  // After: the same exam, the sentence, and proof that something really changed.
  const sentence = page.getByTestId('story-sentence')
  await sentence.waitFor({ timeout: 560_000 })
  expect(await sentence.innerText()).toMatch(/^Passed \d+ of \d+ → \d+ of \d+; [+−±]?\d+ points? \[.+\]; calls/)
  for (const chart of ['chart-reward', 'chart-kl', 'chart-loss'])
    expect(await page.getByTestId(chart).locator('svg path.recharts-curve').count(), chart).toBeGreaterThan(0)
  const cells = page.getByTestId('exam-after').getByRole('button')
  expect(await cells.count()).toBeGreaterThan(20)

  const [run] = runs.parse(await storedRecords(page, 'runs')).filter(({ kind }) => kind === 'story')
  expect(run?.status).toBe('finished')
  expect(run?.steps_done).toBeGreaterThanOrEqual(2)
  expect(run?.adapter_sha256?.after).toMatch(/^[0-9a-f]{64}$/)
  expect(run?.adapter_sha256?.after).not.toBe(run?.adapter_sha256?.before)
  const tables = metricChunks.parse(await storedRecords(page, 'metrics')).map(({ table }) => table)
  const gradNorms = tables.flatMap(({ columns }) => columns.grad_norm ?? [])
  expect(gradNorms.length).toBeGreaterThanOrEqual(2)
  for (const norm of gradNorms) expect(norm).toBeGreaterThan(0)
  const proof = await page.getByTestId('change-proof').innerText()
  expect(Number(/([\d.]+) nats/.exec(proof)?.[1])).toBeGreaterThan(0)
  expect(Number(/([\d,]+) dispatches/.exec(proof)?.[1]?.replaceAll(',', ''))).toBeGreaterThan(0)

  // A trajectory, step by step.
  await page.screenshot({ path: join(screenshots, 'story.png'), fullPage: true })
  expect(await axeViolations(page)).toEqual([])
  await cells.first().click()
  await page.getByTestId('cell-drawer').waitFor()
  expect(await page.getByTestId('cell-drawer').innerText()).toMatch(/step 1/)

  expect(problems).toEqual([])
}, 900_000)

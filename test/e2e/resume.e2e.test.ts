/** A run whose worker is ended, then whose page is closed, goes on after a reload and ends as the one that was left alone. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Page } from 'playwright'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { metricTable, runRecord, type RunRecord } from '../../src/records/run'
import { joinMetrics } from '../../src/storage/store'
import { openApp } from '../support/app'
import { storedRecords } from '../support/stored'

const STEPS = 4
const config = {
  ...{ batch_size: 2, mini_batch_size: 1, gradient_accumulation_steps: 1, ppo_epochs: 2, value_head_init: 'torch' },
  ...{ learning_rate: 0.01, lora_r: 2, lora_targets: ['q_proj', 'v_proj'] },
}
const form = new URLSearchParams({
  ...{ algorithm: 'steptool-ppo', steps: String(STEPS), seed: '5', saveSteps: '1', config: JSON.stringify(config) },
}).toString()

async function startRun(page: Page, url: string): Promise<string> {
  const known = new Set((await runsOf(page)).map(({ run_id }) => run_id))
  await page.goto(`${url}/#/train/new?${form}`)
  const start = page.getByTestId('train-start')
  await expect.poll(() => start.isEnabled(), { timeout: 120_000 }).toBe(true)
  await start.click()
  const newest = async (): Promise<string | undefined> => (await runsOf(page)).find(({ run_id }) => !known.has(run_id))?.run_id
  await expect.poll(newest, { timeout: 120_000 }).toBeDefined()
  return (await newest()) ?? ''
}

const runsOf = async (page: Page): Promise<RunRecord[]> => z.array(runRecord).parse(await storedRecords(page, 'runs'))
const runOf = async (page: Page, runId: string): Promise<RunRecord | undefined> =>
  (await runsOf(page)).find(({ run_id }) => run_id === runId)

async function reaches(page: Page, runId: string, step: number): Promise<void> {
  await expect
    .poll(async () => (await runOf(page, runId))?.checkpoint?.step ?? 0, { timeout: 300_000, interval: 50 })
    .toBeGreaterThanOrEqual(step)
}

async function finishes(page: Page, runId: string): Promise<void> {
  await expect.poll(async () => (await runOf(page, runId))?.status, { timeout: 300_000, interval: 200 }).toBe('finished')
}

/** Opens the run's page anew, which finds the run stopped, and goes on. */
async function resume(page: Page, url: string, runId: string): Promise<void> {
  await page.goto(`${url}/#/train/run/${encodeURIComponent(runId)}`)
  const button = page.getByTestId('run-resume')
  await button.waitFor({ timeout: 120_000 })
  expect((await runOf(page, runId))?.error).toContain('It can go on after step')
  await button.click()
  await button.waitFor({ state: 'detached', timeout: 120_000 })
}

/** Every metric but speeds, and the adapter's bytes. */
async function outcome(page: Page, url: string, runId: string): Promise<unknown> {
  const chunks = z
    .array(z.object({ chunk_id: z.string(), run_id: z.string(), table: metricTable }))
    .parse(await storedRecords(page, 'metrics'))
    .filter((chunk) => chunk.run_id === runId)
    .sort((a, b) => (a.chunk_id < b.chunk_id ? -1 : 1))
  const { step, columns } = joinMetrics(chunks.map(({ table }) => table))
  await page.goto(`${url}/#/train/run/${encodeURIComponent(runId)}`)
  const [download] = await Promise.all([
    page.waitForEvent('download', (one) => one.suggestedFilename().endsWith('.safetensors')),
    page.getByRole('button', { name: 'Export the adapter' }).click({ timeout: 60_000 }),
  ])
  return {
    step,
    columns: Object.fromEntries(Object.entries(columns).filter(([name]) => !name.startsWith('perf/'))),
    adapter: createHash('sha256')
      .update(readFileSync(await download.path()))
      .digest('hex'),
  }
}

it('goes on after its worker was ended and after its page was closed, to the same end', async () => {
  const { page, url, problems } = await openApp('#/train', { viewport: { width: 1360, height: 900 } })
  const context = page.context()
  // The page's own workers, so that one can be ended as a browser short of memory ends it.
  await context.addInitScript(() => {
    const started: Worker[] = []
    const Original = Worker
    Object.assign(globalThis, {
      startedWorkers: started,
      Worker: class extends Original {
        constructor(...args: ConstructorParameters<typeof Worker>) {
          super(...args)
          started.push(this)
        }
      },
    })
  })
  await page.reload()
  const whole = await startRun(page, url)
  await finishes(page, whole)
  const expected = await outcome(page, url, whole)

  const killed = await startRun(page, url)
  await reaches(page, killed, 1)
  await page.evaluate(() => {
    for (const worker of (globalThis as unknown as { startedWorkers: Worker[] }).startedWorkers) worker.terminate()
  })
  await page.reload()
  await resume(page, url, killed)
  await reaches(page, killed, 2)
  await page.close()

  const again = await context.newPage()
  await resume(again, url, killed)
  await finishes(again, killed)
  expect(await outcome(again, url, killed)).toEqual(expected)
  expect(problems).toEqual([])
  await context.close()
}, 600_000)

/**
 * Loading and training a real model in the tab is never silent: what the page shows of the job changes at least every five seconds, from Start to
 * the end. HONE_SMOLLM2 names a folder with SmolLM2-135M-Instruct in Hugging Face layout; without it there is nothing to load.
 */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright'
import { expect, it } from 'vitest'
import { sampleCsv } from '../../src/data/sampleCsv'
import { temporaryDirectory } from '../cli/commandContext'
import { openApp } from '../support/app'

const model = process.env.HONE_SMOLLM2 ?? ''
if (!existsSync(join(model, 'config.json')))
  process.stdout.write('HONE_SMOLLM2 names no folder with SmolLM2-135M-Instruct: the progress of a real model is not checked\n')

const MOST_SILENT_MS = 5000
const LIMIT_MS = 25 * 60_000

interface Seen {
  readonly at: number
  readonly text: string
}

/** What the page shows of the job, each time it changes, until the run is over. */
async function watched(page: Page): Promise<readonly Seen[]> {
  const seen: Seen[] = []
  const start = Date.now()
  while (Date.now() - start < LIMIT_MS) {
    const pill = await page.getByTestId('job-pill').innerText()
    const progress = await page.getByTestId('run-progress').allInnerTexts()
    const text = [pill, ...progress].join(' | ').replace(/\s+/g, ' ')
    if (text !== seen.at(-1)?.text) seen.push({ at: Date.now() - start, text })
    if (seen.length > 1 && pill.includes('Idle')) return seen
    await page.waitForTimeout(200)
  }
  throw new Error(`the run was not over after ${LIMIT_MS / 60_000} minutes; the last seen was ${seen.at(-1)?.text ?? 'nothing'}`)
}

it.runIf(existsSync(join(model, 'config.json')))(
  'no more than five seconds pass without a change of progress',
  async () => {
    const { page, url } = await openApp('#/data', { viewport: { width: 1360, height: 900 } })
    const csv = join(temporaryDirectory(), 'sample.csv')
    writeFileSync(csv, sampleCsv())
    await page.getByTestId('drop-zone').waitFor({ timeout: 60_000 })
    await page.getByTestId('file-input').setInputFiles(csv)
    await page.getByTestId('dataset-card').waitFor({ timeout: 60_000 })
    const dataset = new URL(page.url().replace('#/', '')).searchParams.get('dataset') ?? ''
    await page.goto(`${url}/#/models`)
    await page.getByTestId('model-folder').setInputFiles(model)
    const card = page.getByTestId('model-card').filter({ hasNotText: 'starter' }).first()
    await card.waitFor({ timeout: 300_000 })
    const id = (await card.getAttribute('data-model')) ?? ''
    const config = {
      batch_size: 1,
      mini_batch_size: 1,
      gradient_accumulation_steps: 1,
      ppo_epochs: 1,
      max_context_len: 256,
      max_response_len: 64,
    }
    const query = { algorithm: 'steptool-ppo', model: id, data: dataset, rows: '1', steps: '2', config: JSON.stringify(config) }
    await page.goto(`${url}/#/train/new?${new URLSearchParams(query).toString()}`)

    const startButton = page.getByRole('button', { name: /^Start/ }).first()
    await expect.poll(() => startButton.isEnabled(), { timeout: 300_000 }).toBe(true)
    await startButton.click()
    await page.getByTestId('run-progress').waitFor({ timeout: 60_000 })
    const seen = await watched(page)
    const gaps = seen
      .slice(1)
      .map(({ at, text }, index) => ({ ms: at - (seen[index]?.at ?? 0), after: seen[index]?.text ?? '', then: text }))
    const longest = gaps.reduce((most, gap) => (gap.ms > most.ms ? gap : most))
    process.stdout.write(
      `${seen.length} changes in ${((seen.at(-1)?.at ?? 0) / 1000).toFixed(0)} s; the longest silence was ${longest.ms} ms, after "${longest.after}"\n`,
    )
    for (const gap of gaps.filter(({ ms }) => ms > MOST_SILENT_MS))
      process.stdout.write(`${gap.ms} ms after "${gap.after}", then "${gap.then}"\n`)
    expect(longest.ms).toBeLessThanOrEqual(MOST_SILENT_MS)
    await page.context().close()
  },
  LIMIT_MS + 600_000,
)

/** The Train page before a run: every method's form, pre-flight, recipes in and out; after two short runs: their curves, files and comparison. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright'
import { expect, it } from 'vitest'
import { sampleCsv } from '../../src/data/sampleCsv'
import { algorithms } from '../../src/training/algorithms'
import { temporaryDirectory } from '../cli/commandContext'
import { writeTinyModel } from '../studio/tinyStarter'
import { openApp } from '../support/app'
import { looksRight } from '../support/looks'

const WAIT = { timeout: 60_000 }
const trlRecipe = {
  GRPOConfig: { learning_rate: 0.0005, num_generations: 4, generation_batch_size: 16, output_dir: 'out', seed: 9 },
  ModelConfig: { lora_r: 4, lora_alpha: 8, use_peft: true },
}

it('each method has its form and its pre-flight; a recipe fills it, and what it leaves out is listed', async () => {
  const { page, problems } = await openApp('#/train/new', { viewport: { width: 1360, height: 900 } })
  await page.getByTestId('train-start').waitFor({ timeout: 60_000 })
  for (const { name, title } of Object.values(algorithms)) {
    await page.locator(`input[name="algorithm"][value="${name}"]`).check({ force: true })
    await expect.poll(() => page.url()).toContain(`algorithm=${name}`)
    const settings = page.locator('section', { hasText: '5 · Settings' }).last()
    expect(await settings.getByText('learning_rate', { exact: true }).count(), title).toBeGreaterThan(0)
    // A method that practises by itself says what it found; one that does not says what it lacks.
    await expect.poll(() => page.getByTestId('preflight').innerText(), { timeout: 60_000 }).toMatch(/checks are fine|choose a data set/)
  }

  await page.locator('input[name="algorithm"][value="steptool-ppo"]').check({ force: true })
  // The defaults are those of large models: the form says what suits the starter, and takes it over on a click.
  const small = page.getByTestId('small-model')
  expect(await small.innerText()).toMatch(/856,192.*learning_rate 0\.0005, batch_size 64/s)
  await page.getByText(/^\d+ more settings/).click()
  await looksRight(page, 'train-settings', { fullPage: true })
  await small.getByRole('button', { name: 'Use the settings for a small model' }).click()
  await expect.poll(() => page.getByLabel('batch_size').first().inputValue()).toBe('64')
  expect(await small.count()).toBe(0)
  await page.getByRole('button', { name: 'Back to defaults' }).click()
  await small.waitFor()

  await page.getByLabel('learning_rate').first().fill('0')
  await page.getByLabel('learning_rate').first().press('Tab')
  await expect.poll(() => page.locator('main').innerText()).toMatch(/Expected > 0; found 0/)

  await page
    .getByTestId('recipe-file')
    .setInputFiles({ name: 'run.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(trlRecipe)) })
  const loaded = page.getByTestId('recipe-loaded')
  await loaded.waitFor({ timeout: 20_000 })
  expect(await loaded.innerText()).toMatch(/output_dir/)
  await expect.poll(() => page.url()).toContain('algorithm=grpo')
  expect(await page.getByLabel('lora_r').first().inputValue()).toBe('4')
  expect(await page.getByLabel('Seed').inputValue()).toBe('9')
  await expect.poll(() => page.getByTestId('preflight').innerText(), { timeout: 60_000 }).toMatch(/checks are fine/)
  await page.getByLabel('GPU memory, GB').fill('24')
  await page.getByLabel('GPU memory, GB').press('Enter')
  await expect.poll(() => page.getByTestId('estimate').innerText(), { timeout: 20_000 }).toContain('the 24.0 GB that you said there are')
  await page.getByText('The same as a recipe, in TRL or in verl').click()
  await page.getByRole('button', { name: 'As TRL' }).click()
  await page.getByTestId('recipe-shown').waitFor({ timeout: 20_000 })
  expect(await page.getByTestId('recipe-shown').innerText()).toMatch(/trl==1\.16\.0[\s\S]*config\.reward/)
  await looksRight(page, 'train-new', { fullPage: true })

  await page.getByTestId('recipe-file').setInputFiles({
    name: 'bad.json',
    mimeType: 'application/json',
    buffer: Buffer.from('{"version":1,"algorithm":"sft","config":{"lora_r":-1}}'),
  })
  await expect.poll(() => page.getByTestId('recipe-loader').innerText(), { timeout: 20_000 }).toMatch(/bad\.json, field config\.lora_r/)
  expect(problems).toEqual([])
  await page.context().close()
})

/** Counts what is asked of the browser: a headless one grants none of it. */
interface Asked {
  wake: number
  released: number
  persist: number
}
function countAsked(): void {
  const asked: Asked = { wake: 0, released: 0, persist: 0 }
  const request = (): Promise<EventTarget> => {
    asked.wake += 1
    const release = (): Promise<void> => {
      asked.released += 1
      lock.dispatchEvent(new Event('release'))
      return Promise.resolve()
    }
    const lock = Object.assign(new EventTarget(), { release })
    return Promise.resolve(lock)
  }
  Object.defineProperty(navigator, 'wakeLock', { value: { request } })
  navigator.storage.persist = () => {
    asked.persist += 1
    return Promise.resolve(true)
  }
  Object.assign(globalThis, { asked })
}
const askedOf = (page: Page): Promise<Asked> => page.evaluate(() => (globalThis as unknown as { asked: Asked }).asked)

it('two runs on a data set: curves, questions, metrics and recipe as files, and the runs compared', async () => {
  const { page, url, problems } = await openApp('#/data', { viewport: { width: 1360, height: 900 } })
  await page.addInitScript(countAsked)
  await page.reload()
  await page.getByTestId('drop-zone').waitFor({ timeout: 60_000 })
  await page.getByTestId('file-input').setInputFiles({ name: 'sample.csv', mimeType: 'text/csv', buffer: Buffer.from(sampleCsv()) })
  await page.getByTestId('dataset-card').waitFor({ timeout: 60_000 })
  const dataset = new URL(page.url().replace('#/', '')).searchParams.get('dataset') ?? ''
  // A model of the user's own, and so small that the steps take no time.
  const folder = join(temporaryDirectory(), 'tiny')
  await writeTinyModel(folder)
  await page.goto(`${url}/#/models`)
  await page.getByTestId('model-folder').setInputFiles(folder)
  await page.getByTestId('model-card').filter({ hasText: 'tiny' }).waitFor(WAIT)
  const settings = {
    sft: { tokens_per_batch: 512 },
    'steptool-ppo': { batch_size: 2, mini_batch_size: 2, gradient_accumulation_steps: 1, ppo_epochs: 1 },
  }
  const runs: string[] = []
  for (const [algorithm, config] of Object.entries(settings)) {
    const query = new URLSearchParams({ algorithm, model: 'tiny', data: dataset, rows: '4', steps: '3', config: JSON.stringify(config) })
    await page.goto(`${url}/#/train/new?${query.toString()}`)
    // The second goes on with what the first left.
    if (runs[0] !== undefined) {
      await page.getByTestId('start-from').click()
      await page.getByRole('option').nth(1).click()
      await expect.poll(() => page.url()).toContain(`start=run%3A${runs[0]}`)
    }
    const start = page.getByTestId('train-start')
    await expect.poll(() => start.isEnabled(), { timeout: 60_000 }).toBe(true)
    await start.click()
    await expect.poll(() => page.url(), { timeout: 60_000 }).toContain('/train/run/')
    runs.push(page.url().split('/train/run/')[1] ?? '')
    await page.getByTestId('change-proof').waitFor({ timeout: 300_000 })
    // The first chart is drawn, with its axis named, without the window being resized; and nothing is planned on the GPU any more.
    const hero = page.getByTestId('chart-reward')
    await expect.poll(() => hero.locator('path.recharts-line-curve').count(), WAIT).toBe(1)
    expect(await hero.getByText('step', { exact: true }).count()).toBe(1)
    await expect.poll(() => page.getByTestId('gpu-chip').innerText(), WAIT).not.toMatch(/\d [KMGT]?B\b/)
  }
  // The screen was held while they worked, and let go. A tab that was frozen says so. Storage is asked for on a click alone.
  await expect.poll(async () => (await askedOf(page)).released).toBe(2)
  expect(await askedOf(page)).toEqual({ wake: 2, released: 2, persist: 0 })
  await page.evaluate(() => {
    document.dispatchEvent(new Event('freeze'))
    document.dispatchEvent(new Event('resume'))
  })
  await page.getByText('The browser froze this tab').waitFor()
  await page.getByRole('button', { name: 'Dismiss' }).click()
  const runPage = page.url()
  await page.goto(`${url}/#/settings?tab=storage`)
  await page.getByRole('button', { name: 'Ask the browser to keep it' }).click()
  await page.getByText('Kept: the browser will not clear it without asking.').waitFor()
  expect((await askedOf(page)).persist).toBe(1)
  await page.goto(runPage)
  expect(await page.getByText('Why can the KL be negative?').count()).toBeGreaterThan(0)
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save as JSON lines' }).click()])
  const rows = readFileSync(await download.path(), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, number>)
  expect(rows.map(({ step }) => step)).toEqual([0, 1, 2])
  // Before the first update the policy is the reference.
  expect(Math.abs(rows[0]?.['objective/kl'] ?? 1)).toBeLessThan(1e-3)
  await page.getByText(/^Recipe: \d+ settings/).click()
  expect(await page.locator('main').innerText()).toMatch(/init_adapter\s+Supervised fine-tuning on sample\.csv/)
  await page.getByRole('button', { name: 'As TRL' }).click()
  await page.getByTestId('recipe-shown').waitFor({ timeout: 20_000 })
  await looksRight(page, 'train-run', { fullPage: true })

  // Its adapter's files begin a run, and are listed with the model until they are removed.
  const saved = new Map<string, Promise<string>>()
  page.on('download', (file) => saved.set(file.suggestedFilename(), file.path()))
  await page.getByRole('button', { name: 'Export the adapter' }).click()
  await expect
    .poll(() => [...saved.keys()].sort(), WAIT)
    .toEqual(['README.md', 'adapter_config.json', 'adapter_model.safetensors', 'v_head.safetensors'])
  const files = [...saved]
    .filter(([name]) => name !== 'README.md')
    .map(async ([name, path]) => ({ name, mimeType: '', buffer: readFileSync(await path) }))
  await page.goto(`${url}/#/train/new?algorithm=steptool-ppo&model=tiny&data=${dataset}`)
  const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.getByRole('button', { name: 'Import an adapter' }).click()])
  await chooser.setFiles(await Promise.all(files))
  await expect.poll(() => page.url(), WAIT).toContain('start=imported%3A')
  await page.goto(`${url}/#/models`)
  await page.getByTestId('imported-adapter').waitFor(WAIT)
  expect(await page.getByTestId('adapter-row').count()).toBe(2)
  await looksRight(page, 'models-adapters', { fullPage: true })
  await page.getByTestId('imported-adapter').getByRole('button', { name: 'Remove' }).click()
  await page.getByRole('button', { name: 'Remove the adapter' }).click()
  await expect.poll(() => page.getByTestId('imported-adapter').count(), WAIT).toBe(0)
  expect(await page.getByTestId('adapter-row').count()).toBe(2)

  await page.goto(`${url}/#/train/compare?runs=${runs.map(encodeURIComponent).join(',')}&metric=loss`)
  await page.getByTestId('chart-compare').waitFor({ timeout: 60_000 })
  expect(await page.getByRole('table', { name: 'Recipes' }).innerText()).toMatch(/learning_rate[\s\S]*init_adapter/)
  // What one of the methods has is no difference between the runs.
  await page.getByText(/settings that only some of these methods have/).click()
  expect(await page.getByRole('table', { name: 'Settings of some methods' }).innerText()).toMatch(/tokens_per_batch/)
  expect(await page.getByRole('table', { name: 'Recipes' }).innerText()).not.toMatch(/tokens_per_batch/)
  expect(await page.getByRole('table', { name: 'Finals' }).getByRole('row').count()).toBe(3)
  await looksRight(page, 'train-compare', { fullPage: true })
  expect(problems).toEqual([])
  await page.context().close()
}, 720_000)

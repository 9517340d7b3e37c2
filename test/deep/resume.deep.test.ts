/**
 * A run that is paused while its page reloads, then loses its page at work, goes on each time: no step is lost or done twice, and it ends where
 * the command line's run of the same recipe ends that nothing interrupted.
 */
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { sha256 } from '../../src/base/sha256'
import { nodeFolder } from '../../src/cli/node/folder'
import { sampleCsv } from '../../src/data/sampleCsv'
import { openCheckpoint } from '../../src/models/checkpointFolder'
import { createHfTokenizer } from '../../src/models/tokenizer/hfTokenizer'
import { sourceFromBytes } from '../../src/models/weights/byteSource'
import { readAdapter } from '../../src/models/weights/peft'
import { openSafetensors, readerOf } from '../../src/models/weights/safetensors'
import { mergedFiles } from '../../src/studio/models/mergedModel'
import { runRecord, type RunRecord } from '../../src/records/run'
import { storedMetrics } from '../support/storedMetrics'
import { temporaryDirectory } from '../cli/commandContext'
import { writeTinyModel } from '../studio/tinyStarter'
import { axeViolations } from '../support/axe'
import { openApp } from '../support/app'
import { projectRoot } from '../support/sources'
import { storedRecords } from '../support/stored'

/** So many that it is still under way when the page has seen a first one kept, on a quick machine too. */
const STEPS = 20
const WAIT = { timeout: 240_000, interval: 50 }
const settings = {
  ...{ batch_size: 2, mini_batch_size: 2, gradient_accumulation_steps: 1, ppo_epochs: 2, value_head_init: 'torch' },
  ...{ max_context_len: 448, max_response_len: 64, learning_rate: 0.2, lora_r: 2, lora_targets: ['q_proj', 'v_proj'] },
}

/** A folder with a tiny model and a data file, under the names the page gives them. */
async function makeFolder(): Promise<string> {
  const folder = temporaryDirectory()
  await writeTinyModel(join(folder, 'tiny'))
  writeFileSync(join(folder, 'sample.csv'), sampleCsv())
  return folder
}

/** Runs what the page shows as the command line, where its files are. */
function runCommandLine(shown: string, folder: string): Promise<void> {
  const hone = `'${process.execPath}' '${join(projectRoot, 'src/cli/launch.js')}' hone`
  const command = `${shown.replace('npm run -s hone --', hone)} --adapter swiftshader --out run`
  return new Promise((resolve, reject) => {
    const child = spawn('bash', ['-c', command], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    child.stderr.on('data', (data: Buffer) => (said += data.toString()))
    child.on('error', reject)
    child.on('exit', (code) => {
      if (code === 0) resolve()
      else reject(new Error(`${command}\nended with ${String(code)}: ${said}`))
    })
  })
}

/** The page's only run. */
async function theRun(page: Page): Promise<RunRecord | undefined> {
  return z.array(runRecord).parse(await storedRecords(page, 'runs'))[0]
}
const checkpointed = async (page: Page): Promise<number> => (await theRun(page))?.checkpoint?.step ?? 0

/** The run is found stopped, can go on after the step it was kept at, and is made to. */
async function resume(page: Page): Promise<void> {
  const button = page.getByTestId('run-resume')
  await button.waitFor({ timeout: 60_000 })
  const record = await theRun(page)
  const step = record?.checkpoint?.step ?? 0
  expect(record).toMatchObject({ status: 'failed', checkpoint: { of: STEPS } })
  expect(record?.error).toContain(`It can go on after step ${step} of ${STEPS}.`)
  expect(await button.innerText()).toBe(`Resume after step ${step}`)
  await button.click()
  await button.waitFor({ state: 'detached', timeout: 60_000 })
}

async function download(page: Page, button: string | RegExp, ending: string): Promise<Uint8Array<ArrayBuffer>> {
  const [file] = await Promise.all([
    page.waitForEvent('download', (one) => one.suggestedFilename().endsWith(ending)),
    page.getByRole('button', { name: button }).click({ timeout: 60_000 }),
  ])
  return new Uint8Array(readFileSync(await file.path()))
}

type Row = Readonly<Record<string, number>>
async function metricRows(page: Page): Promise<Row[]> {
  const text = new TextDecoder().decode(await download(page, 'Save as JSON lines', '.jsonl'))
  return text
    .trim()
    .split('\n')
    .map((line) => z.record(z.string(), z.number()).parse(JSON.parse(line)))
}

/** Tensors as f32. */
async function tensorsOf(file: Uint8Array<ArrayBuffer>): Promise<ReadonlyMap<string, Float32Array>> {
  const source = await openSafetensors(sourceFromBytes(file), 'adapter_model.safetensors')
  return new Map(await Promise.all([...source.tensors.keys()].map(async (name) => [name, await source.float32(name)] as const)))
}

/** The weights `hone export --to merged` writes. */
async function mergedInNode(folder: string): Promise<Uint8Array> {
  const [base, run] = [nodeFolder(join(folder, 'tiny')), nodeFolder(join(folder, 'run'))]
  try {
    const { config, tensors, tokenizerJson, tokenizerConfig } = await openCheckpoint(base)
    const tokenizer = createHfTokenizer(tokenizerJson, tokenizerConfig)
    const { files } = await mergedFiles(
      { title: 'tiny', config, tokenizer, reader: readerOf(tensors), folder: base },
      await readAdapter(run),
    )
    const pieces: Uint8Array[] = []
    for (const { name, pieces: of } of files) if (name === 'model.safetensors') for await (const piece of of()) pieces.push(piece)
    return Buffer.concat(pieces)
  } finally {
    await Promise.all([base.close(), run.close()])
  }
}

it('goes on after a reload and after its page was closed, to the end of the same run in Node', async () => {
  const folder = await makeFolder()
  const { page: first, url, problems } = await openApp('#/models', { viewport: { width: 1360, height: 900 } })
  const context = first.context()
  await first.getByTestId('model-folder').setInputFiles(join(folder, 'tiny'))
  await first.getByTestId('model-card').filter({ hasText: 'tiny' }).waitFor({ timeout: 60_000 })
  await first.goto(`${url}/#/data`)
  await first.getByTestId('file-input').setInputFiles(join(folder, 'sample.csv'))
  await first.getByTestId('dataset-card').waitFor({ timeout: 60_000 })
  const dataset = new URL(first.url().replace('#/', '')).searchParams.get('dataset') ?? ''

  const form = {
    ...{ algorithm: 'steptool-ppo', model: 'tiny', data: dataset, steps: String(STEPS), seed: '5', saveSteps: '1' },
    config: JSON.stringify(settings),
  }
  const start = first.getByTestId('train-start')
  await first.goto(`${url}/#/train/new?${new URLSearchParams({ ...form, data: 'gone' }).toString()}`)
  await first.getByText('Data that was chosen is not stored here any more.').waitFor({ timeout: 60_000 })
  expect(await start.isEnabled()).toBe(false)
  await first.goto(`${url}/#/train/new?${new URLSearchParams(form).toString()}`)
  await expect.poll(() => start.isEnabled(), WAIT).toBe(true)
  const shown = await first.getByLabel('Command line').textContent()
  const alone = runCommandLine(shown ?? '', folder)
  await start.click()

  // Paused, then reloaded.
  await expect.poll(() => checkpointed(first), WAIT).toBeGreaterThanOrEqual(1)
  await first.getByTestId('job-pause').first().click()
  await expect.poll(async () => (await theRun(first))?.status, WAIT).toBe('paused')
  const runPage = first.url()
  const other = await context.newPage()
  await other.goto(runPage)
  await other.getByText(/^This run is at work in another tab, since /).waitFor({ timeout: 60_000 })
  expect(await other.getByTestId('run-resume').count()).toBe(0)
  await other.close()
  const before = await metricRows(first)
  await first.reload()
  await first.getByTestId('run-resume').waitFor({ timeout: 60_000 })
  expect(await metricRows(first)).toEqual(before)
  const pausedAt = await checkpointed(first)
  expect(pausedAt).toBeLessThan(STEPS)
  await resume(first)

  // Closed at work.
  await expect.poll(() => checkpointed(first), WAIT).toBeGreaterThan(pausedAt)
  await first.close()
  const second = await context.newPage()
  await second.goto(runPage)
  const closedAt = await checkpointed(second)
  await resume(second)
  await expect.poll(async () => (await theRun(second))?.status, WAIT).toBe('finished')
  expect((await theRun(second))?.notes).toEqual(
    expect.arrayContaining([`It was resumed after step ${pausedAt}.`, `It was resumed after step ${closedAt}.`]),
  )

  // Every step once, those before the reload as they were, and all as in Node.
  const rows = await metricRows(second)
  expect(rows.map(({ step }) => step)).toEqual(Array.from({ length: STEPS }, (_, step) => step))
  expect(rows.slice(0, pausedAt)).toEqual(before.slice(0, pausedAt))
  await alone
  const expected = storedMetrics(join(folder, 'run'))
  expect(expected.map(({ step }) => step)).toEqual(rows.map(({ step }) => step))
  for (const { step, metrics } of expected)
    for (const [name, value] of Object.entries(metrics)) {
      const found = rows[step]?.[name] ?? Number.NaN
      if (!name.startsWith('perf/') && !name.startsWith('time/'))
        expect(Math.abs(found - value), `${name} of step ${step}: ${found} for ${value}`).toBeLessThanOrEqual(
          1e-5 * Math.max(1, Math.abs(value)),
        )
    }
  const trained = await tensorsOf(await download(second, 'Export the adapter', '.safetensors'))
  const inNode = await tensorsOf(new Uint8Array(readFileSync(join(folder, 'run/adapter_model.safetensors'))))
  expect([...trained.keys()].sort()).toEqual([...inNode.keys()].sort())
  for (const [name, values] of inNode) {
    const apart = values.reduce((most, value, at) => Math.max(most, Math.abs(value - (trained.get(name)?.[at] ?? Number.NaN))), 0)
    expect(apart, name).toBeLessThanOrEqual(1e-5)
  }

  // Merged into its base: the bytes the command line writes, and a model like any other.
  await second.getByTestId('run-merge').click()
  const kl = second.getByTestId('merged-kl')
  await kl.waitFor({ timeout: 120_000 })
  expect(Number(/: ([\d.e+-]+) nats on average/.exec(await kl.innerText())?.[1])).toBeLessThan(1e-5)
  const merged = await download(second, /^Save its \d+ files$/, 'model.safetensors')
  expect(sha256(merged)).toBe(sha256(await mergedInNode(folder)))
  // So large a learning rate sets off an alarm.
  await second.getByTestId('alarms').waitFor()
  expect(await axeViolations(second)).toEqual([])
  await second.getByRole('button', { name: 'Add it to the models' }).click()
  await second.getByRole('link', { name: /^Added as/ }).click({ timeout: 60_000 })
  await second.locator('[data-model="tiny-steptool-ppo-merged"]').waitFor({ timeout: 60_000 })
  expect(problems).toEqual([])
  await context.close()
}, 600_000)

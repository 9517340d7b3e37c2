/** A run's practice is labelled in the page, reloaded five times, and trained on: the labels are in what each method was handed. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { resolveRewards } from '../../src/annotation/resolver'
import { opinion } from '../../src/records/annotation'
import { runRecord, type RunRecord } from '../../src/records/run'
import { stepsOf, trajectory, type Trajectory } from '../../src/records/trajectory'
import { dataHash } from '../../src/studio/runs/resume'
import type { LabelledTrajectory } from '../../src/training/batches/labelledTrajectory'
import { temporaryDirectory } from '../cli/commandContext'
import { writeTinyModel } from '../studio/tinyStarter'
import { openApp } from '../support/app'
import { trajectoryOf } from '../support/builders'
import { looksRight } from '../support/looks'
import { storedRecords } from '../support/stored'

const WAIT = { timeout: 120_000 }
const runsIn = async (page: Page): Promise<RunRecord[]> => z.array(runRecord).parse(await storedRecords(page, 'runs'))

/** Starts what the form holds and waits for its end. */
async function train(page: Page, url: string, form: Readonly<Record<string, string>>): Promise<RunRecord> {
  const known = new Set((await runsIn(page)).map(({ run_id }) => run_id))
  await page.goto(`${url}/#/train/new?${new URLSearchParams({ model: 'tiny', steps: '1', ...form }).toString()}`)
  const start = page.getByTestId('train-start')
  await start.waitFor(WAIT)
  // Until it can be pressed; the sentences say why it cannot.
  const inTheWay = async (): Promise<string> =>
    (await start.isEnabled()) ? 'nothing' : (await page.getByTestId('blockers').allInnerTexts()).join()
  await expect.poll(inTheWay, WAIT).toBe('nothing')
  // Pre-flight answers a moment later.
  await page
    .getByTestId('preflight')
    .getByText(/checks? (?:is|are) fine|warning/)
    .first()
    .waitFor(WAIT)
  await expect.poll(inTheWay, WAIT).toBe('nothing')
  await start.click()
  const made = async (): Promise<RunRecord | undefined> => (await runsIn(page)).find(({ run_id }) => !known.has(run_id))
  await expect.poll(async () => (await made())?.status, { timeout: 300_000, interval: 250 }).toBe('finished')
  const run = await made()
  if (!run) throw new Error('the run is gone')
  return run
}

/** Two attempts at each of eight questions by a tiny model that knows nothing. */
const practise = (page: Page, url: string): Promise<RunRecord> =>
  train(page, url, {
    algorithm: 'grpo',
    config: JSON.stringify({ num_generations: 2, generation_batch_size: 16 }),
  })

interface Stored extends LabelledTrajectory {
  readonly trajectory: Trajectory
}

/** What is stored of a run's practice, with the rewards that its opinions resolve to, in the order in which it is trained on. */
async function practiceOf(page: Page, runId: string): Promise<Stored[]> {
  const all = z.array(trajectory).parse(await storedRecords(page, 'trajectories'))
  const opinions = z.array(opinion).parse(await storedRecords(page, 'opinions'))
  const inOrder = new Intl.Collator('en', { numeric: true })
  return all
    .filter((one) => one.trajectory_id.startsWith(`${runId}/`) && one.task.split === 'practice')
    .sort((a, b) => inOrder.compare(a.trajectory_id, b.trajectory_id))
    .map((one) => ({
      trajectory: one,
      rewards: resolveRewards(
        one,
        opinions.filter(({ trajectory_id }) => trajectory_id === one.trajectory_id),
      ).map(({ value }) => value),
    }))
}

const stepInUrl = (page: Page): string => new URL(page.url().replace('#/', '')).searchParams.get('step') ?? '0'
const idInUrl = (page: Page): string => new URL(page.url().replace('#/', '')).searchParams.get('id') ?? ''
const status = (page: Page): Promise<string> => page.getByTestId('label-status').innerText()

/** Labels every step of one attempt by the keyboard: a good call each, and the answer by `answer`. */
async function label(page: Page, url: string, runId: string, of: Trajectory, answer: 's' | 'n'): Promise<void> {
  const steps = stepsOf(of).length
  for (let step = 0; step < steps; step++) {
    await page.goto(`${url}/#/label?run=${encodeURIComponent(runId)}&order=file&id=${encodeURIComponent(of.trajectory_id)}&step=${step}`)
    // The page's text is in the message when this does not come.
    await expect.poll(() => page.locator('main').innerText(), WAIT).toContain(`Your judgement of step ${step + 1}`)
    const keys = (await page.getByTestId('status-solved').count()) > 0 ? [answer] : ['1', 'r']
    for (const key of keys) {
      await page.keyboard.press(key)
      await expect.poll(() => status(page), WAIT).toMatch(new RegExp(`Stored: .*on step ${step + 1}`))
    }
    await expect.poll(() => page.getByTestId('resolved-reward').innerText(), WAIT).toMatch(/a person/)
  }
}

it('a run’s practice is labelled, reloaded five times, and trained on by SFT, DPO and steptool-ppo with its labels', async () => {
  const { page, url, problems } = await openApp('#/models', { viewport: { width: 1360, height: 900 } })
  const folder = join(temporaryDirectory(), 'tiny')
  await writeTinyModel(folder)
  await page.getByTestId('model-folder').setInputFiles(folder)
  await page.getByTestId('model-card').filter({ hasText: 'tiny' }).waitFor(WAIT)
  const { run_id: runId } = await practise(page, url)
  const attempts = (await practiceOf(page, runId)).map((one) => one.trajectory)
  // Attempts that name what only the exam asks about are left out, with their question.
  expect(attempts.length).toBeGreaterThanOrEqual(4)

  // Of each question one attempt is called solved and the other one not.
  const seen = new Set<string>()
  for (const attempt of attempts) {
    const isFirst = !seen.has(attempt.task.query_id)
    seen.add(attempt.task.query_id)
    await label(page, url, runId, attempt, isFirst ? 's' : 'n')
  }
  const steps = attempts.reduce((sum, one) => sum + stepsOf(one).length, 0)
  const whole = `${steps} of ${steps} steps labelled`
  for (let reload = 1; reload <= 5; reload++) {
    await page.goto(`${url}/#/label?run=${encodeURIComponent(runId)}&order=file`)
    await page.reload()
    await expect.poll(() => page.getByTestId('label-progress').innerText(), WAIT).toBe(whole)
  }
  await looksRight(page, 'label-practice', { fullPage: true })

  const source = `run:${runId}`
  const [saved] = await Promise.all([
    page.waitForEvent('download'),
    page
      .getByTestId('export-labels')
      .click()
      .then(() => page.getByRole('menuitem', { name: /JSON Lines/ }).click()),
  ])
  expect(saved.suggestedFilename()).toBe(`${runId}.practice.jsonl`)
  expect(
    readFileSync(await saved.path(), 'utf8')
      .trimEnd()
      .split('\n').length,
  ).toBe(attempts.length)

  await page.getByTestId('train-on-this').click()
  await expect.poll(() => page.url()).toContain(`data=${encodeURIComponent(source)}`)
  await page.locator(`input[data-source="${source}"]`).waitFor(WAIT)
  expect(await page.locator(`input[data-source="${source}"]`).isChecked()).toBe(true)
  await looksRight(page, 'train-on-practice', { fullPage: true })

  // What a finished run offers: another method on the same practice.
  await page.goto(`${url}/#/train/new?${new URLSearchParams({ from: runId, data: source }).toString()}`)
  await page.locator(`input[data-source="${source}"]`).waitFor(WAIT)
  const chosen = page.locator('input[name="algorithm"]:checked')
  expect(await chosen.getAttribute('value')).not.toBe('grpo')
  await expect.poll(() => page.getByTestId('train-start').isEnabled(), WAIT).toBe(true)
  await page.goto(`${url}/#/data`)
  await page.getByTestId('practice-sources').locator(`[data-source="${source}"]`).waitFor(WAIT)
  await looksRight(page, 'practice-on-data', { fullPage: true })

  const stored = await practiceOf(page, runId)
  expect(stored.flatMap(({ rewards }) => rewards).filter((reward) => reward === null)).toEqual([])
  const ppo = { batch_size: 2, mini_batch_size: 2, gradient_accumulation_steps: 1, ppo_epochs: 1 }
  const configs = { sft: { tokens_per_batch: 2048 }, dpo: { gradient_accumulation_steps: 1 }, 'steptool-ppo': ppo }
  for (const [algorithm, config] of Object.entries(configs)) {
    const run = await train(page, url, { algorithm, data: source, config: JSON.stringify(config) })
    expect(
      run.data.map(({ id }) => id),
      algorithm,
    ).toEqual([source])
    // The hash is of every trajectory's id with the rewards it was trained with.
    expect(run.began?.data, algorithm).toBe(dataHash(stored))
    expect(run.notes.join(' '), algorithm).not.toMatch(/have no label/)
  }
  expect(problems).toEqual([])
  await page.context().close()
}, 900_000)

it('keys go on after a click on a toggle and after Escape, undo opens what it touches, and a label is repeated only where it means something', async () => {
  const { page, url, problems } = await openApp('#/models', { viewport: { width: 1360, height: 900 } })
  const folder = join(temporaryDirectory(), 'tiny')
  await writeTinyModel(folder)
  await page.getByTestId('model-folder').setInputFiles(folder)
  await page.getByTestId('model-card').filter({ hasText: 'tiny' }).waitFor(WAIT)
  await page.goto(`${url}/#/data`)
  const [sample] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: /sample/i }).click()])
  await page.getByTestId('file-input').setInputFiles(await sample.path())
  await page.getByTestId('dataset-card').waitFor(WAIT)
  const dataset = new URL(page.url().replace('#/', '')).searchParams.get('dataset') ?? ''
  await page.goto(`${url}/#/label?dataset=${encodeURIComponent(dataset)}&order=file`)
  await page.getByTestId('advantage-strip').waitFor(WAIT)

  await page.getByText('Whitened').click()
  await page.keyboard.press('j')
  await expect.poll(() => stepInUrl(page)).toBe('1')
  await page.keyboard.press('/')
  await page.keyboard.type('j')
  expect(stepInUrl(page)).toBe('1')
  await page.keyboard.press('Backspace')
  await page.keyboard.press('Escape')
  await page.keyboard.press('k')
  await expect.poll(() => stepInUrl(page)).toBe('0')
  await page.getByRole('combobox', { name: 'Order' }).click()
  await page.getByRole('option', { name: 'File order' }).click()
  await page.keyboard.press('j')
  await expect.poll(() => stepInUrl(page)).toBe('1')
  await page.keyboard.press('k')

  await page.keyboard.press('1')
  await expect.poll(() => status(page), WAIT).toMatch(/Stored: success 1 on step 1/)
  const first = idInUrl(page)
  await page.keyboard.press('Shift+J')
  await expect.poll(() => idInUrl(page)).not.toBe(first)
  const second = idInUrl(page)
  // The last step is the answer.
  for (let step = 0; step < 12; step++) await page.keyboard.press('j')
  await page.getByTestId('status-solved').waitFor(WAIT)
  await page.keyboard.press('.')
  await expect.poll(() => status(page), WAIT).toMatch(/This step is the answer, which takes a status/)
  await page.keyboard.press('z')
  await expect.poll(() => status(page), WAIT).toMatch(/Undone: success 1 on step 1\. It was on another trajectory, which is open now/)
  expect(idInUrl(page)).not.toBe(second)
  expect(stepInUrl(page)).toBe('0')
  expect(problems).toEqual([])
  await page.context().close()
}, 300_000)

it('a question that an evaluation asks is labelled and trained on with a warning only', async () => {
  const { page, url, problems } = await openApp('#/data', { viewport: { width: 1360, height: 900 } })
  await page.getByTestId('drop-zone').waitFor(WAIT)
  const attempts = ['exam', 'practice'].map((split) => {
    const one = trajectoryOf([{ prompt: 'How far?', completion: 'Two miles.' }], { trajectory_id: split, query: `Asked in ${split}?` })
    return { trajectory: { ...one, task: { ...one.task, split } }, opinions: [] }
  })
  const text = attempts.map((one) => `${JSON.stringify(one)}\n`).join('')
  await page.getByTestId('file-input').setInputFiles({ name: 'two.jsonl', mimeType: 'application/jsonl', buffer: Buffer.from(text) })
  await page.getByTestId('dataset-card').waitFor(WAIT)
  const dataset = new URL(page.url().replace('#/', '')).searchParams.get('dataset') ?? ''
  await page.goto(`${url}/#/label?dataset=${encodeURIComponent(dataset)}&order=file`)
  const rows = page.getByTestId('trajectory-row')
  await rows.filter({ hasText: 'Asked in exam?' }).click()
  await page.getByTestId('held-out-note').waitFor(WAIT)
  await looksRight(page, 'label-held-out', { fullPage: false })
  await rows.filter({ hasText: 'Asked in practice?' }).click()
  await page.getByTestId('held-out-note').waitFor({ state: 'detached', ...WAIT })
  await page.goto(`${url}/#/train/new?${new URLSearchParams({ algorithm: 'sft', data: dataset }).toString()}`)
  await page
    .getByTestId('preflight')
    .getByText(/1 of 2 trajectories answer questions that evaluations ask/)
    .waitFor(WAIT)
  expect(problems).toEqual([])
  await page.context().close()
}, 300_000)

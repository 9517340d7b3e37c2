/** Typed into a numeric field, a number stays as it was typed and is what is meant. Every algorithm's fields: `test/deep/numberFields.deep.test.ts`. */
import { expect, it } from 'vitest'
import { sampleCsv } from '../../src/data/sampleCsv'
import { algorithms, DEFAULT_ALGORITHM } from '../../src/training/algorithms'
import { openApp } from '../support/app'
import { looksRight } from '../support/looks'
import { clearAndType, fieldNamed, settingOf, typeIntoEveryField, typeOver, WAIT } from '../support/numberFields'

it('every numeric field of the default algorithm takes what is typed', async () => {
  await typeIntoEveryField(DEFAULT_ALGORITHM, algorithms[DEFAULT_ALGORITHM].config)
}, 240_000)

it('what cannot be read stays as it was typed, is explained in words, and nothing starts with another value', async () => {
  const { page, problems } = await openApp('#/train/new?algorithm=steptool-ppo', { viewport: { width: 1360, height: 900 } })
  const start = page.getByTestId('train-start')
  await expect.poll(() => start.isEnabled(), WAIT).toBe(true)
  const rate = fieldNamed(page, 'learning_rate')
  for (const [typed, sentence] of [
    ['1e-', 'A number is needed, such as 0.5 or 1e-3; found 1e-.'],
    ['0,001', 'Write 0.001, with a point.'],
    ['-1', 'Expected > 0; found -1.'],
  ] as const) {
    await typeOver(rate, typed)
    expect(await rate.inputValue()).toBe(typed)
    await page.getByText(sentence).first().waitFor()
    expect(await start.isEnabled()).toBe(false)
    expect(await page.getByTestId('blockers').innerText()).toContain(`learning_rate: ${sentence}`)
    expect(settingOf(page, 'learning_rate')).toBeUndefined()
  }
  await typeOver(fieldNamed(page, 'batch_size'), '8.5')
  await page.getByText('A whole number is needed; found 8.5.').first().waitFor()
  await looksRight(page, 'number-fields', { fullPage: true })
  await typeOver(rate, '3e-4')
  await typeOver(fieldNamed(page, 'batch_size'), '16')
  await expect.poll(() => start.isEnabled(), WAIT).toBe(true)
  expect(settingOf(page, 'learning_rate')).toBe(3e-4)

  // Pressed straight from the field: what stands there cannot be read, so nothing starts; once it can, that is what the run has.
  await rate.fill('5e-')
  await start.click({ force: true })
  await page.getByText('found 5e-.').first().waitFor()
  expect(page.url()).toContain('/train/new')
  await rate.fill('5e-4')
  await start.click()
  await expect.poll(() => page.url(), WAIT).toContain('/train/run/')
  await page.getByText(/^Recipe: \d+ settings/).click(WAIT)
  expect(await page.getByRole('table', { name: 'Recipe' }).innerText()).toMatch(/learning_rate\s+0\.0005/)
  await page.getByRole('button', { name: 'Cancel' }).first().click()
  expect(problems).toEqual([])
  await page.context().close()
})

it('the fields beside the settings take what is typed', async () => {
  const { page, url, problems } = await openApp('#/data', { viewport: { width: 1360, height: 900 } })
  await page.getByTestId('drop-zone').waitFor(WAIT)
  await page.getByTestId('file-input').setInputFiles({ name: 'sample.csv', mimeType: 'text/csv', buffer: Buffer.from(sampleCsv()) })
  await page.getByTestId('dataset-card').waitFor(WAIT)
  const dataset = new URL(page.url().replace('#/', '')).searchParams.get('dataset') ?? ''
  const inTurn = async (names: readonly (readonly [name: string, typed: string])[]): Promise<void> => {
    for (const [name, typed] of names) {
      const field = page.getByLabel(name, { exact: true })
      await typeOver(field, typed)
      expect([name, await field.inputValue()]).toEqual([name, typed])
      await clearAndType(field, typed)
      expect([name, await field.inputValue()]).toEqual([name, typed])
    }
  }
  await page.getByRole('tab', { name: 'First batch' }).click()
  await inTurn([
    ['max_context_len', '1e3'],
    ['max_response_len', '64'],
  ])
  await page.goto(`${url}/#/train/new?algorithm=sft&data=${dataset}`)
  await page.getByTestId('train-start').waitFor(WAIT)
  await page.getByText(/^Checkpoints: every/).click()
  await inTurn([
    ['Rows', '1e1'],
    ['Seed', '-7'],
    ['Every so many steps', '5e0'],
    ['Every so many minutes', '.5'],
    ['GPU memory, GB', '1.5e1'],
  ])
  for (const part of ['rows=10', 'seed=-7', 'saveSteps=5', 'saveMinutes=0.5']) expect(page.url()).toContain(part)
  await page.goto(`${url}/#/evaluate`)
  await page.getByRole('button', { name: 'New evaluation' }).first().click(WAIT)
  await page.getByText('Sampling: among all tokens').click()
  await inTurn([
    ['Call budget', '7'],
    ['Model calls', '1e1'],
    ['Questions', '2e1'],
    ['Temperature', '7e-1'],
    ['Seed', '12'],
    ['top_p', '.9'],
    ['top_k', '5e1'],
    ['min_p', '1e-2'],
    ['repetition_penalty', '1.05'],
  ])
  const tries = fieldNamed(page, 'tries')
  await typeOver(tries, '2e0')
  expect(await tries.inputValue()).toBe('2e0')
  expect(await page.getByTestId('sampling-filters').locator('summary').innerText()).toBe(
    'Sampling: top_p 0.9, top_k 50, min_p 0.01, repetition_penalty 1.05',
  )
  expect(problems).toEqual([])
  await page.context().close()
}, 240_000)

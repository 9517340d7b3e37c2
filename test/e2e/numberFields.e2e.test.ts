/** Types into every numeric field as people do: key by key, over what is there, and leaving it empty. What was typed stays, and is what is meant. */
import type { Locator, Page } from 'playwright'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { sampleCsv } from '../../src/data/sampleCsv'
import { algorithms } from '../../src/training/algorithms'
import { fieldsFromSchema, type SchemaField } from '../../src/ui/widgets/schemaFields'
import { numberText, type NumberValue } from '../../src/ui/widgets/numberText'
import { openApp } from '../support/app'
import { looksRight } from '../support/looks'

const WAIT = { timeout: 60_000 }
const numeric = (schema: z.ZodType): readonly SchemaField[] =>
  fieldsFromSchema(z.toJSONSchema(schema, { io: 'input' })).filter(({ kind }) => kind === 'number' || kind === 'integer')

function settingOf(page: Page, name: string): unknown {
  const query = new URL(page.url().replace('#/', '')).searchParams
  return (JSON.parse(query.get('config') ?? '{}') as Record<string, unknown>)[name]
}
const fieldNamed = (page: Page, name: string): Locator => page.getByLabel(new RegExp(`^${name.replaceAll('.', '\\.')}( ◆)?$`)).first()

/** Selects what is there and types over it, as after a double click. */
async function typeOver(field: Locator, text: string): Promise<void> {
  await field.click()
  await field.press('ControlOrMeta+a')
  await field.pressSequentially(text)
  await field.press('Tab')
}
/** Takes what is there away character by character, then types. */
async function clearAndType(field: Locator, text: string): Promise<void> {
  await field.click()
  await field.press('End')
  for (let left = (await field.inputValue()).length; left > 0; left -= 1) await field.press('Backspace')
  await field.pressSequentially(text)
  await field.press('Enter')
}

it.each(Object.values(algorithms).map(({ name, title, config }) => [title, name, config] as const))(
  'every numeric field of %s takes what is typed',
  async (_title, algorithm, config) => {
    const { page, problems } = await openApp(`#/train/new?algorithm=${algorithm}`, { viewport: { width: 1360, height: 900 } })
    await page.getByTestId('train-start').waitFor(WAIT)
    await page.getByText(/^\d+ more settings/).click()
    for (const { name, kind, fallback } of numeric(config)) {
      const field = fieldNamed(page, name)
      const isWhole = kind === 'integer'
      const [first, value] = isWhole ? ['1e3', 1000] : ['1e-3', 0.001]
      await typeOver(field, first)
      expect([name, await field.inputValue()]).toEqual([name, first])
      await expect.poll(() => [name, settingOf(page, name)]).toEqual([name, value])

      const [second, other] = isWhole ? ['64', 64] : ['.25', 0.25]
      await clearAndType(field, second)
      expect([name, await field.inputValue()]).toEqual([name, second])
      await expect.poll(() => [name, settingOf(page, name)]).toEqual([name, other])

      // Nothing typed: the default, which the empty field shows.
      await clearAndType(field, '')
      expect([name, await field.inputValue()]).toEqual([name, ''])
      expect([name, await field.getAttribute('placeholder')]).toEqual([name, numberText(fallback as NumberValue)])
      await expect.poll(() => [name, settingOf(page, name)]).toEqual([name, undefined])
    }
    expect(problems).toEqual([])
    await page.context().close()
  },
  240_000,
)

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
    ['Questions', '2e1'],
    ['Temperature', '7e-1'],
    ['Seed', '12'],
    ['top_p', '.9'],
    ['top_k', '5e1'],
    ['min_p', '1e-2'],
    ['repetition_penalty', '1.05'],
  ])
  expect(await page.getByTestId('sampling-filters').locator('summary').innerText()).toBe(
    'Sampling: top_p 0.9, top_k 50, min_p 0.01, repetition_penalty 1.05',
  )
  expect(problems).toEqual([])
  await page.context().close()
}, 240_000)

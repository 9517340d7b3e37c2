/** Typing into the numeric fields of the form as people do: key by key, over what is there, and leaving a field empty. */
import type { Locator, Page } from 'playwright'
import { expect } from 'vitest'
import { z } from 'zod'
import { fieldsFromSchema, type SchemaField } from '../../src/ui/widgets/schemaFields'
import { numberText, type NumberValue } from '../../src/ui/widgets/numberText'
import { openApp } from './app'

export const WAIT = { timeout: 60_000 }
const numeric = (schema: z.ZodType): readonly SchemaField[] =>
  fieldsFromSchema(z.toJSONSchema(schema, { io: 'input' })).filter(({ kind }) => kind === 'number' || kind === 'integer')

export function settingOf(page: Page, name: string): unknown {
  const query = new URL(page.url().replace('#/', '')).searchParams
  return (JSON.parse(query.get('config') ?? '{}') as Record<string, unknown>)[name]
}
export const fieldNamed = (page: Page, name: string): Locator =>
  page.getByLabel(new RegExp(`^${name.replaceAll('.', '\\.')}( ◆)?$`)).first()

/** Selects what is there and types over it, as after a double click. */
export async function typeOver(field: Locator, text: string): Promise<void> {
  await field.click()
  await field.press('ControlOrMeta+a')
  await field.pressSequentially(text)
  await field.press('Tab')
}
/** Takes what is there away character by character, then types. */
export async function clearAndType(field: Locator, text: string): Promise<void> {
  await field.click()
  await field.press('End')
  for (let left = (await field.inputValue()).length; left > 0; left -= 1) await field.press('Backspace')
  await field.pressSequentially(text)
  await field.press('Enter')
}

/** Types into every numeric field of an algorithm's settings: what was typed stays, and is what the form then holds. */
export async function typeIntoEveryField(algorithm: string, config: z.ZodType): Promise<void> {
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
}

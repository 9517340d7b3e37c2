import { expect, test } from 'vitest'
import { ownsEnter, ownsKeys, takesText, type KeyTarget } from '../../src/ui/navigation/keyTargets'

/** An element of which `inside` are the selectors that match it or something around it. */
const element = (tagName: string, fields: Partial<KeyTarget> = {}, inside: readonly string[] = []): KeyTarget => ({
  tagName,
  ...fields,
  closest: (selector) => (selector.split(', ').some((part) => inside.includes(part)) ? {} : null),
})

test('keys go on meaning the page after a click on a toggle, a switch, a slider or a list that is chosen from', () => {
  for (const type of ['radio', 'checkbox', 'range', 'button']) expect(ownsKeys(element('INPUT', { type })), type).toBe(false)
  expect(ownsKeys(element('INPUT', { type: 'text', readOnly: true }))).toBe(false)
  expect(ownsKeys(element('BUTTON', {}, ['button']))).toBe(false)
})

test('keys are text in a field, and belong to an open list and to a dialog', () => {
  for (const type of ['text', 'search', 'number', 'url']) expect(takesText(element('INPUT', { type })), type).toBe(true)
  for (const tag of ['TEXTAREA', 'SELECT']) expect(ownsKeys(element(tag))).toBe(true)
  expect(ownsKeys(element('DIV', { isContentEditable: true }))).toBe(true)
  expect(ownsKeys(element('BUTTON', {}, ['[role="dialog"]']))).toBe(true)
  expect(ownsKeys(element('INPUT', { readOnly: true }, ['[aria-expanded="true"][aria-haspopup="listbox"]']))).toBe(true)
})

test('Enter means a control that has the focus', () => {
  for (const tag of ['button', 'input', 'a']) expect(ownsEnter(element(tag.toUpperCase(), {}, [tag]))).toBe(true)
  expect(ownsEnter(element('DIV'))).toBe(false)
})

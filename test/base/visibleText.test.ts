import { expect, test } from 'vitest'
import { visibleJson, visibleText } from '../../src/base/visibleText'

const hostile = 'ok\u001b[31mred\u009b0m\u202Eevil\u2066\u200b\u{E0041}\r\u061c\u00ad'

test('escape codes, overrides and invisible characters are text in a terminal and on the page', () => {
  const shown = visibleText(hostile)
  expect(shown).toMatch(/^ok␛\[31mred⟨U\+009B⟩0m⟨U\+202E⟩evil/)
  expect(shown).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2066-\u2069]/)
  expect(visibleText('a\tb\nc 😀 é')).toBe('a\tb\nc 😀 é')
})

test('longer text is cut at a character, and says how much more there is', () => {
  expect(visibleText('x'.repeat(5000), 100)).toBe(`${'x'.repeat(100)}… (4,900 more characters)`)
  expect(visibleText('😀'.repeat(3), 3)).toBe('😀… (4 more characters)')
  expect(visibleText('short', 100)).toBe('short')
})

test('JSON for a terminal holds escapes, and reads back as it was', () => {
  const text = visibleJson({ [hostile]: [hostile] })
  expect(text).not.toMatch(/[\u007f-\u009f\u202e\u200b\u{E0041}]/u)
  expect(JSON.parse(text)).toEqual({ [hostile]: [hostile] })
})

import { expect, test } from 'vitest'
import { foldText, visibleParts } from '../../src/ui/trajectory/controlCharacters'

test('ordinary text, tabs and newlines stay one part', () => {
  expect(visibleParts('a\tb\nc')).toEqual([{ text: 'a\tb\nc', control: null }])
})

test('escapes, overrides, zero-width and tag characters are drawn with their names', () => {
  const parts = visibleParts('ok\u001b[31mred\u202Eevil\u200b\u{E0041}\r')
  expect(parts.filter((part) => part.control !== null).map((part) => part.text)).toEqual(['␛', 'RLO', 'ZWSP', 'TAG 0041', '␍'])
  expect(parts.map((part) => part.control).filter(Boolean)[1]).toBe('right-to-left override')
  // Nothing hidden is left in what is drawn.
  expect(parts.map((part) => part.text).join('')).not.toMatch(/[\u001b\u202e\u200b\r]/)
})

test('emoji and other astral characters are left alone', () => {
  expect(visibleParts('😀 ok')).toEqual([{ text: '😀 ok', control: null }])
})

test('folding keeps whole lines and says what remains', () => {
  expect(foldText('1\n2\n3\n4', 2)).toEqual({ shown: '1\n2', hiddenLines: 2, hiddenCharacters: 4 })
  expect(foldText('x'.repeat(50), 6, 10)).toEqual({ shown: 'x'.repeat(10), hiddenLines: 0, hiddenCharacters: 40 })
})

import { expect, test } from 'vitest'
import { foldText, visibleParts } from '../../src/ui/trajectory/controlCharacters'

test('ordinary text, tabs and newlines stay one part', () => {
  expect(visibleParts('a\tb\nc')).toEqual([{ text: 'a\tb\nc', control: null }])
})

test('escapes, overrides, zero-width and tag characters are drawn with their names', () => {
  const parts = visibleParts('ok\u001b[31mred\u202Eevil\u200b\u{E0041}\r')
  expect(parts.filter((part) => part.control !== null).map((part) => part.text)).toEqual(['ESC', 'RLO', 'ZWSP', 'TAG 0041', 'CR'])
  expect(parts.map((part) => part.control).filter(Boolean)[1]).toBe('right-to-left override')
  // Nothing hidden is left in what is drawn.
  expect(parts.map((part) => part.text).join('')).not.toMatch(/[\u001b\u202e\u200b\r]/)
})

test('emoji and other astral characters are left alone', () => {
  expect(visibleParts('😀 ok')).toEqual([{ text: '😀 ok', control: null }])
})

test('folding keeps the first lines and knows when there is more', () => {
  expect(foldText('1\n2\n3\n4', 2)).toEqual({ shown: '1\n2', folds: true })
  expect(foldText('short', 6)).toEqual({ shown: 'short', folds: false })
  expect(foldText('x'.repeat(5000), 6)).toEqual({ shown: 'x'.repeat(1200), folds: true })
})

/** The words of a slot's state have the same places in WGSL and in TypeScript. */
import { expect, test } from 'vitest'
import { shaderSource } from '../../src/engine/device/shaders'
import { NO_SLOT } from '../../src/engine/ops/kvCache'
import { SLOT, SLOT_WORDS } from '../../src/engine/ops/sample'

const declared = Object.fromEntries(
  [...shaderSource('common/slot_state').matchAll(/^const (\w+) = (\w+)u;/gm)].map(([, name = '', value]) => [name, Number(value)]),
)
const upperSnake = (name: string): string => name.replace(/[A-Z]/g, '_$&').toUpperCase()

test('shaders/common/slot_state.wgsl and SLOT agree word for word', () => {
  const { SLOT_WORDS: words, STOP_IDS, REASON_STOP, REASON_LENGTH, NO_SLOT: none, ...places } = declared
  expect(places).toEqual(Object.fromEntries(Object.entries(SLOT).map(([name, word]) => [`SLOT_${upperSnake(name)}`, word])))
  expect(words).toBe(SLOT_WORDS)
  expect(STOP_IDS).toBe(SLOT.reason - SLOT.stop)
  expect([REASON_STOP, REASON_LENGTH]).toEqual([1, 2])
  expect(none).toBe(NO_SLOT)
})

test('the sampling kernel names every word that it reads or writes', () => {
  expect(shaderSource('generate/sample')).not.toMatch(/slot_state\[state( \+ \d+u)?\]/)
})

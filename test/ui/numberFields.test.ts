/** Every numeric field of the page is one component, whose text is read as people write numbers. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { numberText, readNumber } from '../../src/ui/widgets/numberText'
import { filesUnder, projectRoot } from '../support/sources'

const value = (text: string): unknown => {
  const reading = readNumber(text)
  return reading.problem === null ? reading.value : reading.problem
}

describe('numeric fields', () => {
  it('take numbers as people write them', () => {
    const typed = ['1e-3', '.5', '5.', '-0.25', '+3', '1E6', ' 8 ', '−2', '0.0000001']
    expect(typed.map(value)).toEqual([1e-3, 0.5, 5, -0.25, 3, 1e6, 8, -2, 1e-7])
    expect([value(''), value('  ')]).toEqual([undefined, undefined])
  })
  it('write a value so that it is read back', () => {
    for (const number of [1e-8, 1e21, 0.1 + 0.2, -13, 5e-324, 100_000]) expect(value(numberText(number))).toBe(number)
    expect(readNumber(numberText(null), { isNullable: true })).toEqual({ value: null, problem: null })
  })
  it('say in words what is wrong', () => {
    expect(value('1e-')).toBe('A number is needed, such as 0.5 or 1e-3; found 1e-.')
    expect(value('0x10')).toMatch(/^A number is needed/)
    expect(value('Infinity')).toMatch(/^A number is needed/)
    expect(value('1e999')).toMatch(/^A number is needed/)
    expect(value('0,5')).toBe('Write 0.5, with a point.')
    expect(value('1,000')).toBe('Write 1000, without commas.')
    expect(readNumber('8.5', { isWhole: true })).toEqual({ problem: 'A whole number is needed; found 8.5.' })
    expect(readNumber('0', { above: 0 })).toEqual({ problem: 'Expected > 0; found 0.' })
    expect(readNumber('1', { minimum: 0, below: 1 })).toEqual({ problem: 'Expected ≥ 0, < 1; found 1.' })
    expect(readNumber('none')).toMatchObject({ problem: expect.stringMatching(/^A number is needed/) as unknown })
  })
  it('are one component: no other is used in the page', () => {
    const files = filesUnder(join(projectRoot, 'src/ui')).filter((file) => file.endsWith('.tsx'))
    const others = files.filter((file) => /\bNumberInput\b/.test(readFileSync(file, 'utf8')))
    expect(others).toEqual([])
  })
})

/** Learning-rate factors against transformers' `get_scheduler`. Golden: test/golden/schedules.py. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { scheduleFactor, SCHEDULES } from '../../src/training/policy/schedule'

const schema = z.object({
  cases: z.array(z.object({ name: z.enum(SCHEDULES), total: z.int(), warmup: z.int(), factors: z.array(z.number()) })),
})
const { cases } = schema.parse(JSON.parse(readFileSync(new URL('../golden/schedules_golden.json', import.meta.url), 'utf8')))

describe('schedules', () => {
  it('are all in the golden', () => {
    expect([...new Set(cases.map(({ name }) => name))]).toEqual([...SCHEDULES])
  })

  it.each(cases)('$name over $total steps, $warmup of warm-up', ({ name, total, warmup, factors }) => {
    expect(factors).toHaveLength(total)
    factors.forEach((factor, step) => {
      expect(scheduleFactor(name, step, total, warmup), `step ${step}`).toBeCloseTo(factor, 14)
    })
  })
})

/** test/golden/steptool_ppo_vectors.json: two sequences through StepTool's arithmetic, released and paper, in float64. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

const grid = z.array(z.array(z.number()))
const results = z.object({
  rewards: grid,
  adv_raw: grid,
  adv_whitened: grid,
  returns: grid,
  pg_loss: z.number(),
  vf_loss: z.number(),
  total: z.number(),
})
const schema = z.object({
  inputs: z.object({
    mask: grid,
    scores: grid,
    logprobs: grid,
    ref_logprobs: grid,
    values: grid,
    kl_coef: z.number(),
    gamma: z.number(),
    lam: z.number(),
  }),
  released: results,
  paper: results,
  new_logprobs: grid,
  new_values: grid,
  adaptive_kl: z.array(z.tuple([z.number(), z.number()])),
})

export const vectors = schema.parse(JSON.parse(readFileSync(join(import.meta.dirname, '../golden/steptool_ppo_vectors.json'), 'utf8')))

/** The vectors' numbers have six decimals. */
export const ROUNDING = 6e-7

/** Step of each position's token: runs of ones in the mask, in order; −1 elsewhere. Position t is TRL's: it predicts token t + 1. */
export function stepsOfMask(mask: readonly number[]): number[] {
  let step = -1
  return mask.map((m, t) => {
    if (m === 1 && mask[t - 1] !== 1) step++
    return m === 1 ? step : -1
  })
}

export function maxDifference(found: readonly (readonly number[])[], expected: readonly (readonly number[])[]): number {
  return Math.max(...expected.flatMap((row, s) => row.map((value, t) => Math.abs(value - (found[s]?.[t] ?? Number.NaN)))))
}

import { f32, fold, input, output, u32 } from '../kernel'
import { apply, at, fail } from '../op'
import type { NumberArray, Op } from '../op'
import { floats, words } from '../tensor'
import type { Tensor } from '../tensor'

export interface PpoLossParams {
  readonly cliprange: number
  readonly cliprangeValue: number
  readonly vfCoef: number
}

/** Words of the sums over a micro-batch; `ppoMinibatch` turns the sums over a whole mini-batch into means. */
export const PPO_SUM = {
  rows: 0,
  policy: 1,
  value: 2,
  ratio: 3,
  policyClipped: 4,
  valueClipped: 5,
  squaredLogRatio: 6,
  logRatio: 7,
  entropy: 8,
  vpred: 9,
  valueError: 10,
} as const
export const PPO_SUM_WORDS = 16

/** One token's terms of the clipped losses. */
export function ppoTerms(
  now: { readonly logp: number; readonly value: number },
  old: { readonly logp: number; readonly value: number; readonly advantage: number; readonly returns: number },
  { cliprange, cliprangeValue }: Pick<PpoLossParams, 'cliprange' | 'cliprangeValue'>,
): { ratio: number; policy: number; isPolicyClipped: boolean; value: number; isValueClipped: boolean } {
  const ratio = Math.exp(now.logp - old.logp)
  const plain = -old.advantage * ratio
  const clipped = -old.advantage * Math.min(Math.max(ratio, 1 - cliprange), 1 + cliprange)
  const near = Math.max(Math.min(now.value, old.value + cliprangeValue), old.value - cliprangeValue)
  const plainError = (now.value - old.returns) ** 2
  const clippedError = (near - old.returns) ** 2
  return {
    ratio,
    policy: Math.max(plain, clipped),
    isPolicyClipped: clipped > plain,
    value: 0.5 * Math.max(plainError, clippedError),
    isValueClipped: clippedError > plainError,
  }
}

/**
 * Clipped PPO (Schulman 2017, arXiv:1707.06347) with TRL's clipped value loss, over the rows of one micro-batch:
 *   policy = max(−A ρ, −A clip(ρ, 1 ± ε)),  ρ = exp(logp − logp_old);  value = ½ max((V − R)², (clip(V, V_old ± ε_v) − R)²)
 *   loss = weight Σ_r (policy_r + vf_coef value_r),  weight = 1 / tokens of the whole mini-batch.
 * Inputs: logp [R], value [R, 1], entropy [R], tableRow u32 [R], table [B, 4] = (logp_old, V_old, A, R), weight [4] (word 0), counts.
 * Outputs: dlogp [R], dvalue [R, 1], sums [16] (`PPO_SUM`), unweighted.
 */
export const ppoLossOp: Op<PpoLossParams> = {
  name: 'ppoLoss',
  infer: ([logp, value, entropy, tableRow, table]) => {
    const rows = logp?.shape.join()
    if (
      logp?.shape.length !== 1 ||
      value?.shape.join() !== [...logp.shape, 1].join() ||
      entropy?.shape.join() !== rows ||
      tableRow?.shape.join() !== rows ||
      table?.shape[1] !== 4
    )
      fail(
        'ppoLoss',
        'logp [R], value [R, 1], entropy [R], tableRow [R], table [B, 4]',
        logp?.shape,
        value?.shape,
        entropy?.shape,
        tableRow?.shape,
        table?.shape,
      )
    return [floats(...logp.shape), floats(...value.shape), floats(PPO_SUM_WORDS)]
  },
  reference: (arrays, specs, params) => {
    const rows = at(specs, 0).shape[0] ?? 0
    const weight = at(arrays, 5)[0] ?? 0
    const dlogp = new Float64Array(rows)
    const dvalue = new Float64Array(rows)
    const sums = new Float64Array(PPO_SUM_WORDS)
    for (let r = 0; r < Math.min(rows, at(arrays, 6)[1] ?? 0); r++) {
      const now = { logp: at(arrays, 0)[r] ?? 0, value: at(arrays, 1)[r] ?? 0 }
      const old = rolloutRow(at(arrays, 4), at(arrays, 3)[r] ?? 0)
      const terms = ppoTerms(now, old, params)
      const near = Math.max(Math.min(now.value, old.value + params.cliprangeValue), old.value - params.cliprangeValue)
      dlogp[r] = terms.isPolicyClipped ? 0 : -weight * old.advantage * terms.ratio
      // A value beyond its clip range moves no clipped error.
      const slope = terms.isValueClipped ? (near === now.value ? near - old.returns : 0) : now.value - old.returns
      dvalue[r] = weight * params.vfCoef * slope
      const delta = now.logp - old.logp
      const add = [
        1,
        terms.policy,
        terms.value,
        terms.ratio,
        Number(terms.isPolicyClipped),
        Number(terms.isValueClipped),
        delta ** 2,
        delta,
        at(arrays, 2)[r] ?? 0,
        now.value,
        (now.value - old.returns) ** 2,
      ]
      add.forEach((term, k) => (sums[k] = (sums[k] ?? 0) + term))
    }
    return [dlogp, dvalue, sums]
  },
  kernel: (inputs, _outputs, params) => {
    const rows = at(inputs, 0).shape[0] ?? 0
    const words = [u32(rows), f32(params.cliprange), f32(params.cliprangeValue), f32(params.vfCoef)]
    return {
      dispatches: [
        {
          shader: 'loss/ppo_gradient',
          bindings: [input(0), input(1), input(3), input(4), input(5), input(6), output(0), output(1)],
          params: words,
          workgroups: fold(Math.ceil(rows / 64)),
          flops: 24 * rows,
          bytes: 36 * rows,
        },
        {
          shader: 'loss/ppo_sums',
          bindings: [input(0), input(1), input(2), input(3), input(4), input(6), output(2)],
          params: words,
          workgroups: [1, 1, 1],
          flops: 40 * rows,
          bytes: 32 * rows,
        },
      ],
    }
  },
  examples: [
    {
      label: 'clipped and not',
      inputs: [floats(70), floats(70, 1), floats(70), words(70), floats(90, 4), floats(4), words(4)],
      params: { cliprange: 0.2, cliprangeValue: 0.2, vfCoef: 0.1 },
      values: {
        0: Array.from({ length: 70 }, (_, r) => -1 - 0.05 * r + 0.4 * Math.sin(r)),
        3: Array.from({ length: 70 }, (_, r) => r + 11),
        4: Array.from({ length: 360 }, (_, k) => (k % 4 === 0 ? -1 - 0.05 * (k / 4 - 11) : Math.sin(k * 1.7))),
        5: [1 / 66, 0, 0, 0],
        6: [90, 66, 1, 0],
      },
    },
  ],
}

function rolloutRow(table: NumberArray, row: number): { logp: number; value: number; advantage: number; returns: number } {
  return { logp: table[row * 4] ?? 0, value: table[row * 4 + 1] ?? 0, advantage: table[row * 4 + 2] ?? 0, returns: table[row * 4 + 3] ?? 0 }
}

export interface PpoLossInputs {
  readonly logp: Tensor
  readonly value: Tensor
  readonly entropy: Tensor
  readonly tableRow: Tensor
  readonly table: Tensor
  readonly weight: Tensor
  readonly counts: Tensor
}

/** Cotangents dlogp [R] and dvalue [R, 1] of the clipped PPO losses, with their sums [16]; see `ppoLossOp`. */
export function ppoLoss(rows: PpoLossInputs, params: PpoLossParams): { dlogp: Tensor; dvalue: Tensor; sums: Tensor } {
  const outputs = apply(ppoLossOp, [rows.logp, rows.value, rows.entropy, rows.tableRow, rows.table, rows.weight, rows.counts], params)
  return { dlogp: at(outputs, 0), dvalue: at(outputs, 1), sums: at(outputs, 2) }
}

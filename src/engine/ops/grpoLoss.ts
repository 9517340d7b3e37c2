import { f32, fold, input, output, u32 } from '../kernel'
import { apply, at, fail } from '../op'
import type { NumberArray, Op } from '../op'
import { floats, words } from '../tensor'
import type { Tensor } from '../tensor'

export interface GrpoLossParams {
  /** The ratio earns nothing below 1 − this (where A < 0). */
  readonly epsilonLow: number
  /** … nor above 1 + this (where A > 0); for `cispo` the ratio's weight is at most this. */
  readonly epsilonHigh: number
  /** Upper bound of the unclipped ratio (two-sided clipping, INTELLECT-2); null: none. */
  readonly delta: number | null
  /** Weight of the k3 estimate of KL(π ‖ π_ref). */
  readonly beta: number
  /** Whether k3 is weighed by the ratio, which makes its gradient the unbiased one of the reverse KL (DeepSeek-V3.2, arXiv:2512.02556). */
  readonly isKlCorrected: boolean
  /** `sequence`: one ratio per sequence, exp of the mean log-ratio (GSPO, arXiv:2507.18071). */
  readonly level: 'token' | 'sequence'
  readonly isCispo: boolean
}

/** Words of the sums over a micro-batch. `units` counts rows, or sequences if the ratio is per sequence. */
export const GRPO_SUM = { rows: 0, loss: 1, kl: 2, entropy: 3, units: 4, low: 5, high: 6, ratio: 7 } as const
export const GRPO_SUM_WORDS = 8

interface GrpoTerm {
  readonly loss: number
  /** Derivative of `loss` in the log-ratio. */
  readonly slope: number
  readonly isLow: boolean
  readonly isHigh: boolean
}

/** One token's policy term. */
function grpoTerm(logp: number, logRatio: number, advantage: number, params: GrpoLossParams): GrpoTerm {
  const ratio = Math.exp(logRatio)
  if (params.isCispo) {
    const weight = Math.min(ratio, params.epsilonHigh)
    const isHigh = ratio > params.epsilonHigh && advantage > 0
    return { loss: -weight * advantage * logp, slope: -weight * advantage, isLow: false, isHigh }
  }
  const [lowest, highest] = [1 - params.epsilonLow, 1 + params.epsilonHigh]
  const near = Math.min(Math.max(ratio, lowest), highest)
  const capped = params.delta === null ? ratio : Math.min(ratio, params.delta)
  const [plain, clipped] = [capped * advantage, near * advantage]
  const plainSlope = capped < ratio ? 0 : -advantage * ratio
  const clippedSlope = ratio >= lowest && ratio <= highest ? -advantage * ratio : 0
  // Where both are equal torch.min gives each half.
  const slope = plain < clipped ? plainSlope : clipped < plain ? clippedSlope : 0.5 * (plainSlope + clippedSlope)
  return { loss: -Math.min(plain, clipped), slope, isLow: capped < lowest && advantage < 0, isHigh: capped > highest && advantage > 0 }
}

/**
 * GRPO's clipped loss (Shao 2024, arXiv:2402.03300) in TRL's forms, over the rows of one micro-batch that holds whole sequences:
 *   loss = Σ_r weight_r (policy_r + beta c_r k3_r),  policy = −min(ρ A, clip(ρ, 1 − ε, 1 + ε_high) A),  ρ = exp(logp − logp_old)
 * with c = ρ where `isKlCorrected`, else 1. How tokens are averaged (grpo, dr_grpo, bnpo, dapo) lies in `weight`. Inputs: logp [R], entropy [R], tableRow u32 [R],
 * table [B, 4] = (logp_old, logp_ref, A, 0), span u32 [R, 2] = first and end row of the row's sequence, weight [R], counts.
 * Outputs: dlogp [R], sums [8] (`GRPO_SUM`).
 */
export const grpoLossOp: Op<GrpoLossParams> = {
  name: 'grpoLoss',
  infer: ([logp, entropy, tableRow, table, span, weight]) => {
    const rows = logp?.shape.join()
    const same = [entropy, tableRow, weight].every((one) => one?.shape.join() === rows)
    if (logp?.shape.length !== 1 || !same || table?.shape[1] !== 4 || span?.shape.join() !== [...logp.shape, 2].join())
      fail('grpoLoss', 'logp, entropy, tableRow and weight [R], table [B, 4], span [R, 2]', logp?.shape, table?.shape, span?.shape)
    return [floats(...logp.shape), floats(GRPO_SUM_WORDS)]
  },
  reference: (arrays, specs, params) => {
    const rows = at(specs, 0).shape[0] ?? 0
    const live = Math.min(rows, at(arrays, 6)[1] ?? 0)
    const [logp, entropy, weight] = [at(arrays, 0), at(arrays, 1), at(arrays, 5)]
    const old = (r: number): { logp: number; ref: number; advantage: number } => tableRowOf(at(arrays, 3), at(arrays, 2)[r] ?? 0)
    const spanOf = (r: number): readonly [number, number] => [at(arrays, 4)[2 * r] ?? 0, at(arrays, 4)[2 * r + 1] ?? 0]
    const logRatio = (r: number): number => {
      if (params.level === 'token') return (logp[r] ?? 0) - old(r).logp
      const [first, end] = spanOf(r)
      let sum = 0
      for (let t = first; t < end; t++) sum += (logp[t] ?? 0) - old(t).logp
      return sum / Math.max(1, end - first)
    }
    const dlogp = new Float64Array(rows)
    const sums = new Float64Array(GRPO_SUM_WORDS)
    for (let r = 0; r < live; r++) {
      const ratio = logRatio(r)
      const term = grpoTerm(logp[r] ?? 0, ratio, old(r).advantage, params)
      const x = old(r).ref - (logp[r] ?? 0)
      const w = weight[r] ?? 0
      const [first, end] = spanOf(r)
      const length = Math.max(1, end - first)
      let slope = w * term.slope
      if (params.level === 'sequence' && !params.isCispo) {
        slope = 0
        for (let t = first; t < end; t++) slope += (weight[t] ?? 0) * grpoTerm(logp[t] ?? 0, ratio, old(t).advantage, params).slope
        slope /= length
      }
      const k3At = (t: number): number => {
        const gap = old(t).ref - (logp[t] ?? 0)
        return Math.exp(gap) - gap - 1
      }
      const weighed = params.isKlCorrected ? Math.exp(ratio) : 1
      const k3 = params.beta === 0 ? 0 : weighed * k3At(r)
      let ratioSlope = 0
      if (params.isKlCorrected) {
        const [from, to] = params.level === 'sequence' ? [first, end] : [r, r + 1]
        for (let t = from; t < to; t++) ratioSlope += ((weight[t] ?? 0) * k3At(t)) / Math.max(1, to - from)
      }
      dlogp[r] = slope + (params.beta === 0 ? 0 : params.beta * weighed * (w * (1 - Math.exp(x)) + ratioSlope))
      const unit = params.level === 'sequence' ? 1 / length : 1
      const add = [
        ...[1, w * (term.loss + params.beta * k3), k3, entropy[r] ?? 0],
        ...[unit, unit * Number(term.isLow), unit * Number(term.isHigh), unit * Math.exp(ratio)],
      ]
      add.forEach((value, k) => (sums[k] = (sums[k] ?? 0) + value))
    }
    return [dlogp, sums]
  },
  kernel: (inputs, _outputs, params) => {
    const rows = at(inputs, 0).shape[0] ?? 0
    const words = [u32(rows), f32(params.epsilonLow), f32(params.epsilonHigh), f32(params.delta ?? 0), f32(params.beta)]
    const constants = {
      SEQUENCE: Number(params.level === 'sequence'),
      CISPO: Number(params.isCispo),
      HAS_DELTA: Number(params.delta !== null),
      KL: params.beta === 0 ? 0 : params.isKlCorrected ? 2 : 1,
    }
    return {
      dispatches: [
        {
          shader: 'loss/grpo_gradient',
          constants,
          bindings: [input(0), input(2), input(3), input(4), input(5), input(6), output(0)],
          params: words,
          workgroups: fold(Math.ceil(rows / 64)),
          flops: 24 * rows,
          bytes: 36 * rows,
        },
        {
          shader: 'loss/grpo_sums',
          constants,
          bindings: [input(0), input(1), input(2), input(3), input(4), input(5), input(6), output(1)],
          params: words,
          workgroups: [1, 1, 1],
          flops: 30 * rows,
          bytes: 36 * rows,
        },
      ],
    }
  },
  examples: [
    example('dapo: higher above than below', { epsilonHigh: 0.28 }),
    example('kl and delta', { beta: 0.04, delta: 1.3 }),
    example('a ratio per sequence', { level: 'sequence', epsilonLow: 0.02, epsilonHigh: 0.03, beta: 0.1 }),
    example('kl weighed by the ratio', { beta: 0.1, isKlCorrected: true }),
    example('kl weighed by a ratio per sequence', {
      level: 'sequence',
      epsilonLow: 0.02,
      epsilonHigh: 0.03,
      beta: 0.1,
      isKlCorrected: true,
    }),
    example('cispo', { isCispo: true, epsilonHigh: 1.1 }),
  ],
}

function example(label: string, given: Partial<GrpoLossParams>) {
  const rows = 70
  // Seven sequences of nine rows, then one of three; four rows are no longer live.
  const firstOf = (r: number): number => Math.floor(r / 9) * 9
  const params: GrpoLossParams = {
    ...{ epsilonLow: 0.2, epsilonHigh: 0.2, delta: null, beta: 0, isKlCorrected: false, level: 'token', isCispo: false },
    ...given,
  }
  return {
    label,
    inputs: [floats(rows), floats(rows), words(rows), floats(90, 4), words(rows, 2), floats(rows), words(4)],
    params,
    values: {
      0: Array.from({ length: rows }, (_, r) => -1 - 0.05 * r + 0.4 * Math.sin(r)),
      2: Array.from({ length: rows }, (_, r) => r + 11),
      3: Array.from({ length: 360 }, (_, k) => (k % 4 < 2 ? -1 - 0.05 * (Math.floor(k / 4) - 11) + 0.1 * (k % 4) : Math.sin(k * 1.7))),
      4: Array.from({ length: 2 * rows }, (_, k) => (k % 2 === 0 ? firstOf(k >> 1) : Math.min(66, firstOf(k >> 1) + 9))),
      5: Array.from({ length: rows }, (_, r) => (1 + (r % 3)) / 66),
      6: [90, 66, 8, 0],
    },
  }
}

function tableRowOf(table: NumberArray, row: number): { logp: number; ref: number; advantage: number } {
  return { logp: table[row * 4] ?? 0, ref: table[row * 4 + 1] ?? 0, advantage: table[row * 4 + 2] ?? 0 }
}

export interface GrpoLossInputs {
  readonly logp: Tensor
  readonly entropy: Tensor
  readonly tableRow: Tensor
  readonly table: Tensor
  readonly span: Tensor
  readonly weight: Tensor
  readonly counts: Tensor
}

/** The cotangent dlogp [R] of GRPO’s loss, with its sums [8]; see `grpoLossOp`. */
export function grpoLoss(rows: GrpoLossInputs, params: GrpoLossParams): { dlogp: Tensor; sums: Tensor } {
  const outputs = apply(grpoLossOp, [rows.logp, rows.entropy, rows.tableRow, rows.table, rows.span, rows.weight, rows.counts], params)
  return { dlogp: at(outputs, 0), sums: at(outputs, 1) }
}

import { f32, fold, input, output, u32 } from '../kernel'
import { apply, at, fail } from '../op'
import type { NumberArray, Op } from '../op'
import { floats, words } from '../tensor'
import type { Tensor } from '../tensor'

export const DPO_LOSS_TYPES = ['sigmoid', 'robust', 'hinge', 'ipo'] as const
export type DpoLossType = (typeof DPO_LOSS_TYPES)[number]

export interface DpoLossParams {
  readonly lossType: DpoLossType
  /** Weight of the log-ratios; for `ipo` the paper's τ. Above 0. */
  readonly beta: number
  /** Probability ε that a pair is the wrong way round, 0 ≤ ε < ½; `sigmoid` and `robust` only. */
  readonly labelSmoothing: number
}

/** Words of a pair's results. `slope…` is the derivative of the loss with respect to that side's log-prob. */
export const DPO_PAIR = {
  logpChosen: 0,
  logpRejected: 1,
  ratioChosen: 2,
  ratioRejected: 3,
  loss: 4,
  slopeChosen: 5,
  slopeRejected: 6,
} as const
export const DPO_PAIR_WORDS = 8

/** Words of the sums over a micro-batch. */
export const DPO_SUM = {
  ...{ pairs: 0, loss: 1, rewardChosen: 2, rewardRejected: 3, margin: 4, accuracy: 5, logpChosen: 6, logpRejected: 7 },
  ...{ rows: 8, entropy: 9, chosenRows: 10, chosenHits: 11, logitsChosen: 12, logitsRejected: 13, rejectedRows: 14 },
} as const
export const DPO_SUM_WORDS = 16

const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))

/**
 * Weights of −log σ(βΔ) and −log σ(−βΔ). `sigmoid`: 1 − ε and ε (cDPO, Mitchell 2023). `robust`: unbiased where a share ε of the
 * pairs is the wrong way round (arXiv:2403.00409 eq. 12).
 */
function logisticWeights({ lossType, labelSmoothing: epsilon }: DpoLossParams): { kept: number; flipped: number } {
  const scale = lossType === 'robust' ? 1 / (1 - 2 * epsilon) : 1
  return { kept: (1 - epsilon) * scale, flipped: (lossType === 'robust' ? -epsilon : epsilon) * scale }
}

interface PairTerm {
  readonly loss: number
  readonly slopeChosen: number
  readonly slopeRejected: number
}

/** One pair, from the log-ratios and numbers of tokens of its sides. */
function pairTerm(chosen: { ratio: number; rows: number }, rejected: { ratio: number; rows: number }, params: DpoLossParams): PairTerm {
  const { beta, lossType } = params
  const x = beta * (chosen.ratio - rejected.ratio)
  const even = (loss: number, slope: number): PairTerm => ({ loss, slopeChosen: slope, slopeRejected: -slope })
  switch (lossType) {
    case 'sigmoid':
    case 'robust': {
      const { kept, flipped } = logisticWeights(params)
      return even(kept * softplus(-x) + flipped * softplus(x), beta * (flipped * sigmoid(x) - kept * sigmoid(-x)))
    }
    case 'hinge':
      return even(Math.max(0, 1 - x), 1 - x > 0 ? -beta : 0)
    case 'ipo': {
      const [long, short] = [Math.max(1, chosen.rows), Math.max(1, rejected.rows)]
      const gap = chosen.ratio / long - rejected.ratio / short - 0.5 / beta
      return { loss: gap ** 2, slopeChosen: (2 * gap) / long, slopeRejected: (-2 * gap) / short }
    }
  }
}

/**
 * Direct preference optimization (Rafailov 2023, arXiv:2305.18290 eq. 7) in TRL's forms, over the pairs of one micro-batch:
 *   Δ = Σ_chosen (logp − ref) − Σ_rejected (logp − ref), sums over an answer's own tokens
 *   sigmoid −log σ(βΔ), smoothed as cDPO · robust (arXiv:2403.00409) · hinge max(0, 1 − βΔ) · ipo (Δ of token means − 1/2β)² (arXiv:2310.12036)
 * Pair p is sequences 2p (chosen) and 2p + 1 (rejected). Inputs: logp [R], ref [R], entropy [R] in nats, rowSequence u32 [R],
 * firstRow u32 [2P + 1] = first row of each sequence then their end, weight [P] of each pair in the loss, counts (rows at 1, sequences at 2),
 * isTop1 [R] (see logProb), meanLogits [R] or [R, 1]: the mean over the vocabulary of the row's logits.
 * Outputs: dlogp [R] of Σ weight · loss, pairs [P, 8] (`DPO_PAIR`), sums [16] (`DPO_SUM`; its loss is weighted). A side may be empty.
 */
export const dpoLossOp: Op<DpoLossParams> = {
  name: 'dpoLoss',
  infer: ([logp, ref, entropy, rowSequence, firstRow, weight, , isTop1, meanLogits]) => {
    const rows = logp?.shape.join()
    const same = [ref, entropy, rowSequence, isTop1].every((one) => one?.shape.join() === rows) && meanLogits?.shape[0] === logp?.shape[0]
    const pairs = weight?.shape[0] ?? 0
    if (logp?.shape.length !== 1 || !same || weight?.shape.length !== 1 || firstRow?.shape.join() !== String(2 * pairs + 1))
      fail(
        'dpoLoss',
        'logp, ref, entropy, rowSequence, isTop1 and meanLogits [R], weight [P], firstRow [2P + 1]',
        logp?.shape,
        weight?.shape,
        firstRow?.shape,
      )
    return [floats(...logp.shape), floats(pairs, DPO_PAIR_WORDS), floats(DPO_SUM_WORDS)]
  },
  reference: (arrays, specs, params) => {
    const [rows, pairCount] = [at(specs, 0).shape[0] ?? 0, at(specs, 5).shape[0] ?? 0]
    const [logp, ref, entropy, rowSequence, firstRow, weight, counts, isTop1, meanLogits] = arrays.slice(0, 9) as [
      ...[NumberArray, NumberArray, NumberArray, NumberArray, NumberArray, NumberArray, NumberArray, NumberArray, NumberArray],
    ]
    const dlogp = new Float64Array(rows)
    const pairs = new Float64Array(pairCount * DPO_PAIR_WORDS)
    const sums = new Float64Array(DPO_SUM_WORDS)
    const add = (key: keyof typeof DPO_SUM, value: number): void => void (sums[DPO_SUM[key]] = (sums[DPO_SUM[key]] ?? 0) + value)
    const sideOf = (sequence: number) => {
      const [first, end] = [firstRow[sequence] ?? 0, firstRow[sequence + 1] ?? 0]
      const side = { first, end, rows: end - first, logp: 0, ratio: 0 }
      for (let r = first; r < end; r++) {
        side.logp += logp[r] ?? 0
        side.ratio += (logp[r] ?? 0) - (ref[r] ?? 0)
      }
      return side
    }
    for (let p = 0; p < Math.min(pairCount, Math.floor((counts[2] ?? 0) / 2)); p++) {
      const [chosen, rejected] = [sideOf(2 * p), sideOf(2 * p + 1)]
      const { loss, slopeChosen, slopeRejected } = pairTerm(chosen, rejected, params)
      const w = weight[p] ?? 0
      pairs.set([chosen.logp, rejected.logp, chosen.ratio, rejected.ratio, loss, slopeChosen, slopeRejected], p * DPO_PAIR_WORDS)
      dlogp.fill(w * slopeChosen, chosen.first, chosen.end)
      dlogp.fill(w * slopeRejected, rejected.first, rejected.end)
      add('pairs', 1)
      add('loss', w * loss)
      add('rewardChosen', params.beta * chosen.ratio)
      add('rewardRejected', params.beta * rejected.ratio)
      add('margin', params.beta * (chosen.ratio - rejected.ratio))
      add('accuracy', Number(chosen.ratio > rejected.ratio))
      add('logpChosen', chosen.logp)
      add('logpRejected', rejected.logp)
    }
    for (let r = 0; r < Math.min(rows, counts[1] ?? 0); r++) {
      add('rows', 1)
      add('entropy', entropy[r] ?? 0)
      if ((rowSequence[r] ?? 0) % 2 === 1) {
        add('rejectedRows', 1)
        add('logitsRejected', meanLogits[r] ?? 0)
        continue
      }
      add('chosenRows', 1)
      add('chosenHits', isTop1[r] ?? 0)
      add('logitsChosen', meanLogits[r] ?? 0)
    }
    return [dlogp, pairs, sums]
  },
  kernel: (inputs, _outputs, params) => {
    const [rows, pairs] = [at(inputs, 0).shape[0] ?? 0, at(inputs, 5).shape[0] ?? 0]
    const { kept, flipped } = logisticWeights(params)
    return {
      dispatches: [
        {
          shader: 'loss/dpo_pairs',
          constants: { LOSS: params.lossType === 'ipo' ? 2 : params.lossType === 'hinge' ? 1 : 0 },
          bindings: [input(0), input(1), input(4), input(6), output(1)],
          params: [u32(pairs), f32(params.beta), f32(kept), f32(flipped)],
          workgroups: fold(pairs),
          flops: 3 * rows + 30 * pairs,
          bytes: 8 * rows + 44 * pairs,
        },
        {
          shader: 'loss/dpo_gradient',
          bindings: [input(3), output(1), input(5), input(6), output(0)],
          params: [u32(rows)],
          workgroups: fold(Math.ceil(rows / 64)),
          flops: rows,
          bytes: 8 * rows + 36 * pairs,
        },
        {
          shader: 'loss/dpo_sums',
          bindings: [output(1), input(5), input(2), input(6), input(3), input(7), input(8), output(2)],
          params: [u32(pairs), u32(rows), f32(params.beta)],
          workgroups: [1, 1, 1],
          flops: 3 * rows + 12 * pairs,
          bytes: 16 * rows + 36 * pairs,
        },
      ],
    }
  },
  examples: [
    example('sigmoid', {}),
    example('smoothed', { labelSmoothing: 0.1, beta: 0.3 }),
    example('robust', { lossType: 'robust', labelSmoothing: 0.2 }),
    example('hinge', { lossType: 'hinge', beta: 0.5 }),
    example('ipo', { lossType: 'ipo', beta: 0.2 }),
  ],
}

/** Five pairs in room for seven; the rejected side of the third is empty; four rows are no longer live. */
function example(label: string, given: Partial<DpoLossParams>) {
  const [rows, live] = [160, 156]
  const firstRow = [0, 70, 79, 88, 90, 95, 95, 110, 121, 150, live, 0, 0, 0, 0]
  return {
    label,
    inputs: [
      floats(rows),
      floats(rows),
      floats(rows),
      words(rows),
      words(firstRow.length),
      floats(7),
      words(4),
      floats(rows),
      floats(rows, 1),
    ],
    params: { lossType: 'sigmoid' as const, beta: 0.1, labelSmoothing: 0, ...given },
    values: {
      0: Array.from({ length: rows }, (_, r) => (r < live ? -1 - 0.8 * Math.sin(r) : Number.NaN)),
      1: Array.from({ length: rows }, (_, r) => (r < live ? -1.1 - 0.5 * Math.sin(r) - 0.3 * Math.cos(2.3 * r) : Number.NaN)),
      2: Array.from({ length: rows }, (_, r) => (r < live ? 1 + Math.cos(r) : Number.NaN)),
      3: Array.from({ length: rows }, (_, r) => (r < live ? firstRow.findLastIndex((first, s) => s < 10 && first <= r) : 99)),
      4: firstRow,
      5: [0.2, 0.1, 0.3, 0.2, 0.2, Number.NaN, Number.NaN],
      6: [190, live, 10, 0],
      7: Array.from({ length: rows }, (_, r) => (r < live ? Number(r % 3 === 0) : Number.NaN)),
      8: Array.from({ length: rows }, (_, r) => (r < live ? 0.2 + Math.sin(1.7 * r) : Number.NaN)),
    },
  }
}

export interface DpoLossInputs {
  readonly logp: Tensor
  readonly ref: Tensor
  readonly entropy: Tensor
  readonly rowSequence: Tensor
  readonly firstRow: Tensor
  readonly weight: Tensor
  readonly counts: Tensor
  readonly isTop1: Tensor
  readonly meanLogits: Tensor
}

/** The cotangent dlogp [R] of the DPO loss, with what is known of each pair [P, 8] and the sums [16]; see `dpoLossOp`. */
export function dpoLoss(rows: DpoLossInputs, params: DpoLossParams): { dlogp: Tensor; pairs: Tensor; sums: Tensor } {
  const { logp, ref, entropy, rowSequence, firstRow, weight, counts, isTop1, meanLogits } = rows
  const outputs = apply(dpoLossOp, [logp, ref, entropy, rowSequence, firstRow, weight, counts, isTop1, meanLogits], params)
  return { dlogp: at(outputs, 0), pairs: at(outputs, 1), sums: at(outputs, 2) }
}

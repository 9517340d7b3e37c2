import { fold, input, output, u32 } from '../kernel'
import { apply, at, fail } from '../op'
import type { NumberArray, Op } from '../op'
import { floats, sizeOf, words } from '../tensor'
import type { Tensor } from '../tensor'

/** Words of the sums over utterances. */
export const ADVANTAGE_SUM = { utterances: 0, advantage: 1, advantageSquared: 2, q: 3 } as const
export const ADVANTAGE_SUM_WORDS = 4

/** Words of the sums over tokens; loss and valueLoss are weighted. */
export const ARCHER_SUM = { tokens: 0, loss: 1, entropy: 2, valueLoss: 3, value: 4, residual: 5, logp: 6 } as const
export const ARCHER_SUM_WORDS = 8

const numberAt = (arrays: readonly NumberArray[], index: number, row: number): number => at(arrays, index)[row] ?? 0

/**
 * A = min(q1, q2) − min(v1, v2) of each utterance (ArCHer, `archer/trainer.py`; double critics: Fujimoto 2018, arXiv:1802.09477).
 * Inputs: q1, q2, v1, v2 [N, 1], counts (utterances at 0). Outputs: advantage [N], 0 past the live ones; sums [4] (`ADVANTAGE_SUM`).
 */
export const utteranceAdvantageOp: Op<null> = {
  name: 'utteranceAdvantage',
  infer: (inputs) => {
    const rows = inputs[0]?.shape[0] ?? 0
    if (!inputs[0] || inputs.slice(0, 4).some(({ shape }) => sizeOf(shape) !== rows))
      fail('utteranceAdvantage', 'q1, q2, v1, v2 [N, 1]', ...inputs.slice(0, 4).map(({ shape }) => shape))
    return [floats(rows), floats(ADVANTAGE_SUM_WORDS)]
  },
  reference: (arrays, specs) => {
    const rows = at(specs, 0).shape[0] ?? 0
    const advantage = new Float64Array(rows)
    const sums = new Float64Array(ADVANTAGE_SUM_WORDS)
    for (let n = 0; n < Math.min(rows, numberAt(arrays, 4, 0)); n++) {
      const q = Math.min(numberAt(arrays, 0, n), numberAt(arrays, 1, n))
      const a = q - Math.min(numberAt(arrays, 2, n), numberAt(arrays, 3, n))
      advantage[n] = a
      for (const [index, term] of [1, a, a * a, q].entries()) sums[index] = (sums[index] ?? 0) + term
    }
    return [advantage, sums]
  },
  kernel: (inputs) => {
    const rows = at(inputs, 0).shape[0] ?? 0
    return {
      dispatches: [
        {
          shader: 'loss/utterance_advantage',
          bindings: [input(0), input(1), input(2), input(3), input(4), output(0), output(1)],
          params: [u32(rows)],
          workgroups: [1, 1, 1],
          flops: 8 * rows,
          bytes: 20 * rows,
        },
      ],
    }
  },
  examples: [
    {
      label: 'stops at the live count',
      inputs: [floats(70, 1), floats(70, 1), floats(70, 1), floats(70, 1), words(4)],
      params: null,
      values: { 0: Array.from({ length: 70 }, (_, n) => (n < 66 ? Math.cos(n) : Number.NaN)), 4: [66, 0, 66, 0] },
    },
  ],
}

export interface ArcherLossParams {
  /** Whether there is a token-level baseline: v is subtracted from the advantage, and trained on it. */
  readonly hasValue: boolean
}

/**
 * ArCHer's actor (arXiv:2402.19446 eq. 4; `archer/trainer.py`): REINFORCE with an utterance's advantage on each of its tokens,
 *   loss = −Σ_r w (A − v_r) logp_r,   value loss = Σ_r u (A − v_r)²   (without a baseline v is 0 and there is no value loss).
 * A − v is a constant to logp. Inputs: logp [R], entropy [R] in nats, value [R, 1] (any [R] without a baseline), utterance u32 [R],
 * advantage [N], weight [4] = (w, u, 0, 0), counts (tokens at 1). Outputs: dlogp [R], dvalue [R, 1], sums [8] (`ARCHER_SUM`).
 */
export const archerLossOp: Op<ArcherLossParams> = {
  name: 'archerLoss',
  infer: ([logp, entropy, value, utterance, advantage]) => {
    const rows = logp?.shape[0] ?? 0
    const same = [entropy, value, utterance].every((one) => one && sizeOf(one.shape) === rows)
    if (logp?.shape.length !== 1 || !same || advantage?.shape.length !== 1)
      fail('archerLoss', 'logp, entropy, value and utterance [R], advantage [N]', logp?.shape, value?.shape, advantage?.shape)
    return [floats(rows), floats(rows, 1), floats(ARCHER_SUM_WORDS)]
  },
  reference: (arrays, specs, { hasValue }) => {
    const rows = at(specs, 0).shape[0] ?? 0
    const [dlogp, dvalue] = [new Float64Array(rows), new Float64Array(rows)]
    const sums = new Float64Array(ARCHER_SUM_WORDS)
    const [w, u] = [numberAt(arrays, 5, 0), hasValue ? numberAt(arrays, 5, 1) : 0]
    for (let r = 0; r < Math.min(rows, numberAt(arrays, 6, 1)); r++) {
      const [logp, value] = [numberAt(arrays, 0, r), hasValue ? numberAt(arrays, 2, r) : 0]
      const residual = numberAt(arrays, 4, numberAt(arrays, 3, r)) - value
      dlogp[r] = -w * residual
      dvalue[r] = -2 * u * residual
      const terms = [1, -w * residual * logp, numberAt(arrays, 1, r), u * residual ** 2, value, residual, logp]
      terms.forEach((term, index) => void (sums[index] = (sums[index] ?? 0) + term))
    }
    return [dlogp, dvalue, sums]
  },
  kernel: (inputs, _outputs, { hasValue }) => {
    const rows = at(inputs, 0).shape[0] ?? 0
    const constants = { HAS_VALUE: Number(hasValue) }
    return {
      dispatches: [
        {
          shader: 'loss/archer_gradient',
          constants,
          bindings: [input(2), input(3), input(4), input(5), input(6), output(0), output(1)],
          params: [u32(rows)],
          workgroups: fold(Math.ceil(rows / 64)),
          flops: 5 * rows,
          bytes: 20 * rows,
        },
        {
          shader: 'loss/archer_sums',
          constants,
          bindings: [input(0), input(1), input(2), input(3), input(4), input(5), input(6), output(2)],
          params: [u32(rows)],
          workgroups: [1, 1, 1],
          flops: 10 * rows,
          bytes: 20 * rows,
        },
      ],
    }
  },
  examples: [false, true].map((hasValue) => ({
    label: hasValue ? 'baseline' : 'no baseline',
    inputs: [floats(90), floats(90), floats(90, 1), words(90), floats(5), floats(4), words(4)],
    params: { hasValue },
    values: {
      0: Array.from({ length: 90 }, (_, r) => (r < 83 ? -1 - Math.sin(r) : Number.NaN)),
      3: Array.from({ length: 90 }, (_, r) => (r < 83 ? Math.floor(r / 20) : 99)),
      5: [0.25, 1 / 83, 0, 0],
      6: [200, 83, 5, 0],
    },
  })),
}

export interface UtteranceCritics {
  readonly q1: Tensor
  readonly q2: Tensor
  readonly v1: Tensor
  readonly v2: Tensor
}

/** Advantages [N] of utterances from four critics [N, 1], with their sums [4]; see `utteranceAdvantageOp`. */
export function utteranceAdvantage({ q1, q2, v1, v2 }: UtteranceCritics, counts: Tensor): { advantage: Tensor; sums: Tensor } {
  const outputs = apply(utteranceAdvantageOp, [q1, q2, v1, v2, counts], null)
  return { advantage: at(outputs, 0), sums: at(outputs, 1) }
}

export interface ArcherLossInputs {
  readonly logp: Tensor
  readonly entropy: Tensor
  /** null without a baseline. */
  readonly value: Tensor | null
  readonly utterance: Tensor
  readonly advantage: Tensor
  readonly weight: Tensor
  readonly counts: Tensor
}

/** Cotangents dlogp [R] and dvalue [R, 1] of ArCHer’s actor loss, with its sums [8]; see `archerLossOp`. */
export function archerLoss(rows: ArcherLossInputs): { dlogp: Tensor; dvalue: Tensor; sums: Tensor } {
  const { logp, entropy, value, utterance, advantage, weight, counts } = rows
  const outputs = apply(archerLossOp, [logp, entropy, value ?? logp, utterance, advantage, weight, counts], { hasValue: value !== null })
  return { dlogp: at(outputs, 0), dvalue: at(outputs, 1), sums: at(outputs, 2) }
}

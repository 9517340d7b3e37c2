import { f32, fold, input, output, u32 } from '../kernel'
import { apply, at, fail, only } from '../op'
import type { NumberArray, Op } from '../op'
import { floats, sizeOf, words } from '../tensor'
import type { Tensor } from '../tensor'

/** Words of a transition: its reward, whether the episode continues (1) or ended (0), the discounted return from it on, and its weight in the loss. */
export const TRANSITION = { reward: 0, continues: 1, mcReturn: 2, weight: 3 } as const
export const TRANSITION_WORDS = 4

/** Words of the sums of a critic's loss. `missSquared` is the squared difference from the Monte-Carlo return. */
export const CRITIC_SUM = { transitions: 0, loss: 1, value: 2, target: 3, missSquared: 4, mcReturn: 5, mcReturnSquared: 6 } as const
export const CRITIC_SUM_WORDS = 8

export interface CriticTargetsParams {
  /** Discount per utterance. */
  readonly gamma: number
}

const column = (arrays: readonly NumberArray[], index: number, row: number): number => at(arrays, index)[row] ?? 0

/**
 * Targets of four critics (ArCHer, arXiv:2402.19446; `archer/trainer.py`): y = (r + c γ v1, r + c γ v2, q1, q2), so that each Q follows
 * its own target V of the next observation, and each V its own target Q of a fresh action. Inputs: v1, v2, q1, q2 [N, 1], transition
 * [N, 4] (`TRANSITION`), counts (transitions at 0). Output: y [N, 4], 0 past the live ones.
 */
export const criticTargetsOp: Op<CriticTargetsParams> = {
  name: 'criticTargets',
  infer: (inputs) => {
    const [v1, , , , transition] = inputs
    const rows = v1?.shape[0] ?? 0
    if (!v1 || inputs.slice(0, 4).some(({ shape }) => sizeOf(shape) !== rows) || transition?.shape.join() !== `${rows},${TRANSITION_WORDS}`)
      fail('criticTargets', 'v1, v2, q1, q2 [N, 1] and transition [N, 4]', v1?.shape, transition?.shape)
    return [floats(rows, 4)]
  },
  reference: (arrays, specs, { gamma }) => {
    const rows = at(specs, 0).shape[0] ?? 0
    const y = new Float64Array(rows * 4)
    for (let n = 0; n < Math.min(rows, column(arrays, 5, 0)); n++) {
      const [reward, continues] = [column(arrays, 4, n * 4), column(arrays, 4, n * 4 + 1)]
      const bootstrap = (index: number): number => reward + continues * gamma * column(arrays, index, n)
      y.set([bootstrap(0), bootstrap(1), column(arrays, 2, n), column(arrays, 3, n)], n * 4)
    }
    return [y]
  },
  kernel: (inputs, _outputs, { gamma }) => {
    const rows = at(inputs, 0).shape[0] ?? 0
    return {
      dispatches: [
        {
          shader: 'loss/critic_targets',
          bindings: [input(0), input(1), input(2), input(3), input(4), input(5), output(0)],
          params: [u32(rows), f32(gamma)],
          workgroups: fold(Math.ceil(rows / 64)),
          flops: 6 * rows,
          bytes: 48 * rows,
        },
      ],
    }
  },
  examples: [
    {
      label: 'ends and dead rows',
      inputs: [floats(70, 1), floats(70, 1), floats(70, 1), floats(70, 1), floats(70, 4), words(4)],
      params: { gamma: 0.95 },
      values: { 4: transitions(70), 5: [66, 66, 66, 0] },
    },
  ],
}

export interface CriticLossParams {
  /** Column of y this critic is pulled to. */
  readonly column: 0 | 1 | 2 | 3
}

/**
 * Weighted squared error of one critic: loss = Σ w (x − y)², dx = 2 w (x − y). With w = 1/N it is torch's `MSELoss`. Inputs: x [N, 1],
 * y [N, 4], transition [N, 4], counts (transitions at 0). Outputs: dx [N, 1], sums [8] (`CRITIC_SUM`).
 */
export const criticLossOp: Op<CriticLossParams> = {
  name: 'criticLoss',
  infer: ([x, y, transition]) => {
    const rows = x?.shape[0] ?? 0
    if (!x || sizeOf(x.shape) !== rows || y?.shape.join() !== `${rows},4` || transition?.shape.join() !== `${rows},${TRANSITION_WORDS}`)
      fail('criticLoss', 'x [N, 1], y and transition [N, 4]', x?.shape, y?.shape, transition?.shape)
    return [floats(...x.shape), floats(CRITIC_SUM_WORDS)]
  },
  reference: (arrays, specs, params) => {
    const rows = at(specs, 0).shape[0] ?? 0
    const dx = new Float64Array(rows)
    const sums = new Float64Array(CRITIC_SUM_WORDS)
    for (let n = 0; n < Math.min(rows, column(arrays, 3, 0)); n++) {
      const [x, y] = [column(arrays, 0, n), column(arrays, 1, n * 4 + params.column)]
      const [mcReturn, weight] = [column(arrays, 2, n * 4 + TRANSITION.mcReturn), column(arrays, 2, n * 4 + TRANSITION.weight)]
      dx[n] = 2 * weight * (x - y)
      const terms = [1, weight * (x - y) ** 2, x, y, (x - mcReturn) ** 2, mcReturn, mcReturn ** 2]
      terms.forEach((term, index) => void (sums[index] = (sums[index] ?? 0) + term))
    }
    return [dx, sums]
  },
  kernel: (inputs, _outputs, params) => {
    const rows = at(inputs, 0).shape[0] ?? 0
    return {
      dispatches: [
        {
          shader: 'loss/critic_loss',
          constants: { COLUMN: params.column },
          bindings: [input(0), input(1), input(2), input(3), output(0), output(1)],
          params: [u32(rows)],
          workgroups: [1, 1, 1],
          flops: 16 * rows,
          bytes: 40 * rows,
        },
      ],
    }
  },
  examples: ([0, 3] as const).map((own) => ({
    label: `column ${own}`,
    inputs: [floats(70, 1), floats(70, 4), floats(70, 4), words(4)],
    params: { column: own },
    values: {
      0: Array.from({ length: 70 }, (_, n) => (n < 66 ? Math.sin(n) : Number.NaN)),
      2: transitions(70),
      3: [66, 66, 66, 0],
    },
  })),
}

function transitions(rows: number): number[] {
  return Array.from({ length: rows }, (_, n) => [0.25 * (n % 5), n % 3 === 0 ? 0 : 1, 1 + Math.cos(n), 1 / rows]).flat()
}

export interface TargetCritics {
  readonly v1: Tensor
  readonly v2: Tensor
  readonly q1: Tensor
  readonly q2: Tensor
}

/** Targets [N, 4] of the four critics; see `criticTargetsOp`. */
export function criticTargets({ v1, v2, q1, q2 }: TargetCritics, transition: Tensor, counts: Tensor, params: CriticTargetsParams): Tensor {
  return only(apply(criticTargetsOp, [v1, v2, q1, q2, transition, counts], params))
}

/** The cotangent dx [N, 1] of one critic’s squared error, with its sums [8]; see `criticLossOp`. */
export function criticLoss(
  x: Tensor,
  y: Tensor,
  transition: Tensor,
  counts: Tensor,
  params: CriticLossParams,
): { dx: Tensor; sums: Tensor } {
  const outputs = apply(criticLossOp, [x, y, transition, counts], params)
  return { dx: at(outputs, 0), sums: at(outputs, 1) }
}

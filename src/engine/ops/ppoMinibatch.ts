import { f32, fold, input, u32 } from '../kernel'
import { apply, at, fail } from '../op'
import type { Op } from '../op'
import { floats } from '../tensor'
import type { Tensor } from '../tensor'
import { packedShards } from './packedShards'
import { PPO_SUM, PPO_SUM_WORDS } from './ppoLoss'

export interface PpoMinibatchParams {
  /** A mini-batch whose mean ratio is above this leaves no gradient. */
  readonly ratioThreshold: number
  readonly vfCoef: number
}

/** Words of the totals over the mini-batches of a batch; each word is a sum of mini-batch means. */
export const PPO_TOTAL = {
  minibatches: 0,
  skipped: 1,
  policy: 2,
  value: 3,
  total: 4,
  entropy: 5,
  approxkl: 6,
  policykl: 7,
  policyClipfrac: 8,
  ratio: 9,
  vpred: 10,
  error: 11,
  valueClipfrac: 12,
} as const
export const PPO_TOTAL_WORDS = 16

/**
 * Ends a mini-batch. Its sums become means that are added to the totals; when the mean ratio passes the threshold (or is not
 * finite) losses count as 0 and the gradients go back to what they were before the mini-batch (TRL: `loss * 0`), decided here on the GPU.
 * Inputs, all changed in place: sums [16] (`PPO_SUM`, becomes 0), totals [16] (`PPO_TOTAL`), grads [n], kept [n] = grads at the start.
 */
export const ppoMinibatchOp: Op<PpoMinibatchParams> = {
  name: 'ppoMinibatch',
  mutates: [0, 1, 2, 3],
  infer: ([sums, totals, grads, kept]) => {
    if (
      sums?.shape.join() !== `${PPO_SUM_WORDS}` ||
      totals?.shape.join() !== `${PPO_TOTAL_WORDS}` ||
      grads?.shape.length !== 1 ||
      kept?.shape.join() !== grads.shape.join()
    )
      fail('ppoMinibatch', 'sums [16], totals [16], grads [n] and kept [n]', sums?.shape, totals?.shape, grads?.shape, kept?.shape)
    return []
  },
  reference: (arrays, _specs, { ratioThreshold, vfCoef }) => {
    const sums = at(arrays, 0)
    const rows = Math.max(1, sums[PPO_SUM.rows] ?? 0)
    const mean = (word: number): number => (sums[word] ?? 0) / rows
    const ratio = mean(PPO_SUM.ratio)
    const isSkipped = !(ratio <= ratioThreshold)
    const policy = isSkipped ? 0 : mean(PPO_SUM.policy)
    const value = isSkipped ? 0 : mean(PPO_SUM.value)
    const added = [
      ...[
        1,
        Number(isSkipped),
        policy,
        value,
        policy + vfCoef * value,
        mean(PPO_SUM.entropy),
        0.5 * mean(PPO_SUM.squaredLogRatio),
        -mean(PPO_SUM.logRatio),
      ],
      ...[mean(PPO_SUM.policyClipped), ratio, mean(PPO_SUM.vpred), mean(PPO_SUM.valueError), mean(PPO_SUM.valueClipped)],
    ]
    const gradients = Float64Array.from(at(arrays, isSkipped ? 3 : 2))
    return [
      new Float64Array(PPO_SUM_WORDS),
      Float64Array.from(at(arrays, 1), (total, word) => total + (added[word] ?? 0)),
      gradients,
      gradients.slice(),
    ]
  },
  kernel: (inputs, _outputs, { ratioThreshold, vfCoef }, context) => {
    return {
      dispatches: [
        ...packedShards(at(inputs, 2).shape[0] ?? 0, context).map(({ first, count }) => ({
          shader: 'loss/ppo_keep',
          bindings: [input(0), input(2, first * 4, count * 4), input(3, first * 4, count * 4)],
          params: [u32(count), f32(ratioThreshold)],
          workgroups: fold(Math.ceil(count / 64)),
          flops: count,
          bytes: 8 * count,
        })),
        {
          shader: 'loss/ppo_means',
          bindings: [input(0), input(1)],
          params: [f32(ratioThreshold), f32(vfCoef)],
          workgroups: [1, 1, 1],
          flops: 64,
          bytes: 256,
        },
      ],
    }
  },
  examples: [
    {
      label: 'applies',
      inputs: [floats(16), floats(16), floats(90), floats(90)],
      params: { ratioThreshold: 10, vfCoef: 0.1 },
      values: { 0: [8, 0.4, 3, 8.5, 1, 2, 0.3, 0.1, 12, 4, 5] },
    },
    {
      label: 'ratio above the threshold',
      inputs: [floats(16), floats(16), floats(90), floats(90)],
      params: { ratioThreshold: 10, vfCoef: 0.1 },
      values: { 0: [8, 0.4, 3, 88, 1, 2, 0.3, 0.1, 12, 4, 5] },
    },
  ],
}

/** Ends a mini-batch: adds its means to the totals [16], and undoes its gradients [n] if it is skipped; see `ppoMinibatchOp`. */
export function ppoMinibatch(
  state: { readonly sums: Tensor; readonly totals: Tensor; readonly grads: Tensor; readonly kept: Tensor },
  params: PpoMinibatchParams,
): void {
  apply(ppoMinibatchOp, [state.sums, state.totals, state.grads, state.kept], params)
}

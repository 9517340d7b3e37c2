/** The GPU side of a PPO batch: scores gathered into tables, advantages made from them, the objective that reads them, the end of a mini-batch. */
import type { Executable } from '../engine/plan/executable'
import { accumulateInto } from '../engine/ops/accumulateInto'
import { gae } from '../engine/ops/gae'
import type { GaeMaskMode } from '../engine/ops/gae'
import { interleave } from '../engine/ops/interleave'
import { ppoLoss, PPO_SUM_WORDS } from '../engine/ops/ppoLoss'
import { ppoMinibatch, PPO_TOTAL_WORDS } from '../engine/ops/ppoMinibatch'
import { stepReward } from '../engine/ops/stepReward'
import type { KlPenalty } from '../engine/ops/stepReward'
import { whiten } from '../engine/ops/whiten'
import { METRICS_LEAF } from './policyModel'
import type { Objective, PolicyModel } from './policyModel'
import type { PpoBatch } from './ppoBatch'

/** The fields of the configuration that the arithmetic on the GPU depends on. */
export interface PpoArithmetic {
  readonly kl_penalty: KlPenalty
  readonly gamma: number
  readonly lam: number
  readonly gae_mask_mode: GaeMaskMode
  readonly whiten_advantages: boolean
  readonly cliprange: number
  readonly cliprange_value: number
  readonly vf_coef: number
  readonly ratio_threshold: number
}

/** One batch's rows on the GPU: scores as they come in, then the tables the updates read. */
export interface PpoRollout {
  readonly capacity: number
  readonly table: GPUBuffer
  readonly details: GPUBuffer
  readonly objective: Objective
  keepScores(score: Executable, reference: boolean, firstRow: number, rows: number): void
  prepare(): Promise<Executable>
}

export function ppoPlans(
  policy: PolicyModel,
  settings: PpoArithmetic,
): { rollout(batch: PpoBatch): PpoRollout; endMinibatch(): Promise<Executable>; forgetKept(): void } {
  const { engine, packed } = policy
  const kept = policy.ownState('ppo/kept', [packed.count])
  policy.ownState('ppo/sums', [PPO_SUM_WORDS])
  const submit = (encode: (encoder: GPUCommandEncoder) => void): void => {
    const encoder = engine.device.createCommandEncoder()
    encode(encoder)
    engine.submit(encoder)
  }
  return {
    forgetKept: () => submit((encoder) => encoder.clearBuffer(kept)),
    endMinibatch: () =>
      policy.executable('ppo minibatch', (graph) =>
        ppoMinibatch(
          {
            sums: graph.state('ppo/sums', [PPO_SUM_WORDS]),
            totals: graph.state(METRICS_LEAF, [PPO_TOTAL_WORDS]),
            grads: graph.state('packed/grads', [packed.count]),
            kept: graph.state('ppo/kept', [packed.count]),
          },
          { ratioThreshold: settings.ratio_threshold, vfCoef: settings.vf_coef },
        ),
      ),
    rollout: ({ rows, items }) => {
      const capacity = powerOfTwo(rows, 256)
      const sequences = powerOfTwo(items.length, 16)
      const name = (what: string): string => `ppo/${what} ${capacity}`
      const columns = {
        logp: policy.ownState(name('logp'), [capacity]),
        ref: policy.ownState(name('ref'), [capacity]),
        value: policy.ownState(name('value'), [capacity]),
      }
      const table = policy.ownState(name('table'), [capacity, 4])
      const details = policy.ownState(name('details'), [capacity, 4])
      return {
        capacity,
        table,
        details,
        keepScores: (score, reference, firstRow, count) =>
          submit((encoder) => {
            encoder.copyBufferToBuffer(score.outputBuffer('logp'), 0, reference ? columns.ref : columns.logp, firstRow * 4, count * 4)
            if (!reference) encoder.copyBufferToBuffer(score.outputBuffer('value'), 0, columns.value, firstRow * 4, count * 4)
          }),
        prepare: () =>
          policy.executable(`ppo prepare ${capacity} ${sequences}`, (graph) => {
            const [logp, ref, value] = [
              graph.state(name('logp'), [capacity]),
              graph.state(name('ref'), [capacity]),
              graph.state(name('value'), [capacity]),
            ]
            const counts = graph.batch('counts', [4], 'u32')
            const { reward, kl } = stepReward(
              { logp, ref, score: graph.batch('score', [capacity]), klCoef: graph.batch('klCoef', [4]), counts },
              { klPenalty: settings.kl_penalty },
            )
            const gap = graph.batch('gap', [capacity], 'u32')
            const firstRow = graph.batch('firstRow', [sequences + 1], 'u32')
            const { advantage, returns } = gae(
              { reward, value, gap, firstRow, counts },
              { gamma: settings.gamma, lam: settings.lam, gaeMaskMode: settings.gae_mask_mode },
            )
            const used = settings.whiten_advantages ? whiten(advantage, counts).y : advantage
            interleave([logp, value, used, returns], counts, graph.state(name('table'), [capacity, 4]))
            interleave([ref, reward, kl, advantage], counts, graph.state(name('details'), [capacity, 4]))
          }),
        objective: (tensors) => {
          const { graph, value } = tensors
          if (!value) throw new Error('step-grained PPO needs a value head')
          const { dlogp, dvalue, sums } = ppoLoss(
            {
              logp: tensors.logp,
              value,
              entropy: tensors.entropy,
              tableRow: graph.batch('tableRow', [tensors.rows], 'u32'),
              table: graph.state(name('table'), [capacity, 4]),
              weight: graph.batch('weight', [4]),
              counts: tensors.batch.counts,
            },
            { cliprange: settings.cliprange, cliprangeValue: settings.cliprange_value, vfCoef: settings.vf_coef },
          )
          accumulateInto(graph.state('ppo/sums', [PPO_SUM_WORDS]), sums)
          return { dlogp, dvalue }
        },
      }
    },
  }
}

function powerOfTwo(count: number, smallest: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(smallest, count)))
}

/** The GPU side of a PPO batch: it gathers scores into tables, computes advantages, defines the objective that reads them, and ends mini-batches. */
import type { Executable } from '../../../engine/plan/executable'
import { accumulateInto } from '../../../engine/ops/accumulateInto'
import { gae } from '../../../engine/ops/gae'
import type { GaeMaskMode } from '../../../engine/ops/gae'
import { interleave } from '../../../engine/ops/interleave'
import { ppoLoss, PPO_SUM_WORDS } from '../../../engine/ops/ppoLoss'
import { ppoMinibatch, PPO_TOTAL_WORDS } from '../../../engine/ops/ppoMinibatch'
import { stepReward } from '../../../engine/ops/stepReward'
import type { KlPenalty } from '../../../engine/ops/stepReward'
import { whiten } from '../../../engine/ops/whiten'
import type { Graph } from '../../../engine/tensor'
import type { PolicyModel } from '../../policy/policyModel'
import { METRICS_LEAF } from '../../policy/policyPlans'
import type { Objective, RowTensors } from '../../policy/policyPlans'
import { powerOfTwo, rowCapacity } from '../../batches/batchLayout'
import type { BatchLayout } from '../../batches/batchLayout'

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

export const PPO_SUMS = 'ppo/sums'
export const PPO_KEPT = 'ppo/kept'
/** The name of a state leaf of a batch's rows. */
export const ppoLeaf = (what: 'logp' | 'ref' | 'value' | 'table' | 'details', capacity: number): string => `ppo/${what} ${capacity}`

/** The clipped policy and value loss of a micro-batch; `tableRow` [rows] says where in the batch's table a row's old numbers are. */
export function ppoObjective(settings: PpoArithmetic, capacity: number): (rows: Omit<RowTensors, 'meanLogits'>) => ReturnType<Objective> {
  return ({ graph, batch, rows, logp, entropy, value }) => {
    if (!value) throw new Error('PPO needs a value head')
    const { dlogp, dvalue, sums } = ppoLoss(
      {
        logp,
        value,
        entropy,
        tableRow: graph.batch('tableRow', [rows], 'u32'),
        table: graph.state(ppoLeaf('table', capacity), [capacity, 4]),
        weight: graph.batch('weight', [4]),
        counts: batch.counts,
      },
      { cliprange: settings.cliprange, cliprangeValue: settings.cliprange_value, vfCoef: settings.vf_coef },
    )
    accumulateInto(graph.state(PPO_SUMS, [PPO_SUM_WORDS]), sums)
    return { dlogp, dvalue }
  }
}

/** Computes rewards, advantages and returns [capacity] from a batch's scores, whitens the advantages, and writes the two tables [capacity, 4]. */
export function tracePrepare(graph: Graph, settings: PpoArithmetic, capacity: number, sequences: number): void {
  const state = (what: 'logp' | 'ref' | 'value') => graph.state(ppoLeaf(what, capacity), [capacity])
  const [logp, ref, value] = [state('logp'), state('ref'), state('value')]
  const counts = graph.batch('counts', [4], 'u32')
  const score = graph.batch('score', [capacity])
  const klCoef = graph.batch('klCoef', [4])
  const { reward, kl } = stepReward({ logp, ref, score, klCoef, counts }, { klPenalty: settings.kl_penalty })
  const gap = graph.batch('gap', [capacity], 'u32')
  const firstRow = graph.batch('firstRow', [sequences + 1], 'u32')
  const { advantage, returns } = gae(
    { reward, value, gap, firstRow, counts },
    { gamma: settings.gamma, lam: settings.lam, gaeMaskMode: settings.gae_mask_mode },
  )
  const used = settings.whiten_advantages ? whiten(advantage, counts).y : advantage
  interleave([logp, value, used, returns], counts, graph.state(ppoLeaf('table', capacity), [capacity, 4]))
  interleave([ref, reward, kl, advantage], counts, graph.state(ppoLeaf('details', capacity), [capacity, 4]))
}

/** Ends a mini-batch whose gradients were added to the packed gradients [count]: they stay, or are undone if the mini-batch is skipped. */
export function traceMinibatchEnd(graph: Graph, settings: PpoArithmetic, count: number): void {
  const sums = graph.state(PPO_SUMS, [PPO_SUM_WORDS])
  const totals = graph.state(METRICS_LEAF, [PPO_TOTAL_WORDS])
  const [grads, kept] = [graph.state('packed/grads', [count]), graph.state(PPO_KEPT, [count])]
  ppoMinibatch({ sums, totals, grads, kept }, { ratioThreshold: settings.ratio_threshold, vfCoef: settings.vf_coef })
}

/** The rows of a batch on the GPU: their scores, and the tables that the updates read. */
export interface PpoRollout {
  readonly capacity: number
  /** [capacity, 4]; `PPO_ROW` and `PPO_DETAIL` of metrics.ts name the columns. */
  readonly table: GPUBuffer
  readonly details: GPUBuffer
  readonly objective: Objective
  keepScores(score: Executable, reference: boolean, firstRow: number, rows: number): void
  prepare(): Promise<Executable>
}

export interface PpoPlans {
  rollout(batch: BatchLayout): PpoRollout
  endMinibatch(): Promise<Executable>
  /** Zeroes the copy of the gradients that a skipped mini-batch restores. Call it before an accumulation starts. */
  forgetKept(): void
}

/** The plans of PPO on a policy: those that prepare a batch, and the one that ends a mini-batch. */
export function ppoPlans(policy: PolicyModel, settings: PpoArithmetic): PpoPlans {
  const { engine, packed } = policy
  const kept = policy.ownState(PPO_KEPT, [packed.count])
  policy.ownState(PPO_SUMS, [PPO_SUM_WORDS])
  const submit = (encode: (encoder: GPUCommandEncoder) => void): void => {
    const encoder = engine.device.createCommandEncoder()
    encode(encoder)
    engine.submit(encoder)
  }
  return {
    forgetKept: () => submit((encoder) => encoder.clearBuffer(kept)),
    endMinibatch: () => policy.executable('ppo minibatch', (graph) => traceMinibatchEnd(graph, settings, packed.count)),
    rollout: ({ rows, items }) => {
      const capacity = rowCapacity(rows)
      const sequences = powerOfTwo(items.length, 16)
      const column = (what: 'logp' | 'ref' | 'value'): GPUBuffer => policy.ownState(ppoLeaf(what, capacity), [capacity])
      const columns = { logp: column('logp'), ref: column('ref'), value: column('value') }
      return {
        capacity,
        table: policy.ownState(ppoLeaf('table', capacity), [capacity, 4]),
        details: policy.ownState(ppoLeaf('details', capacity), [capacity, 4]),
        objective: ppoObjective(settings, capacity),
        keepScores: (score, reference, firstRow, count) =>
          submit((encoder) => {
            const to = reference ? columns.ref : columns.logp
            encoder.copyBufferToBuffer(score.outputBuffer('logp'), 0, to, firstRow * 4, count * 4)
            if (!reference) encoder.copyBufferToBuffer(score.outputBuffer('value'), 0, columns.value, firstRow * 4, count * 4)
          }),
        prepare: () =>
          policy.executable(`ppo prepare ${capacity} ${sequences}`, (graph) => tracePrepare(graph, settings, capacity, sequences)),
      }
    },
  }
}

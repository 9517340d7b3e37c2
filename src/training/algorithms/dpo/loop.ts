/**
 * Direct preference optimization on pairs of a success and a failure (DPO, arXiv:2305.18290; of whole trajectories: ETO,
 * arXiv:2403.02502), read top to bottom:
 *   reference log π_ref (adapter off, or as it began) of every own token of every trajectory, once, before the first update
 *   update    per step the next pairs: log-ratios summed over an answer's own tokens, −log σ(β (Δ_chosen − Δ_rejected)), AdamW
 * Several turns are one answer: tool replies, and what both sides share, are context. The loss of a step is the mean over all its
 * pairs, however these are cut into micro-batches. Loss forms and names are TRL's; smoothed `sigmoid` is cDPO, which TRL dropped.
 * As in TRL, dropout is never active. Nothing is read back while a step runs.
 */
import { partProgress } from '../../../engine/device/activity'
import { z } from 'zod'
import { hyperOf } from '../../policy/optimizerSettings'
import { MetricRing } from '../../../engine/metricRing'
import { accumulateInto } from '../../../engine/ops/accumulateInto'
import { dpoLoss, DPO_SUM, DPO_SUM_WORDS } from '../../../engine/ops/dpoLoss'
import type { DpoLossParams } from '../../../engine/ops/dpoLoss'
import { adapterTrainable } from '../../policy/adapterSettings'
import type { TrainingContext } from '../../trainingContext'
import { createCheckpointer } from '../../checkpoints/checkpointer'
import { checkPairs, packPairs, tokenCount } from './batch'
import type { dpoMetricMeanings } from './config'
import type { DpoConfig } from './config'
import { partsOfStep, pairsOfUpdate, referenceParts } from './microBatches'
import type { DpoPair } from './pairs'
import { initializePolicy, keepsReference } from '../../policy/initialAdapter'
import { packSequences, uploadBatch } from '../../batches/packing'
import { METRICS_LEAF, PolicyModel } from '../../policy/policyModel'
import type { Objective, TrainableSet } from '../../policy/policyModel'
import type { TokenizedTrajectory } from '../../batches/tokenizedTrajectory'
import { scheduleFactor } from '../../policy/schedule'

/** @param isContinued whether the run starts from an adapter. */
export const dpoTrainable = (settings: DpoConfig, isContinued = false): TrainableSet =>
  adapterTrainable(settings, { valueHead: false, keepsReference: keepsReference(isContinued, settings) })

export interface DpoResult {
  readonly policy: PolicyModel
  readonly steps: number
}

/** The caller owns the returned policy. A run that fails or is stopped by its gate leaves nothing on the GPU. */
export async function runDpo(context: TrainingContext, settings: DpoConfig, pairs: readonly DpoPair[]): Promise<DpoResult> {
  const { model } = context
  checkPairs(pairs, {
    maxTokens: settings.max_tokens_per_micro_batch,
    maxPositions: model.max_position_embeddings,
    vocabulary: model.vocab_size,
  })
  if (pairs.length === 0) throw new Error('DPO was given no pairs')
  const policy = await PolicyModel.create(context.engine, model, context.reader, dpoTrainable(settings, Boolean(context.initial)))
  try {
    return await train(policy, context, settings, pairs)
  } catch (error) {
    await policy.destroy().catch(() => undefined)
    throw error
  }
}

const saved = z.object({ pairs: z.int(), tokens: z.int() })

async function train(policy: PolicyModel, context: TrainingContext, settings: DpoConfig, pairs: readonly DpoPair[]): Promise<DpoResult> {
  initializePolicy(policy, context, settings)
  const progress = await restoreProgress(policy, context, pairs)
  const { first } = progress
  const total = context.steps ?? settings.max_steps
  const run: Run = { policy, context, settings, pairs, total, reference: new Map() }
  await scoreReference(run, first)
  await policy.computeHeadMeans(context.gate)
  const update = await policy.update()
  const ring = new MetricRing<StepTag>(context.engine, 4 * DPO_SUM_WORDS + 32, ({ step, learningRate, tokens: seen }, values) => {
    context.report(step, stepMetrics(values, learningRate, seen))
  })
  const clock = createCheckpointer(context, policy)
  let { tokens } = progress
  try {
    for (let step = first; step < total; step++) {
      clock.beginStep()
      const { learningRate, chosen } = await accumulateStep(run, step)
      await update.run(context.gate)
      tokens += tokenCount(chosen)
      await ring.push({ step, learningRate, tokens }, [
        { buffer: policy.metricsBuffer, bytes: 4 * DPO_SUM_WORDS },
        { buffer: policy.packed.optimizerStateBuffer, bytes: 32 },
      ])
      const state = { pairs: pairs.length, tokens }
      await clock.endStep({ step, isLast: step + 1 === total, settle: () => ring.drain(), state: () => state })
    }
    await ring.drain()
  } finally {
    // Buffers still on their way back must not be destroyed.
    await ring.drain().catch(() => undefined)
    ring.destroy()
  }
  return { policy, steps: Math.max(first, total) }
}

interface Run {
  readonly policy: PolicyModel
  readonly context: TrainingContext
  readonly settings: DpoConfig
  readonly pairs: readonly DpoPair[]
  readonly total: number
  /** log π_ref of the targets of each trajectory. */
  readonly reference: Map<TokenizedTrajectory, Float32Array>
}

/** The first step and the tokens before it; restores the policy from the run's checkpoint. Throws for a checkpoint of other data. */
async function restoreProgress(
  policy: PolicyModel,
  context: TrainingContext,
  pairs: readonly DpoPair[],
): Promise<{ readonly first: number; readonly tokens: number }> {
  const checkpoint = await context.checkpoints?.load()
  if (!checkpoint) return { first: 0, tokens: 0 }
  const state = saved.parse(checkpoint.state)
  if (state.pairs !== pairs.length)
    throw new Error(`the checkpoint was trained on ${state.pairs} pairs, but the data makes ${pairs.length}: resume with the same data`)
  policy.restore(checkpoint.arrays)
  return { first: checkpoint.step, tokens: state.tokens }
}

/**
 * Scores every trajectory of the steps to come by the reference. A resumed run computes it anew, to the same bits, as the reference is frozen
 * and a row does not depend on its batch.
 */
async function scoreReference({ policy, context, settings, pairs, total, reference }: Run, first: number): Promise<void> {
  const { model, seed, gate } = context
  const parts = referenceParts(pairs, settings, seed, first, total)
  const progress = partProgress(context.engine, 'score', parts.length)
  for (const part of parts) {
    progress.next()
    const packed = packSequences(
      part.map(({ sequence }) => sequence),
      model.vocab_size,
    )
    const score = await policy.score(packed.tokenBucket, packed.targetBucket, true)
    uploadBatch(score, packed)
    await score.run(gate)
    const logp = await score.readOutput('logp', packed.targetCount)
    let row = 0
    for (const { source, sequence } of part) reference.set(source, logp.slice(row, (row += sequence.targets.length)))
  }
}

/** Adds up the gradients of a step's pairs, ready for the optimizer; returns the pairs and the learning rate. */
async function accumulateStep(
  { policy, context, settings, pairs, total, reference }: Run,
  step: number,
): Promise<{ readonly chosen: readonly DpoPair[]; readonly learningRate: number }> {
  const { model, seed, gate } = context
  const chosen = pairsOfUpdate(pairs, settings, seed, step)
  const learningRate = settings.learning_rate * scheduleFactor(settings.lr_scheduler_type, step, total, settings.warmup_steps)
  policy.packed.setHyper(hyperOf(settings, learningRate))
  policy.beginStep()
  const parts = partsOfStep(pairs, settings, seed, step)
  const progress = partProgress(context.engine, 'update', parts.length)
  for (const part of parts) {
    progress.next()
    const batch = packPairs(part, reference, model.vocab_size)
    const { tokenBucket, targetBucket } = batch.packed
    const key = `dpo ${batch.pairBucket}`
    const gradient = await policy.gradient(key, tokenBucket, targetBucket, dpoObjective(settings, batch.pairBucket))
    uploadBatch(gradient, batch.packed)
    gradient.write('ref', batch.ref)
    gradient.write('rowSequence', batch.rowSequence)
    gradient.write('firstRow', batch.firstRow)
    gradient.write('weight', new Float32Array(part.length).fill(1 / chosen.length))
    await gradient.run(gate)
  }
  return { chosen, learningRate }
}

interface StepTag {
  readonly step: number
  readonly learningRate: number
  readonly tokens: number
}

/** @param values the sums of the step, then the optimizer's state. */
function stepMetrics(values: Float32Array, learningRate: number, tokens: number): Record<keyof typeof dpoMetricMeanings, number> {
  const of = (key: keyof typeof DPO_SUM): number => values[DPO_SUM[key]] ?? Number.NaN
  const mean = (key: keyof typeof DPO_SUM): number => of(key) / of('pairs')
  return {
    loss: of('loss'),
    'rewards/chosen': mean('rewardChosen'),
    'rewards/rejected': mean('rewardRejected'),
    'rewards/accuracies': mean('accuracy'),
    'rewards/margins': mean('margin'),
    'logps/chosen': mean('logpChosen'),
    'logps/rejected': mean('logpRejected'),
    'logits/chosen': of('logitsChosen') / Math.max(1, of('chosenRows')),
    'logits/rejected': of('logitsRejected') / Math.max(1, of('rejectedRows')),
    entropy: of('entropy') / Math.max(1, of('rows')),
    mean_token_accuracy: of('chosenHits') / Math.max(1, of('chosenRows')),
    grad_norm: values[DPO_SUM_WORDS + 1] ?? Number.NaN,
    skipped_updates: values[DPO_SUM_WORDS + 3] ?? Number.NaN,
    learning_rate: learningRate,
    num_tokens: tokens,
  }
}

export const dpoLossParams = (settings: Pick<DpoConfig, 'loss_type' | 'beta' | 'label_smoothing'>): DpoLossParams => ({
  lossType: settings.loss_type,
  beta: settings.beta,
  labelSmoothing: settings.label_smoothing,
})

/** @param pairs room for so many pairs in a micro-batch. */
export function dpoObjective(settings: DpoConfig, pairs: number): Objective {
  return ({ graph, batch, rows, logp, entropy, isTop1, meanLogits }) => {
    const { dlogp, sums } = dpoLoss(
      {
        logp,
        ref: graph.batch('ref', [rows]),
        entropy,
        rowSequence: graph.batch('rowSequence', [rows], 'u32'),
        firstRow: graph.batch('firstRow', [2 * pairs + 1], 'u32'),
        weight: graph.batch('weight', [pairs]),
        counts: batch.counts,
        isTop1,
        meanLogits: meanLogits(),
      },
      dpoLossParams(settings),
    )
    accumulateInto(graph.state(METRICS_LEAF, [DPO_SUM_WORDS]), sums)
    return { dlogp }
  }
}

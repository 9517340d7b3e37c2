/**
 * Step-grained PPO (StepTool, arXiv:2410.07745), read top to bottom. Per batch of trajectories:
 *   score     log π, V (adapter on) and log π_ref (adapter off, or as it began) of every completion token, once
 *   reward    −β (log π − log π_ref) per token, plus each step's reward at its last token
 *   advantage GAE over completion tokens, returns = A + V, then A whitened over the whole batch
 *   update    ppo_epochs × mini-batches of the clipped policy and value losses; Adam after gradient_accumulation_steps of them
 *   control   β is adjusted towards the KL target
 * Arithmetic is TRL 0.10/0.11's classic PPOTrainer as StepTool subclasses it. Departures, each behind a switch or noted in its help:
 * step rewards are not multiplied by n − i − 1 (`step_reward_weighting`), credit passes tool replies without decay (`gae_mask_mode`), the
 * value head starts at zero (`value_head_init`), unlabelled steps are not trained (`unlabelled_steps`), and their mean can be
 * taken off (`center_step_rewards`). As in TRL, dropout is never active.
 * A step is a batch with all its epochs; nothing is read back before it is done.
 */
import { z } from 'zod'
import { partProgress } from '../../../engine/device/activity'
import { PPO_TOTAL_WORDS } from '../../../engine/ops/ppoMinibatch'
import type { BatchItem, BatchLayout, BatchLimits, BatchSource } from '../../batches/batchLayout'
import { packSequences, uploadBatch } from '../../batches/packing'
import { advantagesOfBatch } from '../../batches/recordedAdvantages'
import type { PackedBatch } from '../../batches/packing'
import type { TokenizedTrajectory } from '../../batches/tokenizedTrajectory'
import { createCheckpointer } from '../../checkpoints/checkpointer'
import { adapterTrainable } from '../../policy/adapterSettings'
import { initializePolicy, keepsReference } from '../../policy/initialAdapter'
import { PolicyModel } from '../../policy/policyModel'
import type { TrainableSet } from '../../policy/policyModel'
import type { TrainingContext } from '../../trainingContext'
import type { PpoSettings, SteptoolPpoConfig } from './config'
import { nextKlCoef } from './klController'
import { ppoMetrics, ppoTokens, PPO_ROW } from './metrics'
import type { PpoTokens } from './metrics'
import { layoutOfStep, scoredParts, updatesOfStep } from './microBatches'
import type { PpoMinibatch } from './microBatches'
import { ppoPlans } from './plans'
import type { PpoPlans, PpoRollout } from './plans'

/** @param isContinued whether the run starts from an adapter. */
export const ppoTrainable = (settings: PpoSettings, isContinued = false): TrainableSet =>
  adapterTrainable(settings, { valueHead: true, keepsReference: keepsReference(isContinued, settings) })

export interface SteptoolPpoResult {
  readonly policy: PolicyModel
  readonly batches: number
  readonly tokens: number
  readonly klCoef: number
}

const saved = z.object({ batches: z.int(), tokens: z.int(), kl_coef: z.number() })

/** Receives every trained token of a batch after the batch's report; a heat map shows them. */
export type PpoObserver = (step: number, tokens: readonly PpoTokens[]) => void

/** The caller owns the returned policy. A run that fails or is stopped by its gate leaves nothing on the GPU. */
export async function runSteptoolPpo(
  context: TrainingContext,
  settings: SteptoolPpoConfig,
  source: BatchSource,
  observe?: PpoObserver,
): Promise<SteptoolPpoResult> {
  const trainable = ppoTrainable(settings, Boolean(context.initial))
  const policy = await PolicyModel.create(context.engine, context.model, context.reader, trainable)
  try {
    return await train(policy, context, settings, source, observe)
  } catch (error) {
    await policy.destroy().catch(() => undefined)
    throw error
  }
}

async function train(
  policy: PolicyModel,
  context: TrainingContext,
  settings: SteptoolPpoConfig,
  source: BatchSource,
  observe: PpoObserver | undefined,
): Promise<SteptoolPpoResult> {
  initializePolicy(policy, context, settings)
  const progress = await restoreProgress(policy, context, settings)
  const run: Run = { policy, plans: ppoPlans(policy, settings), settings, context, progress }
  const total = context.steps ?? settings.max_steps
  const clock = createCheckpointer(context, policy)
  for (let step = progress.batches; step < total; step++) {
    clock.beginStep()
    const sequences = await source.next(step, policy)
    if (!sequences) break
    if (sequences.length > 0) await trainBatch(run, sequences, step, observe)
    // The rollouts contain nothing to train on, so the step changes nothing.
    else context.report(step, { 'objective/kl_coef': progress.klCoef, num_tokens: progress.tokens })
    progress.batches = step + 1
    const state = (): z.infer<typeof saved> => ({ batches: progress.batches, tokens: progress.tokens, kl_coef: progress.klCoef })
    await clock.endStep({ step, isLast: progress.batches === total, state })
  }
  return { policy, ...progress }
}

/** The state after the batches so far. */
interface Progress {
  batches: number
  tokens: number
  klCoef: number
}

/** The state from the run's checkpoint, whose weights are loaded into the policy; without one, the initial state. */
async function restoreProgress(policy: PolicyModel, context: TrainingContext, settings: PpoSettings): Promise<Progress> {
  const checkpoint = await context.checkpoints?.load()
  if (!checkpoint) return { batches: 0, tokens: 0, klCoef: settings.init_kl_coef }
  policy.restore(checkpoint.arrays)
  const { batches, tokens, kl_coef } = saved.parse(checkpoint.state)
  return { batches, tokens, klCoef: kl_coef }
}

/** Trains on one batch with all its epochs, then reads results back, adjusts β and reports. */
async function trainBatch(
  run: Run,
  sequences: readonly TokenizedTrajectory[],
  step: number,
  observe: PpoObserver | undefined,
): Promise<void> {
  const { policy, settings, context, progress } = run
  const { klCoef } = progress
  const batch = layoutOfStep(sequences, settings, batchLimits(run))
  if (batch.rows === 0) throw new Error(`batch ${step}: none of its ${sequences.length} trajectories has a labelled step to train on`)
  const rollout = run.plans.rollout(batch)
  policy.beginStep()

  await scoreBatch(run, batch, rollout)
  await prepareAdvantages(run, batch, rollout, klCoef)
  const minibatches = await updatePolicy(run, batch, rollout, step)

  progress.tokens += sequences.reduce((sum, sequence) => sum + sequence.ids.length, 0)
  const readings = await readBack(run, batch, rollout)
  const metrics = ppoMetrics({
    ...readings,
    ...{ batch, sequences, minibatches: minibatches.map(({ items }) => items) },
    ...{ klCoef, learningRate: settings.learning_rate, tokens: progress.tokens },
  })
  progress.klCoef = nextKlCoef(klCoef, metrics['objective/kl'], sequences.length, settings)
  context.report(step, metrics)
  context.onAdvantages?.(step, advantagesOfBatch(batch, readings.table, { width: 4, column: PPO_ROW.advantage }))
  observe?.(step, ppoTokens({ batch, ...readings }))
}

const batchLimits = ({ settings, context: { model } }: Run): BatchLimits => ({
  maxTokens: settings.max_tokens_per_micro_batch,
  maxPositions: model.max_position_embeddings,
  vocabulary: model.vocab_size,
})

interface Run {
  readonly policy: PolicyModel
  readonly plans: PpoPlans
  readonly settings: SteptoolPpoConfig
  readonly context: TrainingContext
  readonly progress: Progress
}

const packed = ({ context }: Run, items: readonly BatchItem[]): PackedBatch =>
  packSequences(
    items.map(({ sequence }) => sequence),
    context.model.vocab_size,
  )

/** log π and V with the adapter, log π_ref without it, or with the adapter as it began. */
async function scoreBatch(run: Run, batch: BatchLayout, rollout: PpoRollout): Promise<void> {
  const { policy, settings, context } = run
  const scored = scoredParts(batch, settings)
  const progress = partProgress(context.engine, 'score', scored.length)
  for (const items of scored) {
    progress.next()
    const part = packed(run, items)
    const firstRow = items[0]?.firstRow ?? 0
    for (const reference of [false, true]) {
      const score = await policy.score(part.tokenBucket, part.targetBucket, reference)
      uploadBatch(score, part)
      await score.run(context.gate)
      rollout.keepScores(score, reference, firstRow, part.targetCount)
    }
  }
}

/** Rewards, advantages, returns; advantages whitened over the whole batch. */
async function prepareAdvantages({ context }: Run, batch: BatchLayout, rollout: PpoRollout, klCoef: number): Promise<void> {
  const prepare = await rollout.prepare()
  prepare.write('score', batch.score)
  prepare.write('gap', batch.gap)
  prepare.write('firstRow', batch.firstRow)
  prepare.write('klCoef', Float32Array.of(klCoef))
  prepare.write('counts', Uint32Array.of(0, batch.rows, batch.items.length, 0))
  await prepare.run(context.gate)
}

/** All epochs over the batch; returns their mini-batches in order. */
async function updatePolicy(run: Run, batch: BatchLayout, rollout: PpoRollout, step: number): Promise<PpoMinibatch[]> {
  const { policy, plans, settings, context } = run
  const [update, endMinibatch] = [await policy.update(), await plans.endMinibatch()]
  const taken: PpoMinibatch[] = []
  const updates = [...updatesOfStep(batch, settings, context.seed, step)]
  const progress = partProgress(context.engine, 'update', updates.flat().flatMap(({ parts }) => parts).length)
  for (const minibatches of updates) {
    policy.packed.setHyper({
      learningRate: settings.learning_rate,
      beta1: settings.adam_beta1,
      beta2: settings.adam_beta2,
      eps: settings.adam_epsilon,
      weightDecay: 0,
      maxGradNorm: settings.max_grad_norm,
      gradScale: 1 / minibatches.length,
    })
    policy.packed.zeroGradients()
    plans.forgetKept()
    for (const minibatch of minibatches) {
      for (const items of minibatch.parts) {
        progress.next()
        const part = packed(run, items)
        const gradient = await policy.gradient(`ppo ${rollout.capacity}`, part.tokenBucket, part.targetBucket, rollout.objective)
        uploadBatch(gradient, part)
        gradient.write(
          'tableRow',
          Uint32Array.from(items.flatMap((item) => item.sequence.targets.map((_, index) => item.firstRow + index))),
        )
        gradient.write('weight', Float32Array.of(1 / minibatch.rows))
        await gradient.run(context.gate)
      }
      await endMinibatch.run(context.gate)
      taken.push(minibatch)
    }
    await update.run(context.gate)
  }
  return taken
}

async function readBack({ policy }: Run, batch: BatchLayout, rollout: PpoRollout) {
  const { engine } = policy
  const [table, details, totals, optimizer] = await Promise.all([
    engine.readF32(rollout.table, 0, batch.rows * 4),
    engine.readF32(rollout.details, 0, batch.rows * 4),
    engine.readF32(policy.metricsBuffer, 0, PPO_TOTAL_WORDS),
    policy.packed.readOptimizerState(),
  ])
  return { table, details, totals, gradNorm: optimizer[1] ?? Number.NaN, skippedUpdates: optimizer[3] ?? Number.NaN }
}

/**
 * Step-grained PPO (StepTool, arXiv:2410.07745), read top to bottom. Per batch of trajectories:
 *   score     log π, V (adapter on) and log π_ref (adapter off, or as it began) of every completion token, once
 *   reward    −β (log π − log π_ref) per token, plus each step's reward at its last token
 *   advantage GAE over completion tokens, returns = A + V, then A whitened over the whole batch
 *   update    ppo_epochs × mini-batches of the clipped policy and value losses; Adam after gradient_accumulation_steps of them
 *   control   β is steered towards the KL target
 * Arithmetic is TRL 0.10/0.11's classic PPOTrainer as StepTool subclasses it. Departures, each behind a switch or noted in its help:
 * step rewards are not multiplied by n − i − 1 (`step_reward_weighting`), credit passes tool replies without decay (`gae_mask_mode`), the
 * value head starts at zero (`value_head_init`), unlabelled steps are not trained (`unlabelled_steps`), and their mean can be
 * taken off (`center_step_rewards`). As in TRL, dropout is never active.
 * A step is a batch with all its epochs; nothing is read back before it is done.
 */
import { ppoQuestions } from './questions'
import { z } from 'zod'
import { PPO_TOTAL_WORDS } from '../../../engine/ops/ppoMinibatch'
import { adapterTrainable } from '../../policy/adapterSettings'
import type { Algorithm } from '../../algorithm'
import type { TrainingContext } from '../../trainingContext'
import { createCheckpointer } from '../../checkpoints/checkpointer'
import { initializePolicy, keepsReference } from '../../policy/initialAdapter'
import { nextKlCoef } from './klController'
import { packSequences, uploadBatch } from '../../batches/packing'
import type { PackedBatch } from '../../batches/packing'
import { PolicyModel } from '../../policy/policyModel'
import type { TrainableSet } from '../../policy/policyModel'
import { chunk, layoutBatch, meanStepReward, microBatches, minibatchesOf } from '../../batches/batchLayout'
import type { BatchItem, BatchSource } from '../../batches/batchLayout'
import { ppoSettings } from './config'
import type { PpoSettings } from './config'
import { ppoMetricMeanings, ppoMetrics, ppoTokens } from './metrics'
import type { PpoTokens } from './metrics'
import { ppoPlans } from './plans'
import { STEP_REWARD_WEIGHTINGS, UNLABELLED_STEPS } from '../../batches/stepRewards'
import { steptoolPpoInterop } from './interop'

const config = z.object({
  ...ppoSettings,
  step_reward_weighting: z.enum(STEP_REWARD_WEIGHTINGS).default('paper').meta({
    help: 'paper: every step’s reward counts once. released: reward i of n is multiplied by n − i − 1 as in StepTool’s code, so the final step counts nothing.',
    essential: true,
  }),
  center_step_rewards: z.boolean().default(false).meta({
    help: 'Take the batch’s mean step reward off each. Without it rewards of 0 to 1 pay for every further step, whatever it does.',
    essential: true,
  }),
  unlabelled_steps: z
    .enum(UNLABELLED_STEPS)
    .default('leave_out')
    .meta({ help: 'leave_out: a step without a label is not trained. no_score: it is, as if its reward were 0.' }),
})
export type SteptoolPpoConfig = z.output<typeof config>

export const steptoolPpo: Algorithm<typeof config> = {
  name: 'steptool-ppo',
  title: 'Step-grained PPO (StepTool)',
  paper: 'Yu 2024, StepTool, arXiv:2410.07745; Schulman 2017, arXiv:1707.06347',
  help: 'Rewards every step of a trajectory, not just its end, and improves the policy with clipped PPO near a frozen reference.',
  config,
  metrics: ppoMetricMeanings,
  colour: 2,
  metricQuestions: ppoQuestions,
  alarmsOff: [],
  learnsFrom: ['files', 'rollouts'],
  interop: steptoolPpoInterop,
}

/** @param isContinued the run begins from an adapter. */
export const ppoTrainable = (settings: PpoSettings, isContinued = false): TrainableSet =>
  adapterTrainable(settings, { valueHead: true, keepsReference: keepsReference(isContinued, settings) })

export interface SteptoolPpoResult {
  readonly policy: PolicyModel
  readonly batches: number
  readonly tokens: number
  readonly klCoef: number
}

const saved = z.object({ batches: z.int(), tokens: z.int(), kl_coef: z.number() })

/** Called once per batch, after its report, with every trained token: what a heat map shows. */
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
  const { engine, model, seed, gate } = context
  initializePolicy(policy, context, settings)

  let klCoef = settings.init_kl_coef
  let tokens = 0
  let first = 0
  const checkpoint = await context.checkpoints?.load()
  if (checkpoint) {
    policy.restore(checkpoint.arrays)
    const state = saved.parse(checkpoint.state)
    first = state.batches
    tokens = state.tokens
    klCoef = state.kl_coef
  }

  const plans = ppoPlans(policy, settings)
  const update = await policy.update()
  const endMinibatch = await plans.endMinibatch()
  const total = context.steps ?? settings.max_steps
  const limits = {
    maxTokens: settings.max_tokens_per_micro_batch,
    maxPositions: model.max_position_embeddings,
    vocabulary: model.vocab_size,
  }
  const pack = (items: readonly BatchItem[]): PackedBatch =>
    packSequences(
      items.map(({ sequence }) => sequence),
      model.vocab_size,
    )
  const clock = createCheckpointer(context, policy)
  let done = first

  for (let step = first; step < total; step++) {
    clock.beginStep()
    const sequences = await source.next(step, policy)
    if (!sequences) break
    const batch = layoutBatch(
      sequences,
      {
        step_reward_weighting: settings.step_reward_weighting,
        unlabelled_steps: settings.unlabelled_steps,
        baseline: settings.center_step_rewards ? meanStepReward(sequences) : 0,
      },
      limits,
    )
    if (sequences.length === 0) {
      // Practice left nothing to train on: the step passes by.
      done = step + 1
      context.report(step, { 'objective/kl_coef': klCoef, num_tokens: tokens })
      await clock.endStep({ step, isLast: done === total, state: () => ({ batches: done, tokens, kl_coef: klCoef }) })
      continue
    }
    if (batch.rows === 0) throw new Error(`batch ${step}: none of its ${sequences.length} trajectories has a labelled step to train on`)
    const rollout = plans.rollout(batch)
    policy.beginStep()

    // Score: log π and V with the adapter, log π_ref without them, or with the adapter as it began.
    for (const items of microBatches(batch.items, limits.maxTokens)) {
      const packed = pack(items)
      const firstRow = items[0]?.firstRow ?? 0
      for (const reference of [false, true]) {
        const score = await policy.score(packed.tokenBucket, packed.targetBucket, reference)
        uploadBatch(score, packed)
        await score.run(gate)
        rollout.keepScores(score, reference, firstRow, packed.targetCount)
      }
    }

    // Rewards, advantages, returns; whitened over the whole batch.
    const prepare = await rollout.prepare()
    prepare.write('score', batch.score)
    prepare.write('gap', batch.gap)
    prepare.write('firstRow', batch.firstRow)
    prepare.write('klCoef', Float32Array.of(klCoef))
    prepare.write('counts', Uint32Array.of(0, batch.rows, batch.items.length, 0))
    await prepare.run(gate)

    // Update.
    const minibatches: BatchItem[][] = []
    for (let epoch = 0; epoch < settings.ppo_epochs; epoch++) {
      const order = minibatchesOf(batch.items.length, settings.mini_batch_size, seed, step, epoch)
      for (const group of chunk(order, settings.gradient_accumulation_steps)) {
        policy.packed.setHyper({
          learningRate: settings.learning_rate,
          beta1: settings.adam_beta1,
          beta2: settings.adam_beta2,
          eps: settings.adam_epsilon,
          weightDecay: 0,
          maxGradNorm: settings.max_grad_norm,
          gradScale: 1 / group.length,
        })
        policy.packed.zeroGradients()
        plans.forgetKept()
        for (const members of group) {
          const items = members.flatMap((index) => batch.items[index] ?? [])
          const rows = items.reduce((sum, item) => sum + item.sequence.targets.length, 0)
          for (const part of microBatches(items, limits.maxTokens)) {
            const packed = pack(part)
            const gradient = await policy.gradient(`ppo ${rollout.capacity}`, packed.tokenBucket, packed.targetBucket, rollout.objective)
            uploadBatch(gradient, packed)
            gradient.write(
              'tableRow',
              Uint32Array.from(part.flatMap((item) => item.sequence.targets.map((_, index) => item.firstRow + index))),
            )
            gradient.write('weight', Float32Array.of(1 / rows))
            await gradient.run(gate)
          }
          await endMinibatch.run(gate)
          minibatches.push(items)
        }
        await update.run(gate)
      }
    }

    // The batch is done: read back, steer β, report, keep.
    const [table, details, totals, optimizer] = await Promise.all([
      engine.readF32(rollout.table, 0, batch.rows * 4),
      engine.readF32(rollout.details, 0, batch.rows * 4),
      engine.readF32(policy.metricsBuffer, 0, PPO_TOTAL_WORDS),
      policy.packed.readOptimizerState(),
    ])
    tokens += sequences.reduce((sum, sequence) => sum + sequence.ids.length, 0)
    const gradNorm = optimizer[1] ?? Number.NaN
    const metrics = ppoMetrics({
      batch,
      sequences,
      table,
      details,
      totals,
      minibatches,
      klCoef,
      learningRate: settings.learning_rate,
      gradNorm,
      tokens,
    })
    klCoef = nextKlCoef(klCoef, metrics['objective/kl'], sequences.length, settings)
    done = step + 1
    context.report(step, metrics)
    observe?.(step, ppoTokens({ batch, table, details }))
    await clock.endStep({ step, isLast: done === total, state: () => ({ batches: done, tokens, kl_coef: klCoef }) })
  }
  return { policy, batches: done, tokens, klCoef }
}

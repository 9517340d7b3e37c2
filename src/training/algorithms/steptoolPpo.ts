/**
 * Step-grained PPO (StepTool, arXiv:2410.07745), read top to bottom. Per batch of trajectories:
 *   score     log π, V (adapter on) and log π_ref (adapter off) of every completion token, once
 *   reward    −β (log π − log π_ref) per token, plus each step's reward at its last token
 *   advantage GAE over completion tokens, returns = A + V, then A whitened over the whole batch
 *   update    ppo_epochs × mini-batches of the clipped policy and value losses; Adam after gradient_accumulation_steps of them
 *   control   β is steered towards the KL target
 * Arithmetic is TRL 0.10/0.11's classic PPOTrainer as StepTool subclasses it. Departures, each behind a switch or noted in its help:
 * step rewards are not multiplied by n − i − 1 (`step_reward_weighting`), credit passes tool replies without decay (`gae_mask_mode`), the
 * value head starts at zero (`value_head_init`), unlabelled steps are not trained (`unlabelled_steps`). As in TRL, dropout is never active.
 * A step is a batch with all its epochs; nothing is read back before it is done.
 */
import { z } from 'zod'
import { adamSettings } from '../optimizerSettings'
import { GAE_MASK_MODES } from '../../engine/ops/gae'
import { PPO_TOTAL_WORDS } from '../../engine/ops/ppoMinibatch'
import { KL_PENALTIES } from '../../engine/ops/stepReward'
import { PROJECTIONS } from '../../models/architectures/decoder'
import type { Algorithm, TrainingContext } from '../algorithm'
import { initialLora, initialValueHead } from '../initialize'
import { nextKlCoef } from '../klController'
import { packSequences, uploadBatch } from '../packing'
import type { PackedBatch } from '../packing'
import { PolicyModel } from '../policyModel'
import { chunk, layoutBatch, microBatches, minibatchesOf } from '../ppoBatch'
import type { PpoBatchItem, PpoBatchSource } from '../ppoBatch'
import { ppoMetricMeanings, ppoMetrics, ppoTokens } from '../ppoMetrics'
import type { PpoTokens } from '../ppoMetrics'
import { ppoPlans } from '../ppoPlans'
import { ENCODINGS, REWARD_DTYPES } from '../ppoSequence'
import type { PpoSequenceOptions } from '../ppoSequence'
import { STEP_REWARD_WEIGHTINGS, UNLABELLED_STEPS } from '../stepRewards'

const config = z.object({
  learning_rate: z
    .number()
    .positive()
    .default(1e-5)
    .meta({ help: 'Learning rate of Adam, constant. StepTool uses 1e-5 for 7B models; small models take more.', essential: true }),
  max_steps: z.int().positive().default(100).meta({ help: 'Batches to train on; each is gone over ppo_epochs times.', essential: true }),
  batch_size: z
    .int()
    .positive()
    .default(8)
    .meta({ help: 'Trajectories per batch. Advantages are whitened over it and the KL controller moves once per batch.', essential: true }),
  mini_batch_size: z.int().positive().default(2).meta({ help: 'Trajectories per mini-batch: the loss is the mean over its tokens.' }),
  gradient_accumulation_steps: z
    .int()
    .positive()
    .default(4)
    .meta({ help: 'Mini-batches whose mean gradient makes one update. 8 / 2 / 4 is one update per PPO epoch.' }),
  ppo_epochs: z.int().positive().default(4).meta({ help: 'Times each batch is gone over, in a new order each time.', essential: true }),
  init_kl_coef: z
    .number()
    .nonnegative()
    .default(0.3)
    .meta({ help: 'β at the start: weight of the KL penalty that keeps the policy near the reference.', essential: true }),
  adap_kl_ctrl: z.boolean().default(true).meta({ help: 'Steer β so that the KL per trajectory approaches target.' }),
  target: z.number().positive().default(6).meta({ help: 'KL per trajectory, in nats, that β is steered to.' }),
  horizon: z.number().positive().default(10_000).meta({ help: 'Trajectories over which β may move by its full rate.' }),
  kl_penalty: z
    .enum(KL_PENALTIES)
    .default('kl')
    .meta({ help: 'Per-token penalty: kl is log π − log π_ref, abs its absolute value, mse half its square.' }),
  gamma: z.number().min(0).max(1).default(0.99).meta({ help: 'Discount per token.' }),
  lam: z
    .number()
    .min(0)
    .max(1)
    .default(0.95)
    .meta({ help: 'λ of generalised advantage estimation: 1 trusts rewards, 0 trusts the value head.' }),
  cliprange: z.number().positive().default(0.2).meta({ help: 'The ratio π_new / π_old earns nothing beyond 1 ± this.' }),
  cliprange_value: z.number().positive().default(0.2).meta({ help: 'Values earn nothing beyond their old value ± this.' }),
  vf_coef: z.number().nonnegative().default(0.1).meta({ help: 'Weight of the value loss.' }),
  ratio_threshold: z.number().positive().default(10).meta({ help: 'A mini-batch whose mean ratio is above this is skipped.' }),
  whiten_advantages: z.boolean().default(true).meta({ help: 'Scale advantages to mean 0 and variance 1 over the batch.' }),
  max_grad_norm: z
    .number()
    .nonnegative()
    .default(0)
    .meta({ help: 'Gradients are scaled down to this global norm; 0 turns clipping off, as StepTool does.' }),
  step_reward_weighting: z.enum(STEP_REWARD_WEIGHTINGS).default('paper').meta({
    help: 'paper: every step’s reward counts once. released: reward i of n is multiplied by n − i − 1 as in StepTool’s code, so the final step counts nothing.',
    essential: true,
  }),
  gae_mask_mode: z.enum(GAE_MASK_MODES).default('skip').meta({
    help: 'skip: credit passes over tool replies. trl_classic: it decays by γλ per reply token, which makes each step nearly its own episode.',
    essential: true,
  }),
  unlabelled_steps: z
    .enum(UNLABELLED_STEPS)
    .default('leave_out')
    .meta({ help: 'leave_out: a step without a label is not trained. no_score: it is, as if its reward were 0.' }),
  reward_dtype: z.enum(REWARD_DTYPES).default('float32').meta({ help: 'float16 rounds rewards as StepTool’s code does.' }),
  value_head_init: z
    .enum(['zero', 'torch'])
    .default('zero')
    .meta({ help: 'zero: values start at 0, so the first advantages are rewards alone. torch: nn.Linear’s random start, as TRL.' }),
  lora_r: z.int().positive().default(8).meta({ help: 'Rank of the adapter.', essential: true }),
  lora_alpha: z.number().positive().default(16).meta({ help: 'The adapter is scaled by alpha / r.' }),
  lora_targets: z
    .array(z.enum(PROJECTIONS))
    .min(1)
    .default([...PROJECTIONS])
    .meta({ help: 'Projections that get an adapter.' }),
  max_context_len: z
    .int()
    .positive()
    .default(4096)
    .meta({ help: 'Tokens kept before the final response; the oldest go first.', essential: true }),
  max_response_len: z.int().positive().default(1024).meta({ help: 'Tokens kept of the final response.', essential: true }),
  encoding: z
    .enum(ENCODINGS)
    .default('auto')
    .meta({ help: 'tokens: the ids that were sampled. text: encode every segment anew. auto: ids where the data has them.' }),
  max_tokens_per_micro_batch: z
    .int()
    .min(32)
    .default(5120)
    .meta({ help: 'Tokens processed at once: bounds memory, changes no result. At least the longest trajectory.' }),
  ...adamSettings,
})
export type SteptoolPpoConfig = z.output<typeof config>

export const steptoolPpo: Algorithm<typeof config> = {
  name: 'steptool-ppo',
  title: 'Step-grained PPO (StepTool)',
  paper: 'Yu 2024, StepTool, arXiv:2410.07745; Schulman 2017, arXiv:1707.06347',
  help: 'Rewards every step of a trajectory, not just its end, and improves the policy with clipped PPO near a frozen reference.',
  config,
  metrics: ppoMetricMeanings,
}

export interface SteptoolPpoResult {
  readonly policy: PolicyModel
  readonly batches: number
  readonly tokens: number
  readonly klCoef: number
}

/** How trajectories become the sequences this configuration trains on: for `buildPpoSequence`. */
export function sequenceOptions(settings: SteptoolPpoConfig): PpoSequenceOptions {
  return {
    maxContextLen: settings.max_context_len,
    maxResponseLen: settings.max_response_len,
    encoding: settings.encoding,
    rewardDtype: settings.reward_dtype,
  }
}

const saved = z.object({ batches: z.int(), tokens: z.int(), kl_coef: z.number() })

/** Called once per batch, after its report, with every trained token: what a heat map shows. */
export type PpoObserver = (step: number, tokens: readonly PpoTokens[]) => void

/** The caller owns the returned policy. A run that fails or is stopped by its gate leaves nothing on the GPU. */
export async function runSteptoolPpo(
  context: TrainingContext,
  settings: SteptoolPpoConfig,
  source: PpoBatchSource,
  observe?: PpoObserver,
): Promise<SteptoolPpoResult> {
  const lora = { rank: settings.lora_r, alpha: settings.lora_alpha, targets: settings.lora_targets }
  const policy = await PolicyModel.create(context.engine, context.model, context.reader, { kind: 'lora', lora, valueHead: true })
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
  source: PpoBatchSource,
  observe: PpoObserver | undefined,
): Promise<SteptoolPpoResult> {
  const { engine, model, seed, gate } = context
  for (const { name, shape } of policy.packed.ranges.values()) {
    const start = name.startsWith('v_head.')
      ? initialValueHead(shape, model.hidden_size, seed, settings.value_head_init)
      : initialLora(name, shape, seed)
    policy.packed.writeWeights(name, start)
  }

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
  const pack = (items: readonly PpoBatchItem[]): PackedBatch =>
    packSequences(
      items.map(({ sequence }) => sequence),
      model.vocab_size,
    )
  let done = first

  for (let step = first; step < total; step++) {
    const sequences = await source.next(step, policy)
    if (!sequences) break
    const batch = layoutBatch(sequences, { weighting: settings.step_reward_weighting, unlabelled: settings.unlabelled_steps }, limits)
    if (batch.rows === 0) throw new Error(`batch ${step}: none of its ${sequences.length} trajectories has a labelled step to train on`)
    const rollout = plans.rollout(batch)
    policy.beginStep()

    // Score: log π and V with the adapter, log π_ref without it and without the value head.
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
    const minibatches: PpoBatchItem[][] = []
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
    if (context.checkpoints && (done % context.checkpointEvery === 0 || done === total)) {
      await context.checkpoints.save({
        step: done,
        state: { batches: done, tokens, kl_coef: klCoef },
        arrays: await policy.checkpointArrays(),
      })
    }
  }
  return { policy, batches: done, tokens, klCoef }
}

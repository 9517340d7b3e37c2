/**
 * GRPO and its variants (DeepSeekMath, arXiv:2402.03300), read top to bottom. Per batch of groups, each group one query tried
 * num_generations times:
 *   score     log π_old of every completion token, and log π_ref (adapter off, or as it began) where beta > 0
 *   advantage each attempt's reward against its group (or, with advantage_level step, each step's against the group's steps)
 *   update    num_iterations passes over steps_per_generation parts of the batch: clipped ratio + beta · k3, then AdamW
 * Several turns are one sequence: tool replies are masked. Loss forms and names are TRL's; `advantage_level` step is our own.
 */
import { grpoQuestions } from './questions'
import { z } from 'zod'
import { hyperOf } from '../../policy/optimizerSettings'
import { accumulateInto } from '../../../engine/ops/accumulateInto'
import { grpoLoss, GRPO_SUM_WORDS } from '../../../engine/ops/grpoLoss'
import type { GrpoLossParams } from '../../../engine/ops/grpoLoss'
import { interleave } from '../../../engine/ops/interleave'
import { adapterTrainable } from '../../policy/adapterSettings'
import type { Algorithm } from '../../algorithm'
import type { TrainingContext } from '../../trainingContext'
import { createCheckpointer } from '../../checkpoints/checkpointer'
import { gatherGroups, lossRows, rowAdvantages, updatesOf } from './groups'
import type { GrpoSource } from './groups'
import { grpoConfig } from './config'
import type { GrpoConfig } from './config'
import { grpoMetricMeanings, grpoMetrics } from './metrics'
import { initializePolicy, keepsReference } from '../../policy/initialAdapter'
import { packSequences, uploadBatch } from '../../batches/packing'
import type { PackedBatch } from '../../batches/packing'
import { METRICS_LEAF, PolicyModel } from '../../policy/policyModel'
import type { Objective, TrainableSet } from '../../policy/policyModel'
import { layoutBatch, microBatches, minibatchesOf, rowCapacity } from '../../batches/batchLayout'
import type { BatchItem } from '../../batches/batchLayout'
import type { TokenizeOptions } from '../../batches/tokenizedTrajectory'
import { scheduleFactor } from '../../policy/schedule'
import { trainedPositions } from '../../batches/stepRewards'
import { grpoInterop } from './interop'

export const grpo: Algorithm<typeof grpoConfig> = {
  name: 'grpo',
  title: 'GRPO',
  paper: 'Shao 2024, arXiv:2402.03300; DAPO arXiv:2503.14476, Dr. GRPO arXiv:2503.20783, GSPO arXiv:2507.18071',
  help: 'Tries each query several times and moves towards the better attempts of each group. No value head.',
  config: grpoConfig,
  metrics: grpoMetricMeanings,
  colour: 3,
  metricQuestions: grpoQuestions,
  alarmsOff: [],
  learnsFrom: ['rollouts'],
  interop: grpoInterop,
}

export const grpoSequenceOptions = (settings: GrpoConfig): TokenizeOptions => ({
  maxContextLen: settings.max_context_len,
  maxResponseLen: settings.max_response_len,
  encoding: settings.encoding,
})

/** @param isContinued the run begins from an adapter. Without a KL there is no reference. */
export const grpoTrainable = (settings: GrpoConfig, isContinued = false): TrainableSet =>
  adapterTrainable(settings, { valueHead: false, keepsReference: settings.beta > 0 && keepsReference(isContinued, settings) })

export interface GrpoResult {
  readonly policy: PolicyModel
  readonly batches: number
}

/** The caller owns the returned policy. A run that fails or is stopped by its gate leaves nothing on the GPU. */
export async function runGrpo(context: TrainingContext, settings: GrpoConfig, source: GrpoSource): Promise<GrpoResult> {
  if (settings.generation_batch_size % settings.num_generations !== 0)
    throw new Error(
      `generation_batch_size ${settings.generation_batch_size} is no multiple of num_generations ${settings.num_generations}: groups would be cut`,
    )
  const trainable = grpoTrainable(settings, Boolean(context.initial))
  const policy = await PolicyModel.create(context.engine, context.model, context.reader, trainable)
  try {
    return await train(policy, context, settings, source)
  } catch (error) {
    await policy.destroy().catch(() => undefined)
    throw error
  }
}

const saved = z.object({ batches: z.int(), tokens: z.int(), updates: z.int() })

async function train(policy: PolicyModel, context: TrainingContext, settings: GrpoConfig, source: GrpoSource): Promise<GrpoResult> {
  const { engine, model, seed, gate } = context
  initializePolicy(policy, context, settings)
  let [tokens, first, updates] = [0, 0, 0]
  const checkpoint = await context.checkpoints?.load()
  if (checkpoint) {
    policy.restore(checkpoint.arrays)
    ;({ batches: first, tokens, updates } = saved.parse(checkpoint.state))
  }
  const update = await policy.update()
  const total = context.steps ?? settings.max_steps
  const totalUpdates = total * settings.num_iterations * settings.steps_per_generation
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
    const gathered = await gatherGroups(step, settings, source, policy)
    if (!gathered) break
    const { samples, flatGroups, groups } = gathered
    const kept = settings.mask_truncated_completions ? samples.filter(({ isTruncated }) => !isTruncated) : samples
    const batch = layoutBatch(
      kept.map(({ sequence }) => sequence),
      { step_reward_weighting: 'paper', unlabelled_steps: 'no_score' },
      limits,
    )
    const lengths = samples.map(({ sequence }) => trainedPositions(sequence, 'no_score').length)
    if (samples.length > 0 && lengths.every((length) => length === 0))
      throw new Error(`batch ${step}: none of its ${samples.length} attempts has a token to train on`)
    const capacity = rowCapacity(batch.rows)
    const columns = { logp: policy.ownState(`grpo/logp ${capacity}`, [capacity]), ref: policy.ownState(`grpo/ref ${capacity}`, [capacity]) }
    const rowTable = policy.ownState(`grpo/table ${capacity}`, [capacity, 4])
    policy.beginStep()

    // Score: log π_old, and log π_ref where the KL counts.
    for (const items of microBatches(batch.items, limits.maxTokens)) {
      const packed = pack(items)
      const firstRow = items[0]?.firstRow ?? 0
      for (const reference of settings.beta > 0 ? [false, true] : [false]) {
        const score = await policy.score(packed.tokenBucket, packed.targetBucket, reference)
        uploadBatch(score, packed)
        await score.run(gate)
        const encoder = engine.device.createCommandEncoder()
        const to = reference ? columns.ref : columns.logp
        encoder.copyBufferToBuffer(score.outputBuffer('logp'), 0, to, firstRow * 4, packed.targetCount * 4)
        engine.submit(encoder)
      }
    }

    // Advantages into the batch's table.
    const prepare = await policy.executable(`grpo prepare ${capacity}`, (graph) => {
      const [logp, ref] = [graph.state(`grpo/logp ${capacity}`, [capacity]), graph.state(`grpo/ref ${capacity}`, [capacity])]
      const counts = graph.batch('counts', [4], 'u32')
      interleave([logp, ref, graph.batch('advantage', [capacity]), ref], counts, graph.state(`grpo/table ${capacity}`, [capacity, 4]))
    })
    prepare.write('advantage', rowAdvantages(batch, samples, settings))
    prepare.write('counts', Uint32Array.of(0, batch.rows, batch.items.length, 0))
    await prepare.run(gate)

    // Update. A batch that masks leave nothing of passes by with gradients of 0, as in TRL.
    const size = Math.ceil(samples.length / settings.steps_per_generation)
    let learningRate = 0
    let taken = 0
    for (let iteration = 0; iteration < settings.num_iterations; iteration++) {
      for (const { items, weightOf } of updatesOf(batch, samples, minibatchesOf(samples.length, size, seed, step, iteration), settings)) {
        learningRate = settings.learning_rate * scheduleFactor(settings.lr_scheduler_type, updates, totalUpdates, settings.warmup_steps)
        policy.packed.setHyper(hyperOf(settings, learningRate))
        policy.packed.zeroGradients()
        for (const part of microBatches(items, limits.maxTokens)) {
          const packed = pack(part)
          const gradient = await policy.gradient(`grpo ${capacity}`, packed.tokenBucket, packed.targetBucket, objective(settings, capacity))
          uploadBatch(gradient, packed)
          const rows = lossRows(part, weightOf)
          gradient.write('tableRow', rows.tableRow)
          gradient.write('span', rows.span)
          gradient.write('weight', rows.weight)
          await gradient.run(gate)
        }
        await update.run(gate)
        updates += 1
        taken += 1
      }
    }

    const [table, sums, optimizer] = await Promise.all([
      engine.readF32(rowTable, 0, Math.max(1, batch.rows) * 4),
      engine.readF32(policy.metricsBuffer, 0, GRPO_SUM_WORDS),
      policy.packed.readOptimizerState(),
    ])
    tokens += samples.reduce((sum, { sequence }) => sum + sequence.ids.length, 0)
    done = step + 1
    context.report(
      step,
      grpoMetrics({
        ...{ settings, samples, lengths, batch, table, sums, updates: taken, flatGroups, groups, learningRate, tokens },
        gradNorm: taken === 0 ? 0 : (optimizer[1] ?? Number.NaN),
      }),
    )
    await clock.endStep({ step, isLast: done === total, state: () => ({ batches: done, tokens, updates }) })
  }
  return { policy, batches: done }
}

export function grpoLossParams(
  settings: Pick<
    GrpoConfig,
    'epsilon' | 'epsilon_high' | 'delta' | 'beta' | 'use_bias_correction_kl' | 'importance_sampling_level' | 'loss_type'
  >,
): GrpoLossParams {
  return {
    epsilonLow: settings.epsilon,
    epsilonHigh: settings.epsilon_high ?? settings.epsilon,
    delta: settings.delta,
    beta: settings.beta,
    isKlCorrected: settings.use_bias_correction_kl,
    level: settings.importance_sampling_level,
    isCispo: settings.loss_type === 'cispo',
  }
}

function objective(settings: GrpoConfig, capacity: number): Objective {
  return ({ graph, batch, rows, logp, entropy }) => {
    const { dlogp, sums } = grpoLoss(
      {
        logp,
        entropy,
        tableRow: graph.batch('tableRow', [rows], 'u32'),
        table: graph.state(`grpo/table ${capacity}`, [capacity, 4]),
        span: graph.batch('span', [rows, 2], 'u32'),
        weight: graph.batch('weight', [rows]),
        counts: batch.counts,
      },
      grpoLossParams(settings),
    )
    accumulateInto(graph.state(METRICS_LEAF, [GRPO_SUM_WORDS]), sums)
    return { dlogp }
  }
}

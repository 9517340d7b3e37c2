/**
 * GRPO and its variants (DeepSeekMath, arXiv:2402.03300), read top to bottom. Per batch of groups, each group one query tried
 * num_generations times:
 *   score     log π_old of every completion token, and log π_ref (adapter off, or as it began) where beta > 0
 *   advantage each attempt's reward against its group (or, with advantage_level step, each step's against the group's steps)
 *   update    num_iterations passes over steps_per_generation parts of the batch: clipped ratio + beta · k3, then AdamW
 * Several turns are one sequence: tool replies are masked. Loss forms and names are TRL's; `advantage_level` step is our own.
 */
import { z } from 'zod'
import { partProgress } from '../../../engine/device/activity'
import { accumulateInto } from '../../../engine/ops/accumulateInto'
import { grpoLoss, GRPO_SUM_WORDS } from '../../../engine/ops/grpoLoss'
import type { GrpoLossParams } from '../../../engine/ops/grpoLoss'
import { interleave } from '../../../engine/ops/interleave'
import { rowCapacity } from '../../batches/batchLayout'
import type { BatchItem, BatchLayout } from '../../batches/batchLayout'
import { packSequences, uploadBatch } from '../../batches/packing'
import type { PackedBatch } from '../../batches/packing'
import { advantagesOfBatch } from '../../batches/recordedAdvantages'
import { trainedPositions } from '../../batches/stepRewards'
import { createCheckpointer } from '../../checkpoints/checkpointer'
import { adapterTrainable } from '../../policy/adapterSettings'
import { initializePolicy, keepsReference } from '../../policy/initialAdapter'
import { hyperOf } from '../../policy/optimizerSettings'
import { METRICS_LEAF, PolicyModel } from '../../policy/policyModel'
import type { Objective, TrainableSet } from '../../policy/policyModel'
import { scheduleFactor } from '../../policy/schedule'
import type { TrainingContext } from '../../trainingContext'
import type { GrpoConfig } from './config'
import { gatherGroups, grpoAdvantages, lossRows, rowAdvantages } from './groups'
import type { AdvantageEstimator, GrpoSample, GrpoSource } from './groups'
import { grpoMetrics } from './metrics'
import { layoutOfStep, scoredParts, updatesOfStep } from './microBatches'

/** @param isContinued whether the run starts from an adapter. Without a KL there is no reference. */
export const grpoTrainable = (settings: GrpoConfig, isContinued = false): TrainableSet =>
  adapterTrainable(settings, { valueHead: false, keepsReference: settings.beta > 0 && keepsReference(isContinued, settings) })

export interface GrpoResult {
  readonly policy: PolicyModel
  readonly batches: number
}

/**
 * The caller owns the returned policy. A run that fails or is stopped by its gate leaves nothing on the GPU.
 * @param estimate how advantages are estimated; without it as the settings say.
 */
export async function runGrpo<Sample extends GrpoSample = GrpoSample>(
  context: TrainingContext,
  settings: GrpoConfig,
  source: GrpoSource<Sample>,
  estimate: AdvantageEstimator<Sample> = grpoAdvantages(settings),
): Promise<GrpoResult> {
  if (settings.generation_batch_size % settings.num_generations !== 0)
    throw new Error(
      `generation_batch_size ${settings.generation_batch_size} is no multiple of num_generations ${settings.num_generations}: groups would be cut`,
    )
  const trainable = grpoTrainable(settings, Boolean(context.initial))
  const policy = await PolicyModel.create(context.engine, context.model, context.reader, trainable)
  try {
    return await train(policy, context, settings, source, estimate)
  } catch (error) {
    await policy.destroy().catch(() => undefined)
    throw error
  }
}

const saved = z.object({ batches: z.int(), tokens: z.int(), updates: z.int() })

async function train<Sample extends GrpoSample>(
  policy: PolicyModel,
  context: TrainingContext,
  settings: GrpoConfig,
  source: GrpoSource<Sample>,
  estimate: AdvantageEstimator<Sample>,
): Promise<GrpoResult> {
  const { engine, model } = context
  initializePolicy(policy, context, settings)
  let [tokens, first, updates] = [0, 0, 0]
  const checkpoint = await context.checkpoints?.load()
  if (checkpoint) {
    policy.restore(checkpoint.arrays)
    ;({ batches: first, tokens, updates } = saved.parse(checkpoint.state))
  }
  const total = context.steps ?? settings.max_steps
  const run: Run = { policy, settings, context, totalUpdates: total * settings.num_iterations * settings.steps_per_generation }
  const limits = limitsOf(settings, model)
  const clock = createCheckpointer(context, policy)
  let done = first

  for (let step = first; step < total; step++) {
    clock.beginStep()
    const gathered = await gatherGroups(step, settings, source, policy, estimate)
    if (!gathered) break
    const { samples, flatGroups, groups } = gathered
    const batch = layoutOfStep(samples, settings, limits)
    const lengths = samples.map(({ sequence }) => trainedPositions(sequence, 'no_score').length)
    if (samples.length > 0 && lengths.every((length) => length === 0))
      throw new Error(`batch ${step}: none of its ${samples.length} attempts has a token to train on`)
    const tables = tablesOf(policy, batch)
    policy.beginStep()

    await scoreBatch(run, batch, tables)
    const { ofSteps, metrics: ofEstimate } = estimate(samples)
    await prepareAdvantages(run, batch, tables, rowAdvantages(batch, samples, ofSteps))
    const { taken, learningRate } = await updatePolicy(run, batch, tables, samples, step, updates)
    updates += taken

    // The batch is done: read back, report, store.
    const [table, sums, optimizer] = await Promise.all([
      engine.readF32(tables.table, 0, Math.max(1, batch.rows) * 4),
      engine.readF32(policy.metricsBuffer, 0, GRPO_SUM_WORDS),
      policy.packed.readOptimizerState(),
    ])
    tokens += samples.reduce((sum, { sequence }) => sum + sequence.ids.length, 0)
    done = step + 1
    const metrics = grpoMetrics({
      ...{ settings, samples, lengths, batch, table, sums, updates: taken, flatGroups, groups, learningRate, tokens },
      gradNorm: taken === 0 ? 0 : (optimizer[1] ?? Number.NaN),
      skippedUpdates: optimizer[3] ?? Number.NaN,
    })
    context.report(step, { ...metrics, ...ofEstimate })
    context.onAdvantages?.(step, advantagesOfBatch(batch, table, { width: 4, column: TABLE_ADVANTAGE }))
    await clock.endStep({ step, isLast: done === total, state: () => ({ batches: done, tokens, updates }) })
  }
  return { policy, batches: done }
}

const limitsOf = ({ max_tokens_per_micro_batch }: GrpoConfig, { max_position_embeddings, vocab_size }: TrainingContext['model']) => ({
  maxTokens: max_tokens_per_micro_batch,
  maxPositions: max_position_embeddings,
  vocabulary: vocab_size,
})

interface Run {
  readonly policy: PolicyModel
  readonly settings: GrpoConfig
  readonly context: TrainingContext
  /** The number of updates of the run, from which the learning rate follows. */
  readonly totalUpdates: number
}

/** The rows of a batch on the GPU: their log-probs, and the table the loss reads. */
interface Tables {
  readonly capacity: number
  readonly logp: GPUBuffer
  readonly ref: GPUBuffer
  readonly table: GPUBuffer
}

/** Column of `table` that holds advantages. */
const TABLE_ADVANTAGE = 2

const leaf = (what: 'logp' | 'ref' | 'table', capacity: number): string => `grpo/${what} ${capacity}`

function tablesOf(policy: PolicyModel, { rows }: BatchLayout): Tables {
  const capacity = rowCapacity(rows)
  return {
    capacity,
    logp: policy.ownState(leaf('logp', capacity), [capacity]),
    ref: policy.ownState(leaf('ref', capacity), [capacity]),
    table: policy.ownState(leaf('table', capacity), [capacity, 4]),
  }
}

const packed = ({ context }: Run, items: readonly BatchItem[]): PackedBatch =>
  packSequences(
    items.map(({ sequence }) => sequence),
    context.model.vocab_size,
  )

/** Computes log π_old of every row, and log π_ref if beta is above 0. */
async function scoreBatch(run: Run, batch: BatchLayout, tables: Tables): Promise<void> {
  const { policy, settings, context } = run
  const scored = scoredParts(batch, settings)
  const progress = partProgress(context.engine, 'score', scored.length)
  for (const items of scored) {
    progress.next()
    const part = packed(run, items)
    const firstRow = items[0]?.firstRow ?? 0
    for (const reference of settings.beta > 0 ? [false, true] : [false]) {
      const score = await policy.score(part.tokenBucket, part.targetBucket, reference)
      uploadBatch(score, part)
      await score.run(context.gate)
      const encoder = policy.engine.device.createCommandEncoder()
      const to = reference ? tables.ref : tables.logp
      encoder.copyBufferToBuffer(score.outputBuffer('logp'), 0, to, firstRow * 4, part.targetCount * 4)
      policy.engine.submit(encoder)
    }
  }
}

/** Writes advantages, [capacity], into the batch's table. */
async function prepareAdvantages(
  { policy, context }: Run,
  batch: BatchLayout,
  { capacity }: Tables,
  advantages: Float32Array,
): Promise<void> {
  const prepare = await policy.executable(`grpo prepare ${capacity}`, (graph) => {
    const [logp, ref] = [graph.state(leaf('logp', capacity), [capacity]), graph.state(leaf('ref', capacity), [capacity])]
    const counts = graph.batch('counts', [4], 'u32')
    interleave([logp, ref, graph.batch('advantage', [capacity]), ref], counts, graph.state(leaf('table', capacity), [capacity, 4]))
  })
  prepare.write('advantage', advantages)
  prepare.write('counts', Uint32Array.of(0, batch.rows, batch.items.length, 0))
  await prepare.run(context.gate)
}

/** Makes all passes over the batch. If every attempt is masked, the gradients are 0, as in TRL. @param before the number of updates made so far. */
async function updatePolicy(
  run: Run,
  batch: BatchLayout,
  { capacity }: Tables,
  samples: readonly GrpoSample[],
  step: number,
  before: number,
): Promise<{ taken: number; learningRate: number }> {
  const { policy, settings, context, totalUpdates } = run
  const update = await policy.update()
  let learningRate = 0
  let taken = 0
  const updates = [...updatesOfStep(batch, samples, settings, context.seed, step)]
  const progress = partProgress(context.engine, 'update', updates.flatMap(({ parts }) => parts).length)
  for (const { parts, weightOf } of updates) {
    learningRate = settings.learning_rate * scheduleFactor(settings.lr_scheduler_type, before + taken, totalUpdates, settings.warmup_steps)
    policy.packed.setHyper(hyperOf(settings, learningRate))
    policy.packed.zeroGradients()
    for (const items of parts) {
      progress.next()
      const part = packed(run, items)
      const gradient = await policy.gradient(`grpo ${capacity}`, part.tokenBucket, part.targetBucket, objective(settings, capacity))
      uploadBatch(gradient, part)
      const rows = lossRows(items, weightOf)
      gradient.write('tableRow', rows.tableRow)
      gradient.write('span', rows.span)
      gradient.write('weight', rows.weight)
      await gradient.run(context.gate)
    }
    await update.run(context.gate)
    taken += 1
  }
  return { taken, learningRate }
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
        table: graph.state(leaf('table', capacity), [capacity, 4]),
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

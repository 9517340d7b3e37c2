/**
 * Supervised fine-tuning: −log p of the agent's own tokens (TRL's `assistant_only_loss`; with `mask_history`, LLaMA-Factory's name, of the last
 * turn alone, which is TRL's `completion_only_loss` on rows of all that came before it and it), packed sequences.
 * The loss of a step is the token mean over its whole accumulated batch, never a mean of micro-batch means.
 */
import { z } from 'zod'
import { partProgress } from '../../../engine/device/activity'
import { MetricRing } from '../../../engine/metricRing'
import { NLL_TOTAL } from '../../../engine/ops/weightedNll'
import { packSequences, uploadBatch } from '../../batches/packing'
import type { SampleSource } from '../../batches/sampleSource'
import { createCheckpointer } from '../../checkpoints/checkpointer'
import { initializePolicy } from '../../policy/initialAdapter'
import { nll } from '../../policy/nllObjective'
import { hyperOf } from '../../policy/optimizerSettings'
import { PolicyModel } from '../../policy/policyModel'
import { DROPOUT_STATE } from '../../policy/policyPlans'
import { scheduleFactor } from '../../policy/schedule'
import type { TrainingContext } from '../../trainingContext'
import { sftTrainable } from './config'
import type { SftConfig } from './config'
import { microBatchesOfStep, targetBucketOf, tokenBucketOf } from './microBatches'

export interface SftResult {
  readonly policy: PolicyModel
  readonly steps: number
  readonly tokens: number
}

/** Samples are taken in index order, each once per pass over the data. The caller owns the returned policy. */
export async function runSft(context: TrainingContext, settings: SftConfig, data: SampleSource): Promise<SftResult> {
  const policy = await sftPolicy(context, settings)
  try {
    const total = context.steps ?? settings.max_steps
    const saved = await context.checkpoints?.load()
    if (saved) policy.restore(saved.arrays)
    const from = saved ? sftPlace.parse(saved.state) : sftStart
    const { tokens } = await imitate(policy, context, settings, { data, first: saved?.step ?? 0, end: total, total, from })
    return { policy, steps: total, tokens }
  } catch (error) {
    await policy.destroy().catch(() => undefined)
    throw error
  }
}

/** The policy at the start of training: the checkpoint's weights, with an adapter drawn from the seed or an initial adapter. */
export async function sftPolicy(context: TrainingContext, settings: SftConfig): Promise<PolicyModel> {
  const trainable = sftTrainable(settings)
  const policy = await PolicyModel.create(context.engine, context.model, context.reader, trainable)
  try {
    initializePolicy(policy, context, settings)
  } catch (error) {
    await policy.destroy()
    throw error
  }
  return policy
}

/** The position of a run: its next sample, and the tokens that it has processed. */
export const sftPlace = z.object({ cursor: z.int(), tokens: z.int() })
type SftPlace = z.output<typeof sftPlace>
export const sftStart: SftPlace = { cursor: 0, tokens: 0 }

interface SftStretch {
  readonly data: SampleSource
  /** Updates first … end − 1 of `total`, which the learning rate follows. */
  readonly first: number
  readonly end: number
  readonly total: number
  readonly from: SftPlace
  /** The contents of checkpoints besides the position. */
  readonly state?: Readonly<Record<string, unknown>>
}

/** A stretch of updates; its last one is always a checkpoint. */
export async function imitate(
  policy: PolicyModel,
  context: TrainingContext,
  settings: SftConfig,
  { data, first, end, total, from, state = {} }: SftStretch,
): Promise<SftPlace> {
  let { cursor, tokens } = from
  const update = await policy.update()
  const ring = new MetricRing<{ step: number; tokens: number; learningRate: number }>(context.engine, 64, (tag, values) => {
    const total = (key: keyof typeof NLL_TOTAL): number => values[NLL_TOTAL[key]] ?? Number.NaN
    context.report(tag.step, {
      loss: total('loss'),
      entropy: total('entropy') / total('rows'),
      mean_token_accuracy: total('hits') / total('rows'),
      grad_norm: values[5] ?? Number.NaN,
      skipped_updates: values[7] ?? Number.NaN,
      learning_rate: tag.learningRate,
      num_tokens: tag.tokens,
    })
  })
  const clock = createCheckpointer(context, policy)
  try {
    for (let step = first; step < end; step++) {
      clock.beginStep()
      const learningRate = settings.learning_rate * scheduleFactor(settings.lr_scheduler_type, step, total, settings.warmup_steps)
      policy.packed.setHyper(hyperOf(settings, learningRate))
      const drawn = microBatchesOfStep(data, cursor, settings, context.model)
      const { micros } = drawn
      cursor = drawn.cursor
      const targets = micros.flat().reduce((sum, sequence) => sum + sequence.targets.length, 0)
      policy.beginStep()
      const progress = partProgress(context.engine, 'update', micros.length)
      for (const [micro, sequences] of micros.entries()) {
        progress.next()
        const bucket = { tokens: tokenBucketOf(settings), targets: targetBucketOf(sequences) }
        const batch = packSequences(sequences, context.model.vocab_size, bucket)
        const executable = await policy.gradient('sft', batch.tokenBucket, batch.targetBucket, nll)
        uploadBatch(executable, batch)
        executable.write(DROPOUT_STATE, Uint32Array.of(context.seed, step, micro))
        executable.write('weight', new Float32Array(batch.targetCount).fill(1 / targets))
        await executable.run(context.gate)
        tokens += batch.tokens
      }
      await update.run(context.gate)
      await ring.push({ step, tokens, learningRate }, [
        { buffer: policy.metricsBuffer, bytes: 16 },
        { buffer: policy.packed.optimizerStateBuffer, bytes: 32 },
      ])
      const place = { ...state, cursor, tokens }
      await clock.endStep({ step, isLast: step + 1 === end, settle: () => ring.drain(), state: () => place })
    }
    await ring.drain()
  } finally {
    // Buffers still on their way back must not be destroyed.
    await ring.drain().catch(() => undefined)
    ring.destroy()
  }
  return { cursor, tokens }
}

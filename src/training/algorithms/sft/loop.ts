/**
 * Supervised fine-tuning: −log p of the agent's own tokens (TRL's `assistant_only_loss`; with `mask_history`, LLaMA-Factory's name, of the last
 * turn alone, which is TRL's `completion_only_loss` on rows of all that came before it and it), packed sequences.
 * The loss of a step is the token mean over its whole accumulated batch, never a mean of micro-batch means.
 */
import { optimizerQuestions } from '../../policy/metricQuestions'
import { z } from 'zod'
import { adapterSettings } from '../../policy/adapterSettings'
import { memorySettings } from '../../policy/memorySettings'
import { adamSettings, hyperOf } from '../../policy/optimizerSettings'
import { MetricRing } from '../../../engine/metricRing'
import { accumulateInto } from '../../../engine/ops/accumulateInto'
import { NLL_TOTAL, weightedNll } from '../../../engine/ops/weightedNll'
import type { Algorithm } from '../../algorithm'
import type { SampleSource } from '../../batches/sampleSource'
import type { TrainingContext } from '../../trainingContext'
import { createCheckpointer } from '../../checkpoints/checkpointer'
import { initializePolicy } from '../../policy/initialAdapter'
import { bucketFor, packSequences, uploadBatch } from '../../batches/packing'
import type { Sequence } from '../../batches/packing'
import { METRICS_LEAF, PolicyModel } from '../../policy/policyModel'
import { DROPOUT_STATE } from '../../policy/policyPlans'
import type { Objective, TrainableSet } from '../../policy/policyModel'
import { scheduleFactor, SCHEDULES } from '../../policy/schedule'
import type { ModelConfig } from '../../../models/architectures/config'
import { sftInterop } from './interop'

const config = z.object({
  learning_rate: z.number().positive().default(2e-4).meta({
    help: 'Peak learning rate of AdamW. LoRA likes about 2e-4; training all weights of a small model from scratch 1e-3 and more.',
    essential: true,
  }),
  max_steps: z.int().positive().default(100).meta({ help: 'Optimizer updates to take.', essential: true }),
  tokens_per_batch: z.int().min(32).default(2048).meta({ help: 'Tokens packed into one micro-batch.', essential: true }),
  mask_history: z.boolean().default(false).meta({
    help: 'Loss on the last assistant turn alone: turns before it are context. Off: on every assistant turn. Never on prompts and tool replies.',
  }),
  gradient_accumulation_steps: z.int().positive().default(1).meta({ help: 'Micro-batches whose gradients add up to one update.' }),
  trainable: z
    .enum(['lora', 'all'])
    .default('lora')
    .meta({ help: 'lora: a low-rank adapter on a frozen base. all: every weight.', essential: true }),
  lora_dropout: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .meta({ help: 'Share of inputs an adapter does not see in a step, drawn anew for each.' }),
  ...adapterSettings(8),
  warmup_steps: z.int().nonnegative().default(10).meta({ help: 'Steps over which the learning rate rises from 0.' }),
  lr_scheduler_type: z.enum(SCHEDULES).default('cosine').meta({ help: 'How the learning rate moves after warm-up.' }),
  weight_decay: z.number().nonnegative().default(0).meta({ help: 'Decoupled decay on matrices.' }),
  ...adamSettings,
  ...memorySettings,
  max_grad_norm: z.number().nonnegative().default(1).meta({ help: 'Gradients are scaled down to this global norm; 0 turns clipping off.' }),
})
export type SftConfig = z.output<typeof config>

export const sft: Algorithm<typeof config> = {
  name: 'sft',
  title: 'Supervised fine-tuning',
  paper: 'Ouyang 2022, arXiv:2203.02155 (step 1)',
  help: 'Imitates the completions of the data, token by token.',
  config,
  metrics: {
    loss: 'Mean −log p of the target tokens of this step, in nats.',
    entropy: 'Mean entropy of the model over the vocabulary at these tokens, in nats.',
    mean_token_accuracy: 'Share of these tokens that the model thinks likeliest.',
    grad_norm: 'Global gradient norm before clipping; −1 when a gradient was not finite and the step was skipped.',
    learning_rate: 'Learning rate of this step.',
    num_tokens: 'Tokens processed since the start.',
  },
  colour: 7,
  metricQuestions: optimizerQuestions,
  // Imitation and preference learning are meant to make the model sure.
  alarmsOff: ['entropy_collapse'],
  learnsFrom: ['files'],
  interop: sftInterop,
}

export const nll: Objective = ({ graph, batch, rows, ...scores }) => {
  const { dlogp, totals } = weightedNll(scores, graph.batch('weight', [rows]), batch.counts)
  accumulateInto(graph.state(METRICS_LEAF, [4]), totals)
  return { dlogp }
}

export interface SftResult {
  readonly policy: PolicyModel
  readonly steps: number
  readonly tokens: number
}

export function sftTrainable(settings: SftConfig): TrainableSet {
  return settings.trainable === 'all'
    ? { kind: 'all', valueHead: false, gradientCheckpointing: settings.gradient_checkpointing }
    : {
        kind: 'lora',
        lora: {
          ...{ rank: settings.lora_r, alpha: settings.lora_alpha, targets: settings.lora_targets },
          ...{ useRslora: settings.use_rslora, dropout: settings.lora_dropout },
        },
        valueHead: false,
        gradientCheckpointing: settings.gradient_checkpointing,
      }
}

/** Rows the micro-batches of a run are planned for: one size for all. */
export const tokenBucketOf = (settings: SftConfig): number => Math.max(bucketFor(1), Math.ceil(settings.tokens_per_batch / 32) * 32)

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

/** As training starts: the checkpoint's weights, with an adapter drawn from the seed or one to go on with. */
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

/** Where a run stands: the next sample, and the tokens behind it. */
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
  /** What checkpoints hold besides the place. */
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
      const micros: Sequence[][] = []
      for (let index = 0; index < settings.gradient_accumulation_steps; index++) {
        const filled = fillBatch(data, cursor, settings.tokens_per_batch, context.model)
        cursor = filled.cursor
        micros.push(filled.sequences)
      }
      const targets = micros.flat().reduce((sum, sequence) => sum + sequence.targets.length, 0)
      policy.beginStep()
      for (const [micro, sequences] of micros.entries()) {
        const count = sequences.reduce((sum, sequence) => sum + sequence.targets.length, 0)
        const batch = packSequences(sequences, context.model.vocab_size, { tokens: tokenBucketOf(settings), targets: bucketFor(count) })
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

/** Samples from `cursor` on (cyclic) until the next would pass the token budget. */
export function fillBatch(
  data: SampleSource,
  cursor: number,
  budget: number,
  { max_position_embeddings: positions }: Pick<ModelConfig, 'max_position_embeddings'>,
): { sequences: Sequence[]; cursor: number } {
  const sequences: Sequence[] = []
  let tokens = 0
  let at = cursor
  for (;;) {
    const sequence = data.sample(at % data.length)
    if (sequence.ids.length > budget)
      throw new Error(`sample ${at % data.length} has ${sequence.ids.length} tokens, more than tokens_per_batch ${budget}`)
    if (sequence.ids.length > positions)
      throw new Error(
        `sample ${at % data.length} has ${sequence.ids.length} tokens, but the model reads at most ${positions}: lower tokens_per_batch to that or shorten it`,
      )
    if (tokens + sequence.ids.length > budget) break
    tokens += sequence.ids.length
    if (sequence.targets.length > 0) sequences.push(sequence)
    at++
    if (sequences.length >= budget) break
  }
  return { sequences, cursor: at }
}

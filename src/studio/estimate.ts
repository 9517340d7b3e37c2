/** Memory a job needs, from the plans it would run: known before anything is allocated. */
import { packedLayout } from '../engine/memory/packedState'
import { HYPER_WORDS, OPTIMIZER_STATE_WORDS } from '../engine/ops/adamW'
import { accumulateInto } from '../engine/ops/accumulateInto'
import { weightedNll } from '../engine/ops/weightedNll'
import type { Plan, PlanContext } from '../engine/plan/planGraph'
import { sizeOf } from '../engine/tensor'
import type { ModelConfig } from '../models/architectures/config'
import { architectureOf } from '../models/languageModel'
import { bucketFor } from '../training/packing'
import { METRICS_BYTES, METRICS_LEAF, policyPlans, trainableEntries } from '../training/policyPlans'
import type { Objective, TrainableSet } from '../training/policyPlans'
import type { MemoryEstimate } from '../worker/protocol'

const FLOAT_BYTES = 4

/** One side of a job: what is resident, and the largest batch it computes on. */
export interface MemoryShape {
  readonly config: ModelConfig
  /** null when nothing is trained. */
  readonly training: { readonly trainable: TrainableSet; readonly tokens: number; readonly targets: number } | null
  /** Sequences generated at once and their longest context; null when nothing is generated. */
  readonly generation: { readonly slots: number; readonly maxContext: number } | null
}

export interface MemoryLimits {
  readonly maxBindingBytes: number
  readonly isSoftware: boolean
  /** What the machine is taken to have: WebGPU does not say. */
  readonly budgetBytes: number
}

export interface MemoryKnob {
  /** `lora_r 8 → 4`. */
  readonly change: string
  readonly shape: MemoryShape
}

interface Sum {
  readonly parts: MemoryEstimate['parts']
  readonly bytes: number
  readonly largestBinding: number
}

/** Stands for any loss over the target rows: the losses' own tables are small beside the backward pass. */
const anyLoss: Objective = ({ graph, logp, batch, rows }) => {
  const { dlogp, totals } = weightedNll(logp, graph.batch('weight', [rows]), batch.counts)
  accumulateInto(graph.state(METRICS_LEAF, [4]), totals)
  return { dlogp }
}

export function estimateMemory(shape: MemoryShape, limits: MemoryLimits, knobs: readonly MemoryKnob[]): MemoryEstimate {
  const sum = sumOf(shape, limits)
  const tooLong = sum.largestBinding > limits.maxBindingBytes
  const verdict = sum.bytes > limits.budgetBytes || tooLong ? 'exceeds' : sum.bytes > 0.75 * limits.budgetBytes ? 'tight' : 'fits'
  const best = knobs
    .map((knob) => ({ knob, saved: sum.bytes - sumOf(knob.shape, limits).bytes }))
    .sort((a, b) => b.saved - a.saved)
    .find(({ saved }) => saved > 0)
  const saves = best ? `${best.knob.change} saves ${megabytes(best.saved)}.` : ''
  const over = tooLong ? `One buffer of ${megabytes(sum.largestBinding)} is more than this GPU binds at once (${megabytes(limits.maxBindingBytes)}). ` : ''
  return {
    ...sum,
    verdict,
    advice: verdict === 'fits' ? '' : `${over}${saves === '' ? 'A smaller model is what helps.' : saves}`,
    notes: [
      `Counted from the plans this job would run, against ${megabytes(limits.budgetBytes)}: WebGPU does not say how much memory there is, so that is a guess.`,
      ...(shape.training ? [`The largest batch has ${shape.training.tokens} tokens, ${shape.training.targets} of them trained.`] : []),
    ],
  }
}

function sumOf({ config, training, generation }: MemoryShape, limits: MemoryLimits): Sum {
  const parameters = Object.entries(architectureOf(config).parameters(config))
  const entries = training ? trainableEntries(config, training.trainable) : []
  const trained = new Set(entries.map(({ name }) => name))
  const frozenSizes = parameters.filter(([name]) => !trained.has(name)).map(([, shape]) => sizeOf(shape) * FLOAT_BYTES)
  const rope = config.max_position_embeddings * config.head_dim * FLOAT_BYTES
  const parts: { name: string; bytes: number }[] = [
    { name: 'Frozen weights, 32-bit', bytes: total(frozenSizes) },
    { name: 'Position tables', bytes: rope },
  ]
  let largestBinding = Math.max(...frozenSizes, rope / 2)
  if (training) {
    const packed = packedLayout(entries).count * FLOAT_BYTES
    parts.push({ name: 'Trained weights, gradients, two moments', bytes: packed * 4 + (HYPER_WORDS + OPTIMIZER_STATE_WORDS) * FLOAT_BYTES + METRICS_BYTES })
    const [tokens, targets] = [bucketFor(training.tokens), bucketFor(training.targets)]
    const plans = plansOf(config, training.trainable, tokens, targets, limits)
    // Plans take turns: one scratch pool serves the hungriest.
    parts.push({ name: 'Activations and scratch', bytes: Math.max(...plans.map(({ memory }) => memory.scratch)) })
    parts.push({ name: 'Batches, outputs, parameters of kernels', bytes: total(plans.map(({ memory }) => memory.batch + memory.outputs + memory.uniforms)) })
    largestBinding = Math.max(largestBinding, packed, ...plans.flatMap(({ dispatches }) => dispatches.flatMap(({ bindings }) => bindings.map(({ size }) => size))))
  }
  if (generation) {
    const width = config.num_key_value_heads * config.head_dim
    const layer = generation.slots * Math.ceil(generation.maxContext / 16) * 16 * width * FLOAT_BYTES
    parts.push({ name: `Generation cache, ${generation.slots} at once`, bytes: 2 * config.num_hidden_layers * layer })
    // Logits of every slot, and one extend batch through the widest layer.
    parts.push({ name: 'Generation scratch', bytes: (generation.slots * config.vocab_size + 2048 * (2 * config.intermediate_size + 6 * config.hidden_size)) * FLOAT_BYTES })
    largestBinding = Math.max(largestBinding, layer)
  }
  return { parts, bytes: total(parts.map(({ bytes }) => bytes)), largestBinding }
}

function plansOf(config: ModelConfig, trainable: TrainableSet, tokens: number, targets: number, limits: MemoryLimits): Plan[] {
  const under = (maxBindingBytes: number): Plan[] => {
    const context: PlanContext = { maxBindingBytes, isSoftware: limits.isSoftware }
    const plans = policyPlans(config, trainable, context)
    return [plans.score(tokens, targets, false), plans.score(tokens, targets, true), plans.gradient(tokens, targets, anyLoss), plans.update()]
  }
  try {
    return under(limits.maxBindingBytes)
  } catch {
    // A plan this device cannot run still says how large it would be.
    return under(Number.MAX_SAFE_INTEGER)
  }
}

const total = (sizes: readonly number[]): number => sizes.reduce((sum, size) => sum + size, 0)

function megabytes(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.max(1, Math.round(bytes / 1e6))} MB`
}

/** The plans of a trainable language model. They touch no device, so their memory is known before anything is allocated. */
import { recompute } from '../../engine/autograd/checkpoint'
import { differentiate } from '../../engine/autograd/differentiate'
import type { Seed } from '../../engine/autograd/differentiate'
import { packedLayout } from '../../engine/memory/packedState'
import type { PackedEntry, PackedLayout } from '../../engine/memory/packedState'
import { accumulateInto } from '../../engine/ops/accumulateInto'
import { adamWStep, HYPER_WORDS, OPTIMIZER_STATE_WORDS } from '../../engine/ops/adamW'
import { gatherRows } from '../../engine/ops/gatherRows'
import { logProb } from '../../engine/ops/logProb'
import type { TokenLogProbs } from '../../engine/ops/logProb'
import { linear } from '../../engine/ops/linear'
import { matmulNN } from '../../engine/ops/matmul'
import { planGraph } from '../../engine/plan/planGraph'
import type { Plan, PlanContext } from '../../engine/plan/planGraph'
import { Graph } from '../../engine/tensor'
import type { Tensor } from '../../engine/tensor'
import type { ModelConfig } from '../../models/architectures/config'
import { batchTensors, headWeight, paddedRows, projectionPath, projectionShape } from '../../models/architectures/decoder'
import type { BatchTensors, LoraShape } from '../../models/architectures/decoder'
import { architectureOf } from '../../models/languageModel'

export type TrainableSet = (
  { readonly kind: 'all'; readonly valueHead: boolean } | { readonly kind: 'lora'; readonly lora: LoraShape; readonly valueHead: boolean }
) & {
  /** Whether a layer's activations are computed again for the backward pass instead of being stored. */
  readonly gradientCheckpointing?: boolean
  /** Whether the reference is a frozen copy of the initial adapter; otherwise it is the base model without an adapter. */
  readonly keepsReference?: boolean
}

/** The shape of the adapter, if the trainable set is an adapter. */
export const loraOf = (trainable: TrainableSet): LoraShape | null => (trainable.kind === 'lora' ? trainable.lora : null)

export const VALUE_WEIGHT = 'v_head.summary.weight'
export const VALUE_BIAS = 'v_head.summary.bias'
/** The state leaf to which an objective adds its sums, so that the micro-batches of a step add up. */
export const METRICS_LEAF = 'metrics/totals'
export const METRICS_BYTES = 256
/** Batch tensor [3] of gradient plans whose adapter has dropout: seed, step and micro-batch. */
export const DROPOUT_STATE = 'dropoutState'

/** The state leaf [1, hidden size] with the column means of the head, for objectives that need the mean of a row's logits over the vocabulary. */
export const HEAD_MEANS = 'head/means'
/** The batch tensor [1, `heldRows`] of ones with which `headMeans` sums the head's rows. */
export const HEAD_ONES = 'ones'

/** The symbolic tensors of the target rows that an objective reads. */
export interface RowTensors extends TokenLogProbs {
  readonly graph: Graph
  readonly batch: BatchTensors
  /** [R, 1]: the mean over the vocabulary of the row's logits, hidden · `HEAD_MEANS`, as a mean of products is a product with the mean. */
  readonly meanLogits: () => Tensor
  /** [R, 1] of the value head; null without one. */
  readonly value: Tensor | null
  readonly rows: number
}
/** An objective writes its own outputs and returns the cotangents of logp [R] and value [R, 1]. */
export type Objective = (rows: RowTensors) => { readonly dlogp: Tensor; readonly dvalue?: Tensor }

export function trainableEntries(config: ModelConfig, trainable: TrainableSet): PackedEntry[] {
  const entries: PackedEntry[] = []
  if (trainable.kind === 'all') {
    for (const [name, shape] of Object.entries(architectureOf(config).parameters(config)))
      entries.push({ name, shape, decay: shape.length === 2 })
  } else {
    for (let layer = 0; layer < config.num_hidden_layers; layer++)
      for (const projection of trainable.lora.targets) {
        const path = projectionPath(layer, projection)
        const [out, inner] = projectionShape(config, projection)
        entries.push(
          { name: `${path}.lora_A.weight`, shape: [trainable.lora.rank, inner], decay: true },
          { name: `${path}.lora_B.weight`, shape: [out, trainable.lora.rank], decay: true },
        )
      }
  }
  if (trainable.valueHead)
    entries.push({ name: VALUE_WEIGHT, shape: [1, config.hidden_size], decay: true }, { name: VALUE_BIAS, shape: [1], decay: false })
  return entries
}

/** The tensors of the frozen copy of the initial adapter; empty if the reference is the base model. */
export const referenceEntries = (config: ModelConfig, trainable: TrainableSet): PackedEntry[] =>
  trainable.keepsReference ? trainableEntries(config, { ...trainable, valueHead: false }) : []

export interface PolicyPlans {
  /**
   * A forward pass over `tokens` tokens whose outputs are logp [rows], entropy [rows] and, with a value head, value [rows, 1] of the targets.
   * With `reference` it has no value head and no adapter, or the frozen copy of the initial adapter if the policy keeps one.
   */
  score(tokens: number, rows: number, reference: boolean): Plan
  /** A forward pass of the base model without head and adapter; its output `hidden` [rows, hidden size] is the state after the final norm of the token before each target. */
  hidden(tokens: number, rows: number): Plan
  /** Adds the column means of a frozen head [vocabulary, hidden size] to the state leaf `HEAD_MEANS` [1, hidden size]. */
  headMeans(): Plan
  /** The forward and backward pass of a micro-batch of `tokens` tokens and `rows` targets; it adds the gradients to the packed gradients [n]. */
  gradient(tokens: number, rows: number, objective: Objective): Plan
  /** The optimizer step on the packed weights, gradients and moments [n]. */
  update(): Plan
}

/** The plans of a policy, made for a device; each function plans one graph for the given bucket sizes. */
export function policyPlans(config: ModelConfig, trainable: TrainableSet, context: PlanContext): PolicyPlans {
  const layout = packedLayout(trainableEntries(config, trainable))
  const isTrained = trainable.kind === 'all'
  if (isTrained && config.vocab_size % 4 !== 0)
    throw new Error(`all weights are trained where the vocabulary is a multiple of 4, found ${config.vocab_size}: train an adapter (LoRA)`)
  return {
    score(tokens, rows, reference) {
      const { graph, logp, entropy, value } = traceRows(config, trainable, tokens, rows, { isReference: reference, isTraining: false })
      graph.output('logp', logp)
      graph.output('entropy', entropy)
      if (value) graph.output('value', value)
      return planGraph(graph, context)
    },
    hidden(tokens, rows) {
      const { graph, picked } = pickHidden(config, trainable, tokens, rows, { hasAdapter: false, isTraining: false })
      graph.output('hidden', picked)
      return planGraph(graph, context)
    },
    headMeans() {
      const graph = new Graph()
      const { vocab_size: vocabulary, hidden_size: width } = config
      const means = matmulNN(graph.batch(HEAD_ONES, [1, paddedRows(config)]), headWeight(graph, config, isTrained), 1 / vocabulary)
      accumulateInto(graph.state(HEAD_MEANS, [1, width]), means)
      return planGraph(graph, context)
    },
    gradient(tokens, rows, objective) {
      const traced = traceRows(config, trainable, tokens, rows, { isReference: false, isTraining: true })
      const { graph, logp, value } = traced
      const { dlogp, dvalue } = objective(traced)
      const seeds: Seed[] = [{ output: logp, grad: dlogp }]
      if (value && dvalue) seeds.push({ output: value, grad: dvalue })
      addGradients(graph, layout, seeds, { recomputes: trainable.gradientCheckpointing })
      return planGraph(graph, context)
    },
    update: () => updatePlan(layout, context),
  }
}

/** The model without its head, and the rows [rows, hidden size] of its output [tokens, hidden size] that come before the targets. */
function pickHidden(
  config: ModelConfig,
  trainable: TrainableSet,
  tokens: number,
  rows: number,
  { hasAdapter, isTraining }: { readonly hasAdapter: boolean; readonly isTraining: boolean },
): { graph: Graph; batch: BatchTensors; picked: Tensor } {
  const graph = new Graph()
  const batch = batchTensors(graph, tokens, config.vocab_size)
  const lora = hasAdapter ? loraOf(trainable) : null
  const dropoutState = isTraining && lora?.dropout ? { dropoutState: graph.batch(DROPOUT_STATE, [3], 'u32') } : {}
  const hidden = architectureOf(config).forward({ graph, config, batch, lora, trained: trainable.kind === 'all', ...dropoutState })
  const targetOf = graph.batch('targetOf', [tokens], 'u32')
  return { graph, batch, picked: gatherRows(hidden, graph.batch('rowOf', [rows], 'u32'), batch.counts, targetOf) }
}

/** Traces a forward pass up to the tensors that an objective or a score reads of the target rows. */
function traceRows(
  config: ModelConfig,
  trainable: TrainableSet,
  tokens: number,
  rows: number,
  { isReference, isTraining }: { readonly isReference: boolean; readonly isTraining: boolean },
): RowTensors {
  const { vocab_size: vocabulary, hidden_size: width } = config
  const hasAdapter = !isReference || trainable.keepsReference === true
  const { graph, batch, picked } = pickHidden(config, trainable, tokens, rows, { hasAdapter, isTraining })
  const head = headWeight(graph, config, trainable.kind === 'all')
  const scores = logProb(picked, head, graph.batch('targetIds', [rows], 'u32'), batch.counts, vocabulary)
  const value =
    trainable.valueHead && !isReference
      ? linear(picked, graph.state(VALUE_WEIGHT, [1, width]), batch.counts, { bias: graph.state(VALUE_BIAS, [1]), rowCount: 'targets' })
      : null
  const meanLogits = (): Tensor => linear(picked, graph.state(HEAD_MEANS, [1, width]), batch.counts, { rowCount: 'targets' })
  return { graph, batch, ...scores, value, rows, meanLogits }
}

/**
 * Differentiates with respect to the packed parameters and adds each gradient to its packed one.
 * @param recomputes whether activations are computed again for the backward pass instead of being stored.
 */
export function addGradients(
  graph: Graph,
  layout: PackedLayout,
  seeds: readonly Seed[],
  { recomputes = false }: { readonly recomputes?: boolean | undefined } = {},
): void {
  const parameters = [...layout.ranges.values()].map((range) => ({ range, leaf: graph.state(range.name, range.shape) }))
  const forward = graph.nodes.length
  const grads = differentiate(
    seeds,
    parameters.map(({ leaf }) => leaf),
  )
  if (recomputes) recompute(graph, forward)
  parameters.forEach(({ range }, index) => {
    const grad = grads[index]
    if (grad) accumulateInto(graph.state(`grad:${range.name}`, range.shape), grad)
  })
}

/** Plans the optimizer step on packed weights, gradients and moments [count]. */
export function updatePlan({ count, decayEnd }: Pick<PackedLayout, 'count' | 'decayEnd'>, context: PlanContext): Plan {
  const graph = new Graph()
  adamWStep(
    {
      weights: graph.state('packed/weights', [count]),
      grads: graph.state('packed/grads', [count]),
      first: graph.state('packed/first', [count]),
      second: graph.state('packed/second', [count]),
      hyper: graph.state('packed/hyper', [HYPER_WORDS]),
      optimizerState: graph.state('packed/state', [OPTIMIZER_STATE_WORDS]),
    },
    { decayEnd },
  )
  return planGraph(graph, context)
}

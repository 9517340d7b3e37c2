/** Plans of a trainable language model: score (log-probs of a packed batch), gradient step, optimizer update; compiled once per bucket. */
import { differentiate } from '../engine/autograd/differentiate'
import type { Seed } from '../engine/autograd/differentiate'
import type { EngineDevice } from '../engine/device/engineDevice'
import { PackedState } from '../engine/memory/packedState'
import type { PackedEntry } from '../engine/memory/packedState'
import { accumulateInto } from '../engine/ops/accumulateInto'
import { adamWStep, HYPER_WORDS, OPTIMIZER_STATE_WORDS } from '../engine/ops/adamW'
import { gatherRows } from '../engine/ops/gatherRows'
import { logProb } from '../engine/ops/logProb'
import type { TokenLogProbs } from '../engine/ops/logProb'
import { linear } from '../engine/ops/matmul'
import { Executable } from '../engine/plan/executable'
import type { StateRange } from '../engine/plan/executable'
import { planGraph } from '../engine/plan/planGraph'
import type { Plan } from '../engine/plan/planGraph'
import { Graph } from '../engine/tensor'
import type { Tensor } from '../engine/tensor'
import type { ModelConfig } from '../models/architectures/config'
import { batchTensors, headWeight, projectionPath, projectionShape } from '../models/architectures/decoder'
import type { BatchTensors, LoraShape } from '../models/architectures/decoder'
import { architectureOf, LanguageModel } from '../models/languageModel'
import type { WeightReader } from '../models/languageModel'

export type TrainableSet = { readonly kind: 'all'; readonly valueHead: boolean } | { readonly kind: 'lora'; readonly lora: LoraShape; readonly valueHead: boolean }

export const VALUE_WEIGHT = 'v_head.summary.weight'
export const VALUE_BIAS = 'v_head.summary.bias'
/** State leaf an objective adds its sums to, so that micro-batches of one step add up. */
export const METRICS_LEAF = 'metrics/totals'

/** What an objective sees: everything about the target rows, as symbolic tensors. */
export interface RowTensors extends TokenLogProbs {
  readonly graph: Graph
  readonly batch: BatchTensors
  /** [R, 1] of the value head; null without one. */
  readonly value: Tensor | null
  readonly rows: number
}
/** Writes its own outputs and returns cotangents of logp and value. */
export type Objective = (rows: RowTensors) => { readonly dlogp: Tensor; readonly dvalue?: Tensor }

export function trainableEntries(config: ModelConfig, trainable: TrainableSet): PackedEntry[] {
  const entries: PackedEntry[] = []
  if (trainable.kind === 'all') {
    for (const [name, shape] of Object.entries(architectureOf(config).parameters(config))) entries.push({ name, shape, decay: shape.length === 2 })
  } else {
    for (let layer = 0; layer < config.num_hidden_layers; layer++)
      for (const projection of trainable.lora.targets) {
        const path = projectionPath(layer, projection)
        const [out, inner] = projectionShape(config, projection)
        entries.push({ name: `${path}.lora_A.weight`, shape: [trainable.lora.rank, inner], decay: true }, { name: `${path}.lora_B.weight`, shape: [out, trainable.lora.rank], decay: true })
      }
  }
  if (trainable.valueHead) entries.push({ name: VALUE_WEIGHT, shape: [1, config.hidden_size], decay: true }, { name: VALUE_BIAS, shape: [1], decay: false })
  return entries
}

interface Traced {
  readonly graph: Graph
  readonly rows: RowTensors
}

export class PolicyModel {
  readonly model: LanguageModel
  readonly packed: PackedState
  readonly trainable: TrainableSet
  readonly engine: EngineDevice
  readonly #executables = new Map<string, Promise<Executable>>()
  /** Holds `METRICS_LEAF`: up to 64 sums of one step. */
  readonly metricsBuffer: GPUBuffer
  #update: Promise<Executable> | null = null

  private constructor(engine: EngineDevice, model: LanguageModel, packed: PackedState, trainable: TrainableSet) {
    this.engine = engine
    this.model = model
    this.packed = packed
    this.trainable = trainable
    this.metricsBuffer = engine.createBuffer(METRICS_LEAF, 256)
  }

  /** Zeroes gradients and metric sums: the start of a step. */
  beginStep(): void {
    this.packed.zeroGradients()
    const encoder = this.engine.device.createCommandEncoder()
    encoder.clearBuffer(this.metricsBuffer)
    this.engine.submit(encoder)
  }

  readonly #lookup = (name: string): StateRange => (name === METRICS_LEAF ? { buffer: this.metricsBuffer, offset: 0 } : this.model.lookup(this.packed)(name))

  static async create(engine: EngineDevice, config: ModelConfig, reader: WeightReader, trainable: TrainableSet): Promise<PolicyModel> {
    const packed = new PackedState(engine, trainableEntries(config, trainable))
    const model = await LanguageModel.load(engine, config, reader, { packed })
    return new PolicyModel(engine, model, packed, trainable)
  }

  #trace(tokens: number, rows: number, options: { adapter: boolean }): Traced {
    const { config } = this.model
    const graph = new Graph()
    const batch = batchTensors(graph, tokens, config.vocab_size)
    const lora = options.adapter && this.trainable.kind === 'lora' ? this.trainable.lora : null
    const hidden = this.model.architecture.forward({ graph, config, batch, lora })
    const targetOf = graph.batch('targetOf', [tokens], 'u32')
    const picked = gatherRows(hidden, graph.batch('rowOf', [rows], 'u32'), batch.counts, targetOf)
    const scores = logProb(picked, headWeight(graph, config), graph.batch('targetIds', [rows], 'u32'), batch.counts)
    const value =
      this.trainable.valueHead && options.adapter
        ? linear(picked, graph.state(VALUE_WEIGHT, [1, config.hidden_size]), batch.counts, { bias: graph.state(VALUE_BIAS, [1]), live: 1 })
        : null
    return { graph, rows: { graph, batch, ...scores, value, rows } }
  }

  /** Plan of a forward pass that leaves logp, entropy (and value) of the target rows. `reference`: adapter and value head off. */
  planScore(tokens: number, rows: number, reference: boolean): Plan {
    const traced = this.#trace(tokens, rows, { adapter: !reference })
    traced.graph.output('logp', traced.rows.logp)
    traced.graph.output('entropy', traced.rows.entropy)
    if (traced.rows.value) traced.graph.output('value', traced.rows.value)
    return planGraph(traced.graph, this.#context)
  }

  /** Plan of one micro-batch: forward, objective, backward, gradients added to the packed gradients. */
  planGradient(tokens: number, rows: number, objective: Objective): Plan {
    const traced = this.#trace(tokens, rows, { adapter: true })
    const { dlogp, dvalue } = objective(traced.rows)
    const seeds: Seed[] = [{ output: traced.rows.logp, grad: dlogp }]
    if (traced.rows.value && dvalue) seeds.push({ output: traced.rows.value, grad: dvalue })
    const { graph } = traced
    const parameters = [...this.packed.ranges.values()].map((range) => ({ range, leaf: graph.state(range.name, range.shape) }))
    const grads = differentiate(
      seeds,
      parameters.map(({ leaf }) => leaf),
    )
    parameters.forEach(({ range }, index) => {
      const grad = grads[index]
      if (grad) accumulateInto(graph.state(`grad:${range.name}`, range.shape), grad)
    })
    return planGraph(graph, this.#context)
  }

  planUpdate(): Plan {
    const graph = new Graph()
    const count = [this.packed.count]
    adamWStep(
      {
        weights: graph.state('packed/weights', count),
        grads: graph.state('packed/grads', count),
        first: graph.state('packed/first', count),
        second: graph.state('packed/second', count),
        hyper: graph.state('packed/hyper', [HYPER_WORDS]),
        optimizerState: graph.state('packed/state', [OPTIMIZER_STATE_WORDS]),
      },
      { decayEnd: this.packed.decayEnd },
    )
    return planGraph(graph, this.#context)
  }

  get #context(): { maxBindingBytes: number; isSoftware: boolean } {
    return { maxBindingBytes: this.engine.maxBindingBytes, isSoftware: this.engine.isSoftware }
  }

  score(tokens: number, rows: number, reference = false): Promise<Executable> {
    return this.#cached(`score ${tokens} ${rows} ${String(reference)}`, () => this.planScore(tokens, rows, reference))
  }

  /** `key` names the objective: one executable per objective and bucket. */
  gradient(key: string, tokens: number, rows: number, objective: Objective): Promise<Executable> {
    return this.#cached(`gradient ${key} ${tokens} ${rows}`, () => this.planGradient(tokens, rows, objective))
  }

  update(): Promise<Executable> {
    this.#update ??= Executable.create(this.engine, this.planUpdate(), this.model.pool, this.#lookup)
    return this.#update
  }

  #cached(key: string, plan: () => Plan): Promise<Executable> {
    const known = this.#executables.get(key)
    if (known) return known
    const made = Executable.create(this.engine, plan(), this.model.pool, this.#lookup)
    this.#executables.set(key, made)
    return made
  }

  async destroy(): Promise<void> {
    for (const executable of this.#executables.values()) (await executable).destroy()
    if (this.#update) (await this.#update).destroy()
    this.engine.destroyBuffer(this.metricsBuffer)
    this.packed.destroy()
    this.model.destroy()
  }
}

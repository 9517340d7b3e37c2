/** A trainable language model on the GPU: score (log-probs of a packed batch), gradient step, optimizer update; compiled once per bucket. */
import type { EngineDevice } from '../../engine/device/engineDevice'
import { PackedState } from '../../engine/memory/packedState'
import { Executable } from '../../engine/plan/executable'
import type { Gate, StateLookup, StateRange } from '../../engine/plan/executable'
import { planGraph } from '../../engine/plan/planGraph'
import type { Plan } from '../../engine/plan/planGraph'
import { Graph, sizeOf } from '../../engine/tensor'
import type { Shape } from '../../engine/tensor'
import type { ModelConfig } from '../../models/architectures/config'
import { isStreamed, LanguageModel } from '../../models/languageModel'
import type { WeightReader } from '../../models/languageModel'
import type { TrainingCheckpoint } from '../checkpoints/checkpoint'
import { paddedRows } from '../../models/architectures/decoder'
import { HEAD_MEANS, HEAD_ONES, METRICS_BYTES, METRICS_LEAF, policyPlans, referenceEntries, trainableEntries } from './policyPlans'
import type { Objective, PolicyPlans, TrainableSet } from './policyPlans'
import { ReferenceAdapter } from './referenceAdapter'

export { METRICS_LEAF, trainableEntries, VALUE_BIAS, VALUE_WEIGHT } from './policyPlans'
export type { Objective, TrainableSet } from './policyPlans'

export class PolicyModel {
  readonly model: LanguageModel
  readonly packed: PackedState
  readonly trainable: TrainableSet
  readonly engine: EngineDevice
  readonly plans: PolicyPlans
  readonly #executables = new Map<string, Promise<Executable>>()
  readonly #ownState = new Map<string, GPUBuffer>()
  /** The frozen copy of the initial adapter; null if the reference is the base model. */
  readonly reference: ReferenceAdapter | null
  /** Holds `METRICS_LEAF`: up to 64 sums of one step. */
  readonly metricsBuffer: GPUBuffer
  #update: Promise<Executable> | null = null

  private constructor(engine: EngineDevice, model: LanguageModel, packed: PackedState, trainable: TrainableSet) {
    this.engine = engine
    this.model = model
    this.packed = packed
    this.trainable = trainable
    this.plans = policyPlans(model.config, trainable, engine)
    this.metricsBuffer = engine.createBuffer(METRICS_LEAF, METRICS_BYTES)
    const frozen = referenceEntries(model.config, trainable)
    this.reference = frozen.length > 0 ? new ReferenceAdapter(engine, frozen) : null
  }

  /** Whether a step is running that may have changed the weights already. The checkpointer ends it. */
  isUpdating = false

  /** Zeroes gradients and metric sums at the start of a step. */
  beginStep(): void {
    this.isUpdating = true
    this.packed.zeroGradients()
    this.engine.zero(this.metricsBuffer)
  }

  readonly #lookup = (name: string): StateRange => {
    const own = name === METRICS_LEAF ? this.metricsBuffer : this.#ownState.get(name)
    return own ? { buffer: own, offset: 0 } : this.model.lookup(this.packed)(name)
  }

  /** A state leaf of an algorithm's own, such as rollout tables. It is zero at first, and destroyed with the policy. */
  ownState(name: string, shape: Shape): GPUBuffer {
    const known = this.#ownState.get(name)
    if (known) return known
    const buffer = this.engine.createBuffer(name, sizeOf(shape) * 4)
    this.#ownState.set(name, buffer)
    return buffer
  }

  static async create(engine: EngineDevice, config: ModelConfig, reader: WeightReader, trainable: TrainableSet): Promise<PolicyModel> {
    const packed = new PackedState(engine, trainableEntries(config, trainable))
    try {
      if (isStreamed(config)) compileAhead(engine, config, trainable)
      const model = await LanguageModel.load(engine, config, reader, { packed })
      return new PolicyModel(engine, model, packed, trainable)
    } catch (error) {
      packed.destroy()
      throw error
    }
  }

  /** A policy whose memory is all zeros, to run plans without a checkpoint. */
  static async allocate(engine: EngineDevice, config: ModelConfig, trainable: TrainableSet): Promise<PolicyModel> {
    const packed = new PackedState(engine, trainableEntries(config, trainable))
    return new PolicyModel(engine, await LanguageModel.allocate(engine, config, packed), packed, trainable)
  }

  score(tokens: number, rows: number, reference = false): Promise<Executable> {
    const frozen = reference ? this.reference : null
    const lookup = (name: string): StateRange => frozen?.lookup(name) ?? this.#lookup(name)
    return this.#cached(`score ${tokens} ${rows} ${String(reference)}`, () => this.plans.score(tokens, rows, reference), lookup)
  }

  /** See `PolicyPlans.hidden`. */
  hidden(tokens: number, rows: number): Promise<Executable> {
    return this.#cached(`hidden ${tokens} ${rows}`, () => this.plans.hidden(tokens, rows))
  }

  /** Fills the state leaf `HEAD_MEANS`, once, for objectives that read it; the head must be frozen. */
  async computeHeadMeans(gate?: Gate): Promise<void> {
    const { config } = this.model
    if (this.#ownState.has(HEAD_MEANS)) return
    this.ownState(HEAD_MEANS, [1, config.hidden_size])
    const means = await this.#cached(HEAD_MEANS, () => this.plans.headMeans())
    means.write(HEAD_ONES, new Float32Array(paddedRows(config)).fill(1))
    await means.run(gate)
  }

  /** `key` names the objective: one executable per objective and bucket. */
  gradient(key: string, tokens: number, rows: number, objective: Objective): Promise<Executable> {
    return this.#cached(`gradient ${key} ${tokens} ${rows}`, () => this.plans.gradient(tokens, rows, objective))
  }

  /** An executable of an algorithm's own making against this policy's state; compiled once per key. */
  executable(key: string, trace: (graph: Graph) => void): Promise<Executable> {
    return this.#cached(key, () => {
      const graph = new Graph()
      trace(graph)
      return planGraph(graph, this.engine)
    })
  }

  update(): Promise<Executable> {
    this.#update ??= Executable.create(this.engine, this.plans.update(), this.model.pool, this.#lookup)
    return this.#update
  }

  #cached(key: string, plan: () => Plan, lookup: StateLookup = this.#lookup): Promise<Executable> {
    const known = this.#executables.get(key)
    if (known) return known
    const made = Executable.create(this.engine, plan(), this.model.pool, lookup)
    this.#executables.set(key, made)
    return made
  }

  /** Weights, moments and optimizer state, as every algorithm's checkpoint holds them. */
  async checkpointArrays(): Promise<TrainingCheckpoint['arrays']> {
    const { weights, first, second, state } = await this.packed.snapshot()
    return { weights, first, second, optimizer: state }
  }

  /** Restores the result of `checkpointArrays`. */
  restore({ weights, first, second, optimizer }: TrainingCheckpoint['arrays']): void {
    if (!weights || !first || !second || !optimizer) throw new Error('the checkpoint lacks weights or moments')
    this.packed.restore({ weights, first, second, state: optimizer })
  }

  async destroy(): Promise<void> {
    for (const executable of this.#executables.values()) (await executable).destroy()
    if (this.#update) (await this.#update).destroy()
    for (const buffer of this.#ownState.values()) this.engine.destroyBuffer(buffer)
    this.engine.destroyBuffer(this.metricsBuffer)
    this.reference?.destroy()
    this.packed.destroy()
    this.model.destroy()
  }
}

/**
 * Compiles the kernels of a step while weights are read. Kernels depend on widths, not on the numbers of layers and rows, so two layers and
 * a small batch have all of them except the objective's.
 */
function compileAhead(engine: EngineDevice, config: ModelConfig, trainable: TrainableSet): void {
  const plans = policyPlans({ ...config, num_hidden_layers: Math.min(2, config.num_hidden_layers) }, trainable, engine)
  const ahead = [plans.gradient(AHEAD_ROWS, AHEAD_ROWS, ({ logp }) => ({ dlogp: logp })), plans.update()]
  for (const { dispatches } of ahead)
    // One that does not compile says so when it is asked for again.
    for (const { dispatch } of dispatches) engine.kernel(dispatch).catch(() => undefined)
}
const AHEAD_ROWS = 64

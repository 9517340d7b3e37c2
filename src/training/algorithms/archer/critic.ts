/** The double critics of a policy on the GPU: their weights and optimizer, the target copies, and the sums of an iteration. */
import type { EngineDevice } from '../../../engine/device/engineDevice'
import { packedBytes, packedLayout, PackedState } from '../../../engine/memory/packedState'
import type { AdamWHyper } from '../../../engine/ops/adamW'
import { ADVANTAGE_SUM_WORDS } from '../../../engine/ops/archerLoss'
import { CRITIC_SUM_WORDS } from '../../../engine/ops/criticLoss'
import { Executable } from '../../../engine/plan/executable'
import type { Gate, StateRange } from '../../../engine/plan/executable'
import type { Plan } from '../../../engine/plan/planGraph'
import type { ScratchPool } from '../../../engine/plan/scratchPool'
import type { TrainingCheckpoint } from '../../checkpoints/checkpoint'
import {
  ADVANTAGE_SUMS_LEAF,
  criticEntries,
  criticPlans,
  CRITICS,
  criticSumsLeaf,
  initialCritic,
  TARGET_PREFIX,
  TARGETS_LEAF,
} from './criticPlans'
import type { CriticPlans, CriticShape } from './criticPlans'

/** Ranges of a buffer begin at multiples of 256 bytes: so do the sums of each critic, and after them those of the advantages. */
const SUMS_STRIDE = 256
const SUMS_BYTES = (CRITICS.length + 1) * SUMS_STRIDE

/** Bytes of the buffers that hold critics, targets and sums. */
export const criticBytes = (shape: CriticShape): number => {
  const { count } = packedLayout(criticEntries(shape))
  return packedBytes(count) + count * 4 + SUMS_BYTES
}

/** Features of utterances, row after row. Features that the plan does not read may be absent. */
export interface CriticInputs {
  readonly observation: Float32Array
  readonly fresh: Float32Array
  readonly acted?: Float32Array
  readonly next?: Float32Array
  /** [N, 4], see `TRANSITION` in criticLoss.ts. */
  readonly transition?: Float32Array
}

export interface CriticSums {
  /** One for each of `CRITICS`, see `CRITIC_SUM`. */
  readonly critics: readonly Float32Array[]
  /** See `ADVANTAGE_SUM`. */
  readonly advantages: Float32Array
}

export class ArcherCritic {
  readonly packed: PackedState
  readonly #engine: EngineDevice
  readonly #pool: ScratchPool
  readonly #plans: CriticPlans
  readonly #shape: CriticShape
  readonly #targets: GPUBuffer
  readonly #sums: GPUBuffer
  readonly #executables = new Map<string, Promise<Executable>>()

  /** @param pool scratch of the policy's plans, which do not run at the same time. */
  constructor(engine: EngineDevice, pool: ScratchPool, shape: CriticShape, gamma: number) {
    this.#engine = engine
    this.#pool = pool
    this.#shape = shape
    this.#plans = criticPlans(shape, gamma, engine)
    this.packed = new PackedState(engine, criticEntries(shape))
    this.#targets = engine.createBuffer(TARGETS_LEAF, this.packed.count * 4)
    this.#sums = engine.createBuffer('critic/sums', SUMS_BYTES)
  }

  /** Critics drawn from the seed, targets equal to them. */
  async initialize(seed: number, gate: Gate): Promise<void> {
    for (const { name } of this.packed.ranges.values()) this.packed.writeWeights(name, initialCritic(name, this.#shape, seed))
    await this.blend(1, gate)
  }

  /** Zeroes the sums at the start of an iteration. */
  beginIteration(): void {
    const encoder = this.#engine.device.createCommandEncoder()
    encoder.clearBuffer(this.#sums)
    this.#engine.submit(encoder)
  }

  /** Makes one update on a batch of `rows` utterances, then moves the targets. */
  async learn(inputs: Required<CriticInputs>, rows: number, options: { hyper: AdamWHyper; tau: number; gate?: Gate }): Promise<void> {
    this.packed.setHyper(options.hyper)
    this.packed.zeroGradients()
    const learn = await this.#executable(`learn ${rows}`, () => this.#plans.learn(rows))
    write(learn, inputs, rows)
    await learn.run(options.gate)
    const update = await this.#executable('update', () => this.#plans.update())
    await update.run(options.gate)
    await this.blend(options.tau, options.gate)
  }

  async blend(tau: number, gate?: Gate): Promise<void> {
    await (await this.#executable(`blend ${tau}`, () => this.#plans.blend(tau))).run(gate)
  }

  /** Writes the advantages of `rows` fresh actions into the returned buffer. */
  async advantage(inputs: CriticInputs, rows: number, gate?: Gate): Promise<GPUBuffer> {
    const executable = await this.#executable(`advantage ${rows}`, () => this.#plans.advantage(rows))
    write(executable, inputs, rows)
    await executable.run(gate)
    return executable.outputBuffer('advantage')
  }

  async readSums(): Promise<CriticSums> {
    const all = await this.#engine.readF32(this.#sums, 0, SUMS_BYTES / 4)
    const part = (index: number, words: number): Float32Array => all.slice((index * SUMS_STRIDE) / 4, (index * SUMS_STRIDE) / 4 + words)
    return { critics: CRITICS.map((_, index) => part(index, CRITIC_SUM_WORDS)), advantages: part(CRITICS.length, ADVANTAGE_SUM_WORDS) }
  }

  /** Target weights in packed order. */
  readTargets(): Promise<Float32Array> {
    return this.#engine.readF32(this.#targets, 0, this.packed.count)
  }

  async checkpointArrays(): Promise<TrainingCheckpoint['arrays']> {
    const { weights, first, second, state } = await this.packed.snapshot()
    return {
      critic: weights,
      critic_first: first,
      critic_second: second,
      critic_optimizer: state,
      critic_targets: await this.readTargets(),
    }
  }

  restore(arrays: TrainingCheckpoint['arrays']): void {
    const { critic: weights, critic_first: first, critic_second: second, critic_optimizer: state, critic_targets: targets } = arrays
    if (!weights || !first || !second || !state || !targets) throw new Error('the checkpoint lacks the critics')
    this.packed.restore({ weights, first, second, state })
    this.#engine.write(this.#targets, targets)
  }

  #lookup = (name: string): StateRange => {
    if (name === TARGETS_LEAF) return { buffer: this.#targets, offset: 0 }
    if (name === ADVANTAGE_SUMS_LEAF) return { buffer: this.#sums, offset: CRITICS.length * SUMS_STRIDE }
    const sums = CRITICS.findIndex((_, index) => criticSumsLeaf(index) === name)
    if (sums >= 0) return { buffer: this.#sums, offset: sums * SUMS_STRIDE }
    const isTarget = name.startsWith(TARGET_PREFIX)
    const range = this.packed.lookup(isTarget ? name.slice(TARGET_PREFIX.length) : name)
    if (!range) throw new Error(`no critic holds ${name}`)
    return isTarget ? { buffer: this.#targets, offset: range.offset } : range
  }

  #executable(key: string, plan: () => Plan): Promise<Executable> {
    const known = this.#executables.get(key)
    if (known) return known
    const made = Executable.create(this.#engine, plan(), this.#pool, this.#lookup)
    this.#executables.set(key, made)
    return made
  }

  async destroy(): Promise<void> {
    for (const executable of this.#executables.values()) (await executable).destroy()
    for (const buffer of [this.#targets, this.#sums]) this.#engine.destroyBuffer(buffer)
    this.packed.destroy()
  }
}

function write(executable: Executable, inputs: CriticInputs, rows: number): void {
  executable.write('counts', Uint32Array.of(rows, rows, rows, 0))
  for (const [name, data] of Object.entries(inputs) as [string, Float32Array][]) executable.write(name, data)
}

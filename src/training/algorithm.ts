/** What every training algorithm is given, and what it says about itself. */
import type { z } from 'zod'
import type { AlarmKind } from '../records/alarms'
import type { EngineDevice } from '../engine/device/engineDevice'
import type { Gate } from '../engine/plan/executable'
import type { Shape } from '../engine/tensor'
import type { LoraShape } from '../models/architectures/decoder'
import type { ModelConfig } from '../models/architectures/config'
import type { WeightReader } from '../models/languageModel'
import type { BestRule, BestWeights } from './checkpoints/checkpointer'
import type { Sequence } from './batches/packing'

/** Supervised samples, each a pure function of its index. */
export interface SampleSource {
  readonly length: number
  sample(index: number): Sequence
}

export interface TrainingCheckpoint {
  readonly step: number
  /** JSON state of the algorithm: cursors, coefficients, metric tail. */
  readonly state: Readonly<Record<string, unknown>>
  readonly arrays: Readonly<Record<string, Float32Array>>
}

export interface CheckpointSink {
  load(): Promise<TrainingCheckpoint | null>
  save(checkpoint: TrainingCheckpoint): Promise<void>
  /** Where the best weights are kept. Left out: they are not. */
  readonly best?: {
    load(): Promise<BestWeights | null>
    save(best: BestWeights): Promise<void>
  }
}

/** Trainable tensors by name, as the trainer holds them. */
export type AdapterTensors = ReadonlyMap<string, { readonly shape: Shape; readonly values: Float32Array }>

/** An adapter to go on with. */
export interface InitialAdapter {
  readonly lora: LoraShape
  /** The matrices of every layer; a value head where one was kept beside them. */
  readonly tensors: AdapterTensors
}

export interface TrainingContext {
  readonly engine: EngineDevice
  readonly model: ModelConfig
  readonly reader: WeightReader
  readonly seed: number
  /** Steps to take; null lets the config or the data decide. */
  readonly steps: number | null
  readonly gate: Gate
  /** The adapter the run begins from; null or left out: a new one. The same when the run is resumed: it may be the reference. */
  readonly initial?: InitialAdapter | null
  /** One call per step, in order. */
  report(step: number, metrics: Readonly<Record<string, number>>): void
  readonly checkpoints: CheckpointSink | null
  /** Optimizer steps between checkpoints. */
  readonly checkpointEvery: number
  /** Minutes after which the end of a step is a checkpoint too; null or left out: only steps count. */
  readonly checkpointMinutes?: number | null
  /** Which weights are kept as the best; null or left out: none. */
  readonly best?: BestRule | null
  readonly now: () => number
}

/** What people ask about a metric when they see its chart, and the answer. */
export interface MetricQuestion {
  readonly question: string
  readonly answer: string
}

export interface Algorithm<Config extends z.ZodObject> {
  readonly name: string
  readonly title: string
  readonly paper: string
  readonly help: string
  readonly config: Config
  /** Every metric it reports, and what it means. */
  readonly metrics: Readonly<Record<string, string>>
  /** Number of its series colour, 1 to 7. */
  readonly colour: number
  readonly metricQuestions: Readonly<Record<string, MetricQuestion>>
  /** Kinds of alarms that do not apply to it, because its metric of that name means something else. */
  readonly alarmsOff: readonly AlarmKind[]
  /** What it can learn from: given trajectories, rollouts of its own, or both. */
  readonly learnsFrom: readonly ('files' | 'rollouts')[]
}

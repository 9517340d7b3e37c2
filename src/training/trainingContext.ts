/** The context of every training loop: device, model, seed, and the functions that report and store checkpoints. */
import type { EngineDevice } from '../engine/device/engineDevice'
import type { Gate } from '../engine/plan/executable'
import type { ModelConfig } from '../models/architectures/config'
import type { WeightReader } from '../models/languageModel'
import type { SequenceAdvantages } from './batches/recordedAdvantages'
import type { BestRule, CheckpointSink } from './checkpoints/checkpoint'
import type { InitialAdapter } from './policy/adapterTensors'

/** A pause that a person asked for begins once nothing would be lost with it. */
export interface PauseRequests {
  /** Whether a pause was asked for and has not begun. */
  isAsked(): boolean
  /** `store` is called at the gate before a pause begins. It resolves to false where it cannot store now: then it is called at the next gate. */
  beforePause(store: () => Promise<boolean>): void
}

export interface TrainingContext {
  readonly engine: EngineDevice
  readonly model: ModelConfig
  readonly reader: WeightReader
  readonly seed: number
  /** Steps to take; null lets the config or the data decide. */
  readonly steps: number | null
  readonly gate: Gate
  /** When absent, a pause begins at once, whatever is stored. */
  readonly pauses?: PauseRequests
  /** The initial adapter of the run; null or absent for a new one. On resume pass the same adapter, because it may be the KL reference. */
  readonly initial?: InitialAdapter | null
  /** One call per step, in order. */
  report(step: number, metrics: Readonly<Record<string, number>>): void
  /** One call per step of an algorithm that has advantages, after its report: those that the loss used. */
  onAdvantages?(step: number, of: readonly SequenceAdvantages[]): void
  readonly checkpoints: CheckpointSink | null
  /** Optimizer steps between checkpoints. */
  readonly checkpointEvery: number
  /** Minutes after which the end of a step is a checkpoint too; null or absent: only steps count. */
  readonly checkpointMinutes?: number | null
  /** Which weights are stored as the best; null or absent: none. */
  readonly best?: BestRule | null
  readonly now: () => number
}

/**
 * What the studio needs of a model at work: act, be scored, hand out its adapter, learn. The GPU's side is gpuWorkshop.ts; tests
 * hand in a scripted one, so that jobs, records and pages can be tried without a device.
 */
import type { WorldQuery, ToolWorld } from '../environments/toolWorld'
import type { EngineDevice } from '../engine/device/engineDevice'
import type { Gate } from '../engine/plan/executable'
import type { LoraShape } from '../models/architectures/decoder'
import type { Trajectory } from '../records/trajectory'
import type { TrainingContext } from '../training/algorithm'
import type { LoadedModel } from './models'

export interface RolloutRequest {
  readonly world: ToolWorld
  readonly queries: readonly WorldQuery[]
  /** Trajectories per query. */
  readonly samples: number
  /** 0 is greedy. */
  readonly temperature: number
  readonly callBudget: number
  readonly strategy: string
  /** Text of each completion, for watching. */
  readonly onText: (text: string) => void
  /** Called as each ends, in no fixed order. */
  readonly onTrajectory: (trajectory: Trajectory) => void
  readonly signal: AbortSignal
}

/** Trainable tensors by name, as the trainer holds them. */
export type AdapterTensors = ReadonlyMap<string, { readonly shape: readonly number[]; readonly values: Float32Array }>

/** A model with an adapter, ready. */
export interface ActingPolicy {
  rollout(request: RolloutRequest): Promise<readonly Trajectory[]>
  /** log π of each token after the first, at temperature 1. */
  logProbs(ids: readonly number[]): Promise<readonly number[]>
  adapter(): Promise<AdapterTensors>
  readonly lora: LoraShape
  destroy(): Promise<void>
}

export interface OpenPolicyRequest {
  readonly engine: EngineDevice
  readonly model: LoadedModel
  readonly lora: LoraShape
  /** null: as training starts, A drawn from the seed and B zero. */
  readonly adapter: AdapterTensors | null
  readonly seed: number
  readonly gate: Gate
  /** Tokens the policy has generated. */
  readonly onTokens: (count: number) => void
}

/** A trajectory with the reward of each of its steps. */
export interface LabelledTrajectory {
  readonly trajectory: Trajectory
  readonly rewards: readonly (number | null)[]
}

export interface TrainRequest {
  readonly algorithm: string
  readonly config: Readonly<Record<string, unknown>>
  readonly context: Omit<TrainingContext, 'model' | 'reader'>
  readonly model: LoadedModel
  /** A data set to learn from; null: practice is rolled out as it goes. */
  readonly data: readonly LabelledTrajectory[] | null
  /** The next batch of `count` trajectories rolled out by the policy as it is now; asked for once per step. */
  readonly practice: (policy: ActingPolicy, step: number) => Promise<readonly LabelledTrajectory[]>
  readonly onTokens: (count: number) => void
  readonly onNote: (sentence: string) => void
}

export interface Workshop {
  openPolicy(request: OpenPolicyRequest): Promise<ActingPolicy>
  /** Trains and hands over what it trained. */
  train(request: TrainRequest): Promise<ActingPolicy>
  /** The adapter's shape under a config. */
  loraOf(algorithm: string, config: Readonly<Record<string, unknown>>): LoraShape
}

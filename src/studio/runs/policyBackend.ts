/**
 * What the studio needs of a model at work: to act, to be scored, to hand out its adapter, to be trained. gpuPolicyBackend.ts does this on
 * the GPU; tests pass a scripted backend, so that jobs, records and pages can be tested without a device.
 */
import type { StrategyChoice } from '../../agents/strategies/strategyChoice'
import type { EngineDevice } from '../../engine/device/engineDevice'
import type { Gate } from '../../engine/plan/executable'
import type { EpisodeLimits } from '../../environments/benchmark'
import type { Environment, Query } from '../../environments/environment'
import type { SamplingFilters } from '../../records/samplingFilters'
import type { Trajectory } from '../../records/trajectory'
import type { AdapterTensors } from '../../training/policy/adapterTensors'
import type { LabelledTrajectory } from '../../training/batches/labelledTrajectory'
import type { TrainingContext } from '../../training/trainingContext'
import type { ConfiguredAlgorithm, TranscriptSource } from '../../training/algorithm'
import type { TrainableSet } from '../../training/policy/policyModel'
import type { LoadedModel } from '../models/models'

/** How long a conversation and a completion may grow; generation plans its buffers for it. */
export type GenerationLimits = Pick<EpisodeLimits, 'maxContext' | 'maxNewTokens'>

export interface RolloutRequest extends StrategyChoice {
  readonly environment: Environment
  readonly queries: readonly Query[]
  /** Trajectories per query. */
  readonly samples: number
  /** 0 is greedy. */
  readonly temperature: number
  readonly sampling?: SamplingFilters
  readonly callBudget: number
  readonly signal: AbortSignal
  /** Text of each completion, for watching. */
  readonly onText: (text: string) => void
  /** Receives each trajectory when it ends, in no fixed order. */
  readonly onTrajectory: (trajectory: Trajectory) => void
}

/** A model with an adapter, ready. */
export interface ActingPolicy {
  rollout(request: RolloutRequest): Promise<readonly Trajectory[]>
  /** log π of each token after the first, at temperature 1; of the `reference`, without the adapter. */
  logProbs(ids: readonly number[], whose?: 'policy' | 'reference'): Promise<readonly number[]>
  /** As it is, or with other weights in packed order. */
  adapter(weights?: Float32Array): Promise<AdapterTensors>
  destroy(): Promise<void>
}

export interface OpenPolicyRequest {
  readonly engine: EngineDevice
  readonly model: LoadedModel
  readonly trainable: TrainableSet
  /** null: as training starts, A drawn from the seed and B zero. It is the reference too where the trainable set keeps one. */
  readonly adapter: AdapterTensors | null
  readonly seed: number
  readonly limits: GenerationLimits
  /** Episodes generated at once; null: what suits the GPU. */
  readonly slots: number | null
  /** Whether it will generate: then the kernels for that are compiled at once. When absent, it will. */
  readonly generates?: boolean
  readonly gate: Gate
  /** Tokens the policy has generated. */
  readonly onTokens: (count: number) => void
}

export interface TrainRequest {
  readonly configured: ConfiguredAlgorithm
  readonly context: Omit<TrainingContext, 'model' | 'reader'>
  readonly model: LoadedModel
  readonly limits: GenerationLimits
  /** Episodes generated at once; null: what suits the GPU. */
  readonly slots?: number | null
  /** What to learn from; null: transcripts, or without them practice, rolled out as it goes. */
  readonly data: readonly LabelledTrajectory[] | null
  readonly transcripts?: TranscriptSource | null
  /** The next batch, rolled out by the policy as it is now; asked for once per step. */
  readonly practice: (policy: ActingPolicy, step: number) => Promise<readonly LabelledTrajectory[]>
  /** Tokens generated. */
  readonly onTokens: (count: number) => void
  /** For the run card: what truncation cost, what was left out. */
  readonly onNote: (sentence: string) => void
}

export interface PolicyBackend {
  openPolicy(request: OpenPolicyRequest): Promise<ActingPolicy>
  /** Trains, and returns the trained policy. */
  train(request: TrainRequest): Promise<ActingPolicy>
}

/** A model as it stands still has an adapter's shape; with B zero it changes nothing. */
export const plainTrainable: TrainableSet = { kind: 'lora', lora: { rank: 1, alpha: 1, targets: ['q_proj'] }, valueHead: false }

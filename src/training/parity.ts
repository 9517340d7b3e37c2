/**
 * What an algorithm contributes to `hone parity`. Its `parity.ts` compares its kernels with frozen numbers of a reference implementation, and
 * trains three steps on a tiny decoder as the reference trainer did; src/parity hands it golden files and a run to train.
 */
import { z } from 'zod'
import type { Quantity } from '../base/quantity'
import type { EngineDevice } from '../engine/device/engineDevice'
import type { TensorSource } from '../models/weights/safetensors'
import type { TokenizedTrajectory } from './batches/tokenizedTrajectory'
import type { PolicyModel } from './policy/policyModel'
import type { TrainingContext } from './trainingContext'

/** Golden files of `test/golden`: numbers that reference implementations gave. */
export interface Goldens {
  json(path: string): unknown
  tensors(path: string): Promise<TensorSource>
}

/** Compares kernels and arithmetic with golden numbers on `engine`; `adapter` is the GPU adapter's name. */
export type VectorParity = (engine: EngineDevice, goldens: Goldens, adapter: string) => Promise<readonly Quantity[]>

/** Metrics of one step, by name. */
export type Stats = Readonly<Record<string, number>>

export const valueHeadSchema = z.object({ weight: z.array(z.number()), bias: z.array(z.number()) })
export type ValueHead = z.output<typeof valueHeadSchema>

export interface TinyRun {
  readonly context: TrainingContext
  /** Metrics of each step, in order. */
  readonly reports: Stats[]
}

/** One run of a golden file, to be trained again by the algorithm's own loop. */
export interface GoldenRun {
  /** The run's name in the golden file: the algorithm's name, then what sets the run apart. */
  readonly name: string
  /** The algorithm's configuration: the golden's settings, with the optimizer and LoRA shape of both sides. */
  readonly settings: Readonly<Record<string, unknown>>
  /** The part of the golden file about this run. */
  readonly record: unknown
  /** The whole golden file. */
  readonly golden: unknown
  readonly sequences: readonly TokenizedTrajectory[]
  /** Begins a run of three steps from the golden's adapter. `state`: the algorithm's own checkpoint state at its start. */
  readonly start: (state: Readonly<Record<string, unknown>>, head?: ValueHead) => Promise<TinyRun>
}

export interface TrainedRun {
  readonly policy: PolicyModel
  /** Metrics of our three steps, and what the reference trainer logged at each. */
  readonly reports: readonly Stats[]
  readonly expected: readonly Stats[]
  /** Single numbers to compare beside the metrics. */
  readonly others?: readonly { readonly label: string; readonly found: number; readonly expected: number }[]
}

export interface AlgorithmParity {
  readonly vectors: readonly VectorParity[]
  /** Absent where no library trains the algorithm. */
  readonly updates?: {
    /** `test/golden/FILE_golden.json` and `FILE.safetensors` hold the reference trainer's runs. */
    readonly file: string
    train(run: GoldenRun): Promise<TrainedRun>
    /** Metrics of a run that both sides report under one name but compute differently. */
    incomparable?(name: string): readonly string[]
  }
  /** Trains on the golden's sequences without a reference, so that peft can load the adapter. */
  readonly trainAlone?: (run: Omit<GoldenRun, 'record' | 'golden'>) => Promise<PolicyModel>
}

/** Steps of every run. */
export const PARITY_STEPS = [0, 1, 2] as const

/** Throws where our loop would draw the golden's data in another order: then nothing could be compared. */
export function sameOrder(what: string, ours: unknown, golden: unknown): void {
  if (JSON.stringify(ours) !== JSON.stringify(golden)) throw new Error(`Our order of ${what} is not the one in the golden file.`)
}

const logged = z.object({ logs: z.array(z.record(z.string(), z.number())) })

/** The `logs` of a golden run: one record of metrics per optimizer update. */
export const loggedStats = (record: unknown): readonly Stats[] => logged.parse(record).logs

/**
 * Metrics that TRL averages over micro-batches whatever their number of tokens, where ours are means over tokens. They agree if a batch is not
 * cut into micro-batches.
 */
export const MEANS_OVER_MICRO_BATCHES = ['entropy', 'mean_token_accuracy', 'logits/chosen', 'logits/rejected'] as const

/** The state that a training loop stores so that it can be resumed bit for bit, and the interface that stores it. */

export interface TrainingCheckpoint {
  readonly step: number
  /** JSON state of the algorithm: cursors, coefficients, metric tail. */
  readonly state: Readonly<Record<string, unknown>>
  readonly arrays: Readonly<Record<string, Float32Array>>
}

/** The weights a step began with: its metric was measured on these. */
export interface BestWeights {
  /** Steps taken before: 0 is the model as training found it. */
  readonly step: number
  readonly metric: string
  readonly value: number
  /** In packed order. */
  readonly weights: Float32Array
}

/** The metric by which the best weights are chosen. */
export interface BestRule {
  readonly metric: string
  readonly greaterIsBetter: boolean
  /** The metric at a step that was just reported. */
  valueOf(step: number): number | undefined
}

export interface CheckpointSink {
  load(): Promise<TrainingCheckpoint | null>
  save(checkpoint: TrainingCheckpoint): Promise<void>
  /** Where the best weights are stored. When absent, they are not stored. */
  readonly best?: {
    load(): Promise<BestWeights | null>
    save(best: BestWeights): Promise<void>
  }
}

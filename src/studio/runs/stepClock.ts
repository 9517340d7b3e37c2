/** The time left of a training run: what its stages took so far, and how far the one under way is. */

import type { Activity } from '../../base/activity'

/** A step practises first, where the policy rolls out its own data, then updates. */
export type StepStage = 'practice' | 'update'

export interface StepClock {
  begin(stage: StepStage): void
  /** The share of the stage that is done, 0 to 1. */
  advance(share: number): void
  /** The step is over. */
  endStep(): void
  /** Seconds; null while a stage has neither been measured nor come far enough to say. */
  secondsLeft(): number | null
}

/** Stages of so many steps are averaged: a run may change its speed, and the first step compiles. */
const AVERAGED = 5
/** Before this share a stage says too little about its length. */
const LEAST_SHARE = 0.05

/** @param elapsedMs active time, without pauses. `done` of `steps` were taken before. */
export function createStepClock({
  steps,
  done,
  practises,
  elapsedMs,
}: {
  readonly steps: number
  readonly done: number
  readonly practises: boolean
  readonly elapsedMs: () => number
}): StepClock {
  const stages: readonly StepStage[] = practises ? ['practice', 'update'] : ['update']
  const measured: Record<StepStage, number[]> = { practice: [], update: [] }
  let current: { readonly stage: StepStage; readonly since: number; share: number } | null = null
  let taken = done
  const close = (): void => {
    if (current) measured[current.stage] = [...measured[current.stage], elapsedMs() - current.since].slice(-AVERAGED)
    current = null
  }
  /** How long a stage takes from its beginning to its end. */
  const length = (stage: StepStage): number | null => {
    const known = measured[stage]
    if (known.length > 0) return known.reduce((sum, ms) => sum + ms, 0) / known.length
    if (current?.stage !== stage || current.share < LEAST_SHARE) return null
    return (elapsedMs() - current.since) / current.share
  }
  const leftOfStage = (stage: StepStage): number | null => {
    const whole = length(stage)
    if (whole === null || current?.stage !== stage) return whole
    const elapsed = elapsedMs() - current.since
    // A stage that takes longer than those before it is as far as its own parts say.
    const own = current.share >= LEAST_SHARE ? elapsed / current.share - elapsed : 0
    return Math.max(0, whole - elapsed, elapsed > whole ? own : 0)
  }
  return {
    begin(stage) {
      // Further rounds of practice belong to the same stage.
      if (current?.stage === stage) return
      close()
      current = { stage, since: elapsedMs(), share: 0 }
    },
    advance(share) {
      if (current) current.share = Math.max(current.share, Math.min(1, share))
    },
    endStep() {
      close()
      taken += 1
    },
    secondsLeft() {
      const ahead = steps - taken
      if (ahead <= 0) return null
      const place = current ? stages.indexOf(current.stage) : 0
      const ofThis = stages.slice(Math.max(0, place)).map(leftOfStage)
      const ofEach = ahead > 1 ? stages.map(length) : []
      if ([...ofThis, ...ofEach].some((ms) => ms === null)) return null
      const sum = (all: readonly (number | null)[]): number => all.reduce<number>((total, ms) => total + (ms ?? 0), 0)
      return (sum(ofThis) + (ahead - 1) * sum(ofEach)) / 1000
    },
  }
}

/** The cost of passes over a batch, a forward pass of the policy being 1: scoring has the reference's beside it, and gradients cost twice as much again. */
const SCORE_COST = 2
const TRAIN_COST = 3

/** The share of a step's update that is done, from what the device announces: 0 to 1; null for an activity of another kind. */
export function updateShare(passes: number): (activity: Activity) => number | null {
  let scores = false
  return ({ kind, done, total }) => {
    if ((kind !== 'score' && kind !== 'update') || !total) return null
    scores ||= kind === 'score'
    const scoring = scores ? SCORE_COST : 0
    const whole = scoring + TRAIN_COST * passes
    return (kind === 'score' ? (done / total) * scoring : scoring + (done / total) * TRAIN_COST * passes) / whole
  }
}

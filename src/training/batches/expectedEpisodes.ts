/** Stand-ins for episodes that are not rolled out yet: the memory estimate needs their sizes only. */
import type { Sequence } from './packing'
import { trainedPositions } from './stepRewards'
import type { TokenizedTrajectory } from './tokenizedTrajectory'

/** The number of steps whose batch sizes an estimate plans. */
export const STEPS_LOOKED_AT = 8

/** One completion after a prompt; ids are all 0. */
function episodeOf(tokens: number, prompt: number): TokenizedTrajectory {
  const stepOf = Array.from({ length: tokens }, (_, position) => (position < prompt ? -1 : 0))
  return {
    trajectoryId: '',
    ids: stepOf.map(() => 0),
    stepOf,
    rewards: [1],
    stepIndex: [0],
    truncatedTokens: 0,
    truncatedSteps: [],
    notTrainedSteps: [],
  }
}

/** An episode as long as 99 of 100 of the embedded world are; two fifths of it are the agent's. */
const USUAL = { tokens: 160, prompt: 96 } as const
export const usualEpisode = episodeOf(USUAL.tokens, USUAL.prompt)
export const usualSample: Sequence = { ids: usualEpisode.ids, targets: trainedPositions(usualEpisode, 'no_score') }

/** The last tokens of a usual sample, where a batch holds no more. */
export function usualWithin(budget: number): Sequence {
  const cut = Math.max(0, USUAL.tokens - budget)
  return { ids: usualSample.ids.slice(cut), targets: usualSample.targets.flatMap((position) => (position > cut ? [position - cut] : [])) }
}

/** Batches of usual episodes: quick to plan, because they are all alike. */
export const usualRollouts = (batchSize: number, steps: number): TokenizedTrajectory[][] =>
  Array.from({ length: Math.min(steps, STEPS_LOOKED_AT) }, () => Array.from({ length: batchSize }, () => usualEpisode))

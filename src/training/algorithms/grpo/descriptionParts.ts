/** The common parts of the descriptions of algorithms that compare attempts in groups: GRPO and those that use its loop. */
import type { LoopFeed, RunSizes, StoryScale, Tokenization } from '../../algorithm'
import type { LabelledTrajectory } from '../../batches/labelledTrajectory'
import { isCutShort } from '../../batches/outcome'
import { stepOfRound } from '../../batches/rounds'
import { trainedPositions } from '../../batches/stepRewards'
import { tokenizeTrajectory } from '../../batches/tokenizedTrajectory'
import type { MaskRule } from '../../preflight/sequenceChecks'
import type { GrpoConfig } from './config'
import type { GrpoSample, GrpoSource } from './groups'

/** @param title of the algorithm. */
export const learnsFromRollouts = (title: string): string =>
  `${title} compares fresh attempts at the same query, so it rolls out its own and does not learn from files. Train it without a data set.`

export const groupSizes = (
  config: Pick<GrpoConfig, 'max_steps' | 'generation_batch_size' | 'num_generations' | 'num_iterations'>,
): RunSizes => ({
  steps: config.max_steps,
  batch: config.generation_batch_size,
  samplesPerQuery: config.num_generations,
  passes: config.num_iterations,
})

export const groupStoryDefaults = ({ batch, steps }: StoryScale) => ({
  learning_rate: 2e-3,
  max_steps: steps,
  generation_batch_size: batch,
  num_generations: Math.min(8, batch),
  steps_per_generation: 4,
  lr_scheduler_type: 'constant' as const,
  max_context_len: 512,
  max_response_len: 64,
})

export const groupTokenization = ({
  max_context_len,
  max_response_len,
  encoding,
}: Pick<GrpoConfig, 'max_context_len' | 'max_response_len' | 'encoding'>): Tokenization => ({
  tokenize: ({ trajectory, rewards }, codec) =>
    tokenizeTrajectory(trajectory, rewards, codec, { maxContextLen: max_context_len, maxResponseLen: max_response_len, encoding }),
  limits: `max_context_len ${max_context_len} and max_response_len ${max_response_len}`,
})

export const groupMask: MaskRule = {
  positions: (sequence) => trainedPositions(sequence, 'no_score'),
  whyNone: 'every completion was cut away',
}

export const groupHalvable = { max_tokens_per_micro_batch: 64, max_context_len: 64, lora_r: 1 } as const

/** Rolls out, tokenizes and groups by query. @param extend adds to a sample what an algorithm needs besides. */
export function groupSource<Sample extends GrpoSample>(
  { rollouts, tokenize }: Pick<LoopFeed, 'rollouts' | 'tokenize'>,
  extend: (sample: GrpoSample, labelled: LabelledTrajectory) => Sample,
): GrpoSource<Sample> {
  return {
    next: async (round, policy) => {
      const labelled = await rollouts(policy, round)
      const sequences = tokenize(labelled, `From step ${stepOfRound(round) + 1} on: `)
      return labelled.flatMap((one, index) => {
        const sequence = sequences[index]
        const { trajectory } = one
        return sequence ? [extend({ sequence, group: trajectory.task.query_id, isTruncated: isCutShort(trajectory) }, one)] : []
      })
    },
  }
}

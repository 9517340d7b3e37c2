/** Group advantages where the golden of TRL says nothing: which groups teach nothing. Their values: test/cli/parity.gpu.test.ts. */
import { expect, it } from 'vitest'
import { groupAdvantages, SCALE_REWARDS } from '../../src/training/algorithms/grpo/arithmetic'
import { gatherGroups, grpoAdvantages, updatesOf, type GrpoSample } from '../../src/training/algorithms/grpo/groups'
import { roundName, stepOfRound } from '../../src/training/batches/rounds'
import { grpoConfig } from '../../src/training/algorithms/grpo/config'
import type { PolicyModel } from '../../src/training/policy/policyModel'
import { layoutBatch } from '../../src/training/batches/batchLayout'
import { someSequences } from './tinyPolicy'

it.each(SCALE_REWARDS)('a group whose rewards are all equal is flat and moves nothing, scale_rewards %s', (scale) => {
  const { advantages, isFlat } = groupAdvantages([1, 1, 1, 0, 2, 1], ['a', 'a', 'a', 'b', 'b', 'b'], scale)
  expect(isFlat).toEqual([true, true, true, false, false, false])
  expect(advantages.slice(0, 3)).toEqual([0, 0, 0])
  expect(advantages[4]).toBeGreaterThan(0)
  expect(advantages[3]).toBeLessThan(0)
})

it('with advantages of steps a group is flat when its steps are, not when its outcomes are', () => {
  const sample = (group: string, ...rewards: number[]): GrpoSample => {
    const stepIndex = rewards.map((_, index) => index)
    const rest = { truncatedTokens: 0, truncatedSteps: [], notTrainedSteps: [] }
    return { group, isTruncated: false, sequence: { trajectoryId: group, ids: [1, 2], stepOf: [-1, 0], rewards, stepIndex, ...rest } }
  }
  const samples = [sample('a', 0, 1), sample('a', 0.5, 1), sample('b', 1, 1), sample('b', 1, 1), sample('c', 0, 0), sample('c', 0, 1)]
  const flat = (advantage_level: string): string[] => [...grpoAdvantages(grpoConfig.parse({ advantage_level }))(samples).flatGroups]
  expect(flat('trajectory')).toEqual(['a', 'b'])
  expect(flat('step')).toEqual(['b'])
})

it('an attempt that is masked out keeps its place in an update, and counts where attempts are averaged', () => {
  const samples = someSequences(8).map((sequence, index) => ({ sequence, group: 'q', isTruncated: index < 3 }))
  const kept = samples.filter(({ isTruncated }) => !isTruncated).map(({ sequence }) => sequence)
  const limits = { maxTokens: 999, maxPositions: 999, vocabulary: 96 }
  const batch = layoutBatch(kept, { step_reward_weighting: 'paper', unlabelled_steps: 'no_score' }, limits)
  const order = [
    [0, 1, 2, 3],
    [7, 6, 5, 4],
  ]
  const found = (loss_type: string) => {
    const updates = updatesOf(batch, samples, order, grpoConfig.parse({ loss_type, max_completion_length: 10 }))
    return updates.map(({ items, weightOf }) => items.map((item) => (weightOf.get(item) ?? 0) * item.sequence.targets.length))
  }
  expect(updatesOf(batch, samples, order, grpoConfig.parse({})).map(({ items }) => items.map(({ source }) => source.trajectoryId))).toEqual(
    [['fixed/3'], ['fixed/7', 'fixed/6', 'fixed/5', 'fixed/4']],
  )
  expect(found('grpo')).toEqual([[0.25], [0.25, 0.25, 0.25, 0.25]])
  const tokens = order.map((places) => places.map((place) => batch.items.find(({ source }) => source === samples[place]?.sequence)))
  const own = tokens.map((items) => items.flatMap((item) => item?.sequence.targets.length ?? []))
  expect(found('dapo')).toEqual(own.map((lengths) => lengths.map((length) => (length * 2) / batch.rows)))
  expect(found('bnpo')[0]).toEqual([1])
  expect(found('dr_grpo')[0]?.[0]).toBeCloseTo((own[0]?.[0] ?? 0) / 40, 12)
})

it('practice that leaves nothing is an empty batch, not the end; further rounds belong to their step', async () => {
  const asked: number[] = []
  const settings = grpoConfig.parse({ dynamic_sampling_rounds: 2, generation_batch_size: 8, num_generations: 4 })
  const source = (answer: readonly GrpoSample[] | null) => ({
    next: (round: number) => {
      asked.push(round)
      return Promise.resolve(answer)
    },
  })
  const policy = null as unknown as PolicyModel
  expect(await gatherGroups(4, settings, source([]), policy, grpoAdvantages(settings))).toEqual({ samples: [], groups: 0, flatGroups: 0 })
  expect(asked.map(stepOfRound)).toEqual([4, 4, 4])
  expect(asked.map(roundName)).toEqual(['0005', '0005-more-1', '0005-more-2'])
  expect(await gatherGroups(4, settings, source(null), policy, grpoAdvantages(settings))).toBeNull()
})

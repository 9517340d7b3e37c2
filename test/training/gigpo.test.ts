/** GiGPO's advantages beside a NumPy script written from the paper (test/golden/gigpo.py), and what a state is. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { trajectoryFromSteps } from '../../src/records/trajectoryFromSteps'
import { trajectory as trajectorySchema } from '../../src/records/trajectory'
import {
  discountedReturns,
  episodeAdvantages,
  gigpoAdvantages,
  stepAdvantages,
  type GigpoSample,
} from '../../src/training/algorithms/gigpo/advantages'
import { gigpoConfig } from '../../src/training/algorithms/gigpo/config'
import { anchorStates } from '../../src/training/algorithms/gigpo/states'

const table = z.array(z.array(z.number()))
const golden = z
  .object({
    cases: z.array(
      z.object({
        name: z.string(),
        attempts: z.array(z.tuple([z.string(), z.array(z.number()), z.array(z.string())])),
        ...{ gamma: z.number(), omega: z.number(), norm: z.enum(['std', 'none']) },
        ...{ returns: table, episode: z.array(z.number()), step: table, combined: table },
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(new URL('../golden/gigpo_golden.json', import.meta.url), 'utf8')))

const sampleOf = (group: string, rewards: readonly (number | null)[], states: readonly string[]): GigpoSample => ({
  ...{ group, states, isTruncated: false },
  sequence: {
    ...{ trajectoryId: group, ids: [1, 2], stepOf: [-1, 0], rewards, stepIndex: rewards.map((_, index) => index) },
    ...{ truncatedTokens: 0, truncatedSteps: [], notTrainedSteps: [] },
  },
})

const close = (found: readonly (readonly number[])[], wanted: readonly (readonly number[])[]): void => {
  expect(found.map(({ length }) => length)).toEqual(wanted.map(({ length }) => length))
  found.flat().forEach((value, index) => {
    expect(value).toBeCloseTo(wanted.flat()[index] ?? Number.NaN, 9)
  })
}

describe.each(golden.cases)('$name, gamma $gamma, omega $omega, F $norm', ({ attempts, gamma, omega, norm, ...wanted }) => {
  const samples = attempts.map(([group, rewards, states]) => sampleOf(group, rewards, states))
  const settings = gigpoConfig.parse({ gamma, step_advantage_w: omega, scale_rewards: norm === 'std' ? 'group' : 'none' })

  it('has the returns and both advantages of the paper’s equations', () => {
    close(
      attempts.map(([, rewards]) => discountedReturns(rewards, gamma)),
      wanted.returns,
    )
    close([episodeAdvantages(samples, settings)], [wanted.episode])
    close(stepAdvantages(samples, settings).ofSteps, wanted.step)
    close(gigpoAdvantages(settings)(samples).ofSteps, wanted.combined)
  })
})

it('a group is flat when neither its attempts nor its steps differ', () => {
  const samples = [
    ...[sampleOf('same', [1, 1], ['a', 'b']), sampleOf('same', [1, 1], ['a', 'b'])],
    // The same total, earned at another step.
    ...[sampleOf('parted', [1, 0], ['a', 'b']), sampleOf('parted', [0, 1], ['a', 'b'])],
    ...[sampleOf('outcome', [0], ['a']), sampleOf('outcome', [1], ['a'])],
  ]
  const { flatGroups, metrics } = gigpoAdvantages(gigpoConfig.parse({}))(samples)
  expect([...flatGroups]).toEqual(['same'])
  expect(metrics).toEqual({ 'gigpo/compared_steps': 1, 'gigpo/state_group_size': 2 })
})

it('an attempt without labels moves nothing, and is no part of its group’s mean', () => {
  const samples = [sampleOf('q', [null], ['a']), sampleOf('q', [1], ['b']), sampleOf('q', [0], ['c'])]
  const advantages = episodeAdvantages(samples, gigpoConfig.parse({ scale_rewards: 'none' }))
  expect(advantages).toEqual([0, 0.5, -0.5])
})

it('a state is what the environment showed last, or all that came before', () => {
  const record = trajectorySchema.parse(
    trajectoryFromSteps({
      ...{ trajectory_id: 't', task: { query_id: 'q', query: 'How tall is Ada?', split: '', tools: [] } },
      steps: [
        { parent: null, prompt: 'How tall is Ada?', completion: 'height(Ada)', observation: 'busy' },
        { parent: 0, prompt: 'busy', completion: 'height(Ada)', observation: '170' },
        { parent: 1, prompt: '170', completion: 'finish(170)', is_final: true },
      ],
    }),
  )
  expect(anchorStates(record, 'observation')).toEqual(['How tall is Ada?', 'busy', '170'])
  expect(anchorStates(record, 'history')).toEqual([
    'How tall is Ada?',
    'How tall is Ada?height(Ada)busy',
    'How tall is Ada?height(Ada)busyheight(Ada)170',
  ])
})

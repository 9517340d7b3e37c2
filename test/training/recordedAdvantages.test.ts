/** The advantages an update used are stored with the tokens they belong to, and read back as they were. */
import { expect, it } from 'vitest'
import { stepsOf, trajectory as trajectorySchema } from '../../src/records/trajectory'
import { recordedAdvantages, withAdvantages } from '../../src/training/batches/recordedAdvantages'
import { trainedPositions } from '../../src/training/batches/stepRewards'
import { tokenizeTrajectory, type TokenizeOptions } from '../../src/training/batches/tokenizedTrajectory'
import { trajectoryOf } from '../support/builders'

const codec = { encode: (text: string): number[] => Array.from(text, (letter) => letter.charCodeAt(0)) }
const tokens = (prompt_ids: number[], completion_ids: number[]) => ({
  ...{ prompt_ids, completion_ids, policy_version: 0 },
  completion_logprobs: completion_ids.map(() => -1),
})
const rolledOut = trajectoryOf([
  { prompt: 'pp', completion: 'abc', tokens: tokens([1, 2], [10, 11, 12]) },
  { prompt: 'o', completion: 'de', tokens: tokens([3], [20, 21]) },
  { prompt: 'o', completion: 'fgh', tokens: tokens([3], [30, 31, 32]) },
])
const whole: TokenizeOptions = { maxContextLen: 100, maxResponseLen: 100, encoding: 'auto' }

/** Each token's advantage is its own id, so that a value in the wrong place shows. */
function recorded(rewards: readonly (number | null)[], options: TokenizeOptions) {
  const sequence = tokenizeTrajectory(rolledOut, rewards, codec, options)
  const positions = trainedPositions(sequence, 'leave_out')
  const advantages = positions.map((position) => sequence.ids[position] ?? 0)
  const stored = trajectorySchema.parse(withAdvantages(rolledOut, { sequence, positions, advantages }))
  return { sequence, stored, ofNodes: stepsOf(stored).map(({ node }) => stored.nodes[node]?.tokens?.advantages) }
}

it('stores one advantage per token and returns them along the sequence', () => {
  const { sequence, stored, ofNodes } = recorded([1, 0, 1], whole)
  expect(ofNodes).toEqual([
    [10, 11, 12],
    [20, 21],
    [30, 31, 32],
  ])
  expect(recordedAdvantages(stored, sequence)).toEqual([null, null, 10, 11, 12, null, 20, 21, null, 30, 31, 32])
})

it('leaves a step without a label without advantages', () => {
  const { sequence, stored, ofNodes } = recorded([1, null, 1], whole)
  expect(ofNodes[1]).toBeUndefined()
  expect(recordedAdvantages(stored, sequence)?.slice(5, 8)).toEqual([null, null, null])
})

it('keeps places where the context is cut at its start and the last completion at its end', () => {
  const { stored, ofNodes } = recorded([1, 1, 1], { ...whole, maxContextLen: 6, maxResponseLen: 2 })
  // The context left is 11 12 3 20 21 3; its first token has nothing before it that could predict it.
  expect(ofNodes).toEqual([
    [0, 0, 12],
    [20, 21],
    [30, 31, 0],
  ])
  const again = tokenizeTrajectory(stored, [1, 1, 1], codec, { ...whole, maxContextLen: 6, maxResponseLen: 2 })
  expect(recordedAdvantages(stored, again)).toEqual([0, 12, null, 20, 21, null, 30, 31])
})

it('records nothing where the text was tokenized again, or where an advantage is not finite', () => {
  const text = recorded([1, 1, 1], { ...whole, encoding: 'text' })
  expect(text.stored).toEqual(rolledOut)
  const sequence = tokenizeTrajectory(rolledOut, [1, 1, 1], codec, whole)
  expect(withAdvantages(rolledOut, { sequence, positions: [2, 3], advantages: [1, Number.NaN] })).toBe(rolledOut)
  expect(recordedAdvantages(rolledOut, sequence)).toBeNull()
})

/** What outcome PPO makes of a trajectory: one reward, at its end. */
import { describe, expect, it } from 'vitest'
import type { Trajectory } from '../../src/records/trajectory'
import { noOutcomeSentence, outcomeNote, outcomeSequence, stepGrained } from '../../src/training/algorithms/ppo/outcome'
import { ppo } from '../../src/training/algorithms/ppo/outcomePpo'
import type { PpoConfig } from '../../src/training/algorithms/ppo/config'
import { steptoolPpo } from '../../src/training/algorithms/ppo/steptoolPpo'
import { trajectoryOf } from '../support/builders'

const settingsOf = (input: Partial<PpoConfig> = {}): PpoConfig => ppo.config.parse(input)

const record = (status: Trajectory['status'], steps = 3): Trajectory =>
  trajectoryOf(
    Array.from({ length: steps }, (_, index) => ({ prompt: `p${index}'\n`, completion: `c${index}` })),
    { query: '', status },
  )
/** A token for each character. */
const codec = { encode: (text: string): number[] => Array.from(text, (letter) => letter.codePointAt(0) ?? 0) }
const rewardsOf = (one: Trajectory, rewards: readonly (number | null)[], input: Partial<PpoConfig> = {}) =>
  outcomeSequence(one, rewards, codec, settingsOf(input)).rewards

describe('the scores', () => {
  it('are zeros and the outcome', () => {
    expect(rewardsOf(record('unsolved'), [0.5, 0.9, 0.75])).toEqual([0, 0, 0.75])
    expect(rewardsOf(record('unsolved'), [0.5, 0.9, 0.75], { reward: 'status' })).toEqual([0, 0, 0])
    expect(rewardsOf(record('unsure'), [0.5, 0.9, null])).toEqual([0, 0, 0.5])
    expect(rewardsOf(record('solved', 1), [null])).toEqual([1])
    expect(rewardsOf(record('solved'), [0, 0, 0.96666], { reward_dtype: 'float16' })[2]).toBe(0.966796875)
  })

  it('of a trajectory without an outcome are none, and it is not trained', () => {
    const [known, unknown] = [record('solved'), record(null)].map((one) => outcomeSequence(one, [1, 1, null], codec, settingsOf()))
    if (!known || !unknown) throw new Error('no sequences')
    expect(unknown.rewards).toEqual([null, null, null])
    expect(outcomeNote([known, unknown, unknown])).toBe('2 of 3 trajectories have no outcome and are not trained.')
    expect(outcomeNote([known])).toBeNull()
    expect(noOutcomeSentence([known, unknown], settingsOf())).toBeNull()
    expect(noOutcomeSentence([unknown, unknown], settingsOf())).toBe(
      'PPO is rewarded by outcomes, and none of the 2 trajectories has a label on its final step or a status.',
    )
  })

  it('are trained by the step-grained loop, each counted once', () => {
    const { reward: _reward, literal_text_bug: _literal, ...shared } = settingsOf({ lora_r: 3 })
    expect(stepGrained(settingsOf({ lora_r: 3 }))).toMatchObject({
      ...shared,
      step_reward_weighting: 'paper',
      unlabelled_steps: 'leave_out',
    })
    expect(steptoolPpo.config.parse(stepGrained(settingsOf()))).toEqual(steptoolPpo.config.parse({}))
  })
})

describe('literal_text_bug', () => {
  it('trains one completion, the Python list of all, after the list of all prompts', () => {
    const sequence = outcomeSequence(record('solved', 2), [0.5, 1], codec, settingsOf({ literal_text_bug: true }))
    const [prompts, completions] = [`["p0'\\n", "p1'\\n"]`, "['c0', 'c1']"]
    expect(String.fromCodePoint(...sequence.ids)).toBe(prompts + completions)
    expect(sequence.stepOf).toEqual([...Array.from(prompts, () => -1), ...Array.from(completions, () => 0)])
    expect(sequence.rewards).toEqual([1])
  })

  it('keeps the last of the prompts and the first of the completions', () => {
    const options = { literal_text_bug: true, max_context_len: 4, max_response_len: 3 }
    const sequence = outcomeSequence(record('solved', 2), [null, 1], codec, settingsOf(options))
    expect(String.fromCodePoint(...sequence.ids)).toBe(`\\n"]['c`)
    expect(sequence.truncatedTokens).toBeGreaterThan(0)
  })
})

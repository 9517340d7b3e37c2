/** From a trajectory to the tokens PPO trains on: StepTool's query ++ response, truncation, stored ids, previews. */
import { describe, expect, it } from 'vitest'
import { stepsOf, type Trajectory } from '../../src/records/trajectory'
import { withSteps } from '../../src/records/trajectoryFromSteps'
import { advantagePreview } from '../../src/training/advantage'
import { datasetSource, layoutBatch, meanStepReward, microBatches, minibatchesOf } from '../../src/training/batches/batchLayout'
import { tokenizeTrajectory, toFloat16, type TokenizedTrajectory } from '../../src/training/batches/tokenizedTrajectory'
import { trajectoryOf } from '../support/builders'

/** One token per character. */
const codec = { encode: (text: string): number[] => Array.from(text, (letter) => letter.charCodeAt(0)) }
const limits = { maxContextLen: 100, maxResponseLen: 100, encoding: 'auto' } as const

function chain(
  steps: readonly { prompt: string; completion: string; tokens?: { prompt_ids: number[]; completion_ids: number[] } }[],
): Trajectory {
  return trajectoryOf(
    steps.map(({ prompt, completion, tokens }) => ({
      prompt,
      completion,
      tokens: tokens ? { ...tokens, completion_logprobs: tokens.completion_ids.map(() => -1) } : null,
    })),
    { trajectory_id: 'a/1/0', query_id: '1' },
  )
}
const three = chain([
  { prompt: 'pppp', completion: 'aa' },
  { prompt: 'ooo', completion: 'bbb' },
  { prompt: 'o', completion: 'cccc' },
])

describe('buildPpoSequence', () => {
  it('joins prompts and completions and marks whose token each is', () => {
    const built = tokenizeTrajectory(three, [0.1, null, 1], codec, limits)
    expect(String.fromCharCode(...built.ids)).toBe('ppppaaooobbbocccc')
    expect(built.stepOf).toEqual([-1, -1, -1, -1, 0, 0, -1, -1, -1, 1, 1, 1, -1, 2, 2, 2, 2])
    expect(built).toMatchObject({
      rewards: [0.1, null, 1],
      stepIndex: [0, 1, 2],
      truncatedTokens: 0,
      truncatedSteps: [],
      notTrainedSteps: [],
    })
  })

  it('keeps the end of the query and the start of the final response', () => {
    // 13 tokens before the final response: the last six are "bb", "b", "o" … exactly 'oobbbo'.
    const built = tokenizeTrajectory(three, [0.1, 0.2, 1], codec, { ...limits, maxContextLen: 6, maxResponseLen: 3 })
    expect(String.fromCharCode(...built.ids)).toBe('oobbboccc')
    expect(built).toMatchObject({ truncatedTokens: 8, truncatedSteps: [0, 2], notTrainedSteps: [0], rewards: [0.1, 0.2, 1] })
  })

  it('a step whose only token has nothing before it is not trained', () => {
    const built = tokenizeTrajectory(three, [0, 0, 0], codec, { ...limits, maxContextLen: 2 })
    expect(String.fromCharCode(...built.ids)).toBe('bocccc')
    expect(built.notTrainedSteps).toEqual([0, 1])
  })

  it('begins with BOS once; released: every segment does, trained ones too', () => {
    const bos = 60 // '<'
    const llama = {
      encode: (text: string, options?: { addSpecialTokens?: boolean }): number[] =>
        options?.addSpecialTokens === true ? [bos, ...codec.encode(text)] : codec.encode(text),
    }
    const textOf = (encoding: 'auto' | 'text' | 'text_released', of = three): string =>
      String.fromCharCode(
        ...tokenizeTrajectory(
          of,
          stepsOf(of).map(() => 1),
          llama,
          { ...limits, encoding },
        ).ids,
      )
    expect(textOf('auto')).toBe('<ppppaaooobbbocccc')
    expect(textOf('text')).toBe('<ppppaaooobbbocccc')
    expect(textOf('text_released')).toBe('<pppp<aa<ooo<bbb<o<cccc')
    expect(tokenizeTrajectory(three, [1, 1, 1], llama, { ...limits, encoding: 'text_released' }).stepOf.slice(5, 8)).toEqual([0, 0, 0])
    // A text that has its own gets no second one.
    const own = chain([{ prompt: '<pp', completion: 'a' }])
    expect(textOf('text', own)).toBe('<ppa')
    expect(textOf('text_released', own)).toBe('<<pp<a')
    // An end that the tokenizer adds as well is no part of a conversation that goes on.
    const both = {
      encode: (text: string, options?: { addSpecialTokens?: boolean }) =>
        options?.addSpecialTokens === true ? [bos, ...codec.encode(text), 62] : codec.encode(text),
    }
    expect(String.fromCharCode(...tokenizeTrajectory(three, [1, 1, 1], both, { ...limits, encoding: 'text' }).ids)).toBe(
      '<ppppaaooobbbocccc',
    )
  })

  it('never tokenises a rollout again', () => {
    const rolled = chain([
      { prompt: 'p', completion: 'a', tokens: { prompt_ids: [7, 8], completion_ids: [901, 902] } },
      { prompt: 'o', completion: 'b', tokens: { prompt_ids: [9], completion_ids: [903] } },
    ])
    const refusing = { encode: (): number[] => expect.fail('encoded a segment that has ids') }
    for (const encoding of ['auto', 'tokens'] as const)
      expect(tokenizeTrajectory(rolled, [0, 1], refusing, { ...limits, encoding }).ids).toEqual([7, 8, 901, 902, 9, 903])
    const { ids, sampledLogp } = tokenizeTrajectory(rolled, [0, 1], codec, { ...limits, encoding: 'text' })
    expect(ids).toEqual(codec.encode('paob'))
    expect(sampledLogp).toBeUndefined()
    expect(() => tokenizeTrajectory(three, [0, 0, 0], codec, { ...limits, encoding: 'tokens' })).toThrow(
      'a/1/0: expected token ids on every step',
    )
  })

  it('keeps how likely each token was when it was sampled, also where the beginning is cut away', () => {
    const rolled = chain([
      { prompt: 'p', completion: 'a', tokens: { prompt_ids: [7, 8], completion_ids: [901, 902] } },
      { prompt: 'o', completion: 'b', tokens: { prompt_ids: [9], completion_ids: [903, 904] } },
    ])
    const nan = Number.NaN
    expect(tokenizeTrajectory(rolled, [0, 1], codec, limits).sampledLogp).toEqual([nan, nan, -1, -1, nan, -1, -1])
    const cut = tokenizeTrajectory(rolled, [0, 1], codec, { ...limits, maxContextLen: 2, maxResponseLen: 1 })
    expect(cut.ids).toEqual([902, 9, 903])
    expect(cut.sampledLogp).toEqual([-1, nan, -1])
  })

  it('follows the chosen path of a tree and keeps the rewards of its steps', () => {
    const [first, second, third] = stepsOf(three)
    const tree = withSteps(three, [first!, { ...second!, is_final: false }, { ...third!, parent: 0 }])
    const built = tokenizeTrajectory(tree, [0.1, 0.2, 0.3], codec, limits)
    expect(String.fromCharCode(...built.ids)).toBe('ppppaaocccc')
    expect(built).toMatchObject({ rewards: [0.1, 0.3], stepIndex: [0, 2] })
  })

  it('rounds rewards to float16 when asked', () => {
    expect(toFloat16(0.96666)).toBeCloseTo(0.9668, 5)
    expect(tokenizeTrajectory(three, [0.96666, null, 1], codec, { ...limits, rewardDtype: 'float16' }).rewards).toEqual([
      0.966796875,
      null,
      1,
    ])
  })

  it('names what is wrong', () => {
    expect(() => tokenizeTrajectory(three, [1], codec, limits)).toThrow('a/1/0: expected 3 rewards, one per step, found 1')
    expect(() => tokenizeTrajectory(three, [1, Number.NaN, 1], codec, limits)).toThrow('the reward of step 1 is not a finite number')
  })
})

describe('advantagePreview', () => {
  const gae = { gamma: 0.99, lam: 0.95, gaeMaskMode: 'skip' } as const
  const sequence = tokenizeTrajectory(three, [0.1, null, 1], codec, limits)

  it('shows what a label does, token by token', () => {
    const low = advantagePreview(sequence, [0, 0.5, 1], gae)
    const high = advantagePreview(sequence, [1, 0.5, 1], gae)
    expect(low.mask.map((m, t) => (m === 1 ? sequence.stepOf[t] : -1))).toEqual(sequence.stepOf)
    expect(high.scores[5]).toBe(1)
    expect((high.perStep[0]?.advantage ?? 0) - (low.perStep[0]?.advantage ?? 0)).toBeGreaterThan(0.9)
    expect(high.perStep[2]?.advantage).toBe(low.perStep[2]?.advantage)
    const whitened = high.whitened.filter((_, t) => high.mask[t] === 1)
    expect(whitened.reduce((sum, x) => sum + x, 0)).toBeCloseTo(0, 9)
    expect(high.loss.policy).toBeCloseTo(0, 9)
    expect(high.loss.value).toBeGreaterThan(0)
    expect(high.loss.total).toBeCloseTo(0.1 * high.loss.value, 9)
  })

  it('an unlabelled step has no advantage and is counted; credit passes over it', () => {
    const preview = advantagePreview(sequence, [0, null, 1], gae)
    expect(preview.unlabelled).toBe(1)
    expect(preview.perStep[1]).toBeNull()
    expect(preview.advantages.slice(9, 12)).toEqual([0, 0, 0])
    expect(preview.advantages[5]).toBeCloseTo((0.99 * 0.95) ** 4, 9)
  })

  it('values count: returns are advantage + value', () => {
    const preview = advantagePreview(
      sequence,
      [0, 0, 1],
      gae,
      sequence.ids.map(() => 0.5),
    )
    preview.mask.forEach((m, t) => expect(preview.returns[t]).toBeCloseTo(m === 1 ? (preview.advantages[t] ?? 0) + 0.5 : 0, 12))
  })
})

describe('batches', () => {
  const sequences = Array.from({ length: 7 }, (_, index): TokenizedTrajectory => ({
    ...tokenizeTrajectory(three, [0, 0.5, 1], codec, limits),
    trajectoryId: `t${index}`,
  }))

  it('a data set gives every sequence at most once per pass, in an order its seed names', async () => {
    const ids = async (seed: number, from: number): Promise<string[]> => {
      const source = datasetSource(sequences, 3, seed)
      const picked: string[] = []
      for (const index of [from, from + 1])
        picked.push(...((await source.next(index, undefined as never)) ?? []).map(({ trajectoryId }) => trajectoryId))
      return picked
    }
    expect(new Set(await ids(1, 0)).size).toBe(6)
    expect(await ids(1, 0)).toEqual(await ids(1, 0))
    expect(await ids(1, 0)).not.toEqual(await ids(1, 2))
    expect(await ids(1, 0)).not.toEqual(await ids(2, 0))
    expect(() => datasetSource(sequences, 8, 1)).toThrow('7 sequences do not fill one batch of 8')
  })

  it('mini-batches are a permutation', () => {
    expect(minibatchesOf(5, 2, 3, 0, 0).map((part) => part.length)).toEqual([2, 2, 1])
    expect(minibatchesOf(5, 2, 3, 0, 0).flat().sort()).toEqual([0, 1, 2, 3, 4])
    expect(minibatchesOf(8, 2, 3, 0, 0)).not.toEqual(minibatchesOf(8, 2, 3, 0, 1))
  })

  it('rows: one per trained token, with the gap to the next; sequences without any are dropped', () => {
    const rules = { step_reward_weighting: 'paper', unlabelled_steps: 'leave_out' } as const
    const batch = layoutBatch(
      [
        { ...sequences[0]!, rewards: [null, null, null] },
        { ...sequences[1]!, rewards: [1, null, 0.25] },
      ],
      rules,
      { maxTokens: 64, maxPositions: 64 },
    )
    expect(batch.items.map(({ source }) => source.trajectoryId)).toEqual(['t1'])
    expect([...batch.gap]).toEqual([1, 8, 1, 1, 1, 0])
    expect([...batch.score]).toEqual([0, 1, 0, 0, 0, 0.25])
    expect([...batch.firstRow]).toEqual([0, 6])
    expect(() => layoutBatch(sequences, rules, { maxTokens: 10, maxPositions: 64 })).toThrow(
      't0: 17 tokens do not fit max_tokens_per_micro_batch 10',
    )
    expect(() => layoutBatch(sequences, rules, { maxTokens: 64, maxPositions: 16 })).toThrow(
      't0: 17 tokens, but the model reads at most 16',
    )
  })

  it('a baseline is taken off every label, and of nothing that has none', () => {
    const labelled = [
      { ...sequences[0]!, rewards: [1, null, 0.25] },
      { ...sequences[1]!, rewards: [0, 0.75, 0.5] },
    ]
    const baseline = meanStepReward(labelled)
    expect(baseline).toBe(0.5)
    expect(meanStepReward([{ ...sequences[0]!, rewards: [null] }])).toBe(0)
    const rules = { step_reward_weighting: 'paper', unlabelled_steps: 'leave_out', baseline } as const
    const { score } = layoutBatch(labelled, rules, { maxTokens: 64, maxPositions: 64 })
    expect([...score].filter((value) => value !== 0)).toEqual([0.5, -0.25, -0.5, 0.25])
    expect([...score].reduce((sum, value) => sum + value, 0)).toBe(0)
  })

  it('micro-batches stay within their tokens and keep the order', () => {
    const { items } = layoutBatch(
      sequences,
      { step_reward_weighting: 'paper', unlabelled_steps: 'leave_out' },
      { maxTokens: 40, maxPositions: 64 },
    )
    const parts = microBatches(items, 40)
    expect(parts.map((part) => part.length)).toEqual([2, 2, 2, 1])
    expect(parts.flat()).toEqual(items)
  })
})

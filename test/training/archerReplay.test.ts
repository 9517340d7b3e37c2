/** Utterances as transitions, and the buffer they are replayed from. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createRng } from '../../src/base/random'
import { archerConfig } from '../../src/training/algorithms/archer/config'
import { prefixesOf } from '../../src/training/algorithms/archer/features'
import {
  actorDraw,
  checkTransitions,
  criticDraws,
  monteCarloReturns,
  ReplayBuffer,
  transitionsOf,
  type Transition,
} from '../../src/training/algorithms/archer/replay'

const vectors = z
  .object({ archer_mc: z.array(z.number()) })
  .parse(JSON.parse(readFileSync(join(import.meta.dirname, '../golden/steptool_ppo_vectors.json'), 'utf8')))

/** Prompt of three, a call of two, a reply of two, a call of one, a reply of one, an answer of two. */
const stepOf = [-1, -1, -1, 0, 0, -1, -1, 1, -1, 2, 2]
const ids = stepOf.map((_, index) => 10 + index)
const rules = { gamma: 0.95, unlabelled: 'leave_out' } as const
const transition = (number: number): Transition => ({ ids: [number], observation: 1, action: 1, next: 0, reward: number, mcReturn: 0 })

describe('transitions', () => {
  it('Monte-Carlo returns are those of the reference script', () => {
    monteCarloReturns([0.5, 0.9, 0.5], 0.95).forEach((value, index) => {
      expect(value).toBeCloseTo(vectors.archer_mc[index] ?? Number.NaN, 12)
    })
    expect(monteCarloReturns([], 0.95)).toEqual([])
  })

  it('an observation is all before a call, the next one all before the next call, the last ends the episode', () => {
    const found = transitionsOf({ ids, stepOf, rewards: [0.5, 0.9, 0.5] }, rules)
    expect(found.map(({ observation, action, next }) => [observation, action, next])).toEqual([
      [3, 5, 7],
      [7, 8, 9],
      [9, 11, 0],
    ])
    expect(found.map(({ reward }) => reward)).toEqual([0.5, Math.fround(0.9), 0.5])
    found.forEach(({ mcReturn }, index) => {
      expect(mcReturn).toBe(Math.fround(vectors.archer_mc[index] ?? Number.NaN))
    })
    // One sequence, shared: features of a prefix are computed once.
    expect(new Set(found.map((one) => one.ids)).size).toBe(1)
    expect(prefixesOf([...found, ...found])).toEqual([{ ids, ends: [3, 5, 7, 8, 9, 11] }])
  })

  it('an unlabelled call is left out, or has no reward; what was before it still leads to it', () => {
    const rewards = [0.5, null, 0.5]
    expect(transitionsOf({ ids, stepOf, rewards }, rules).map(({ observation, next }) => [observation, next])).toEqual([
      [3, 7],
      [9, 0],
    ])
    expect(transitionsOf({ ids, stepOf, rewards }, { ...rules, unlabelled: 'no_score' }).map(({ reward }) => reward)).toEqual([0.5, 0, 0.5])
  })

  it('a call whose beginning was cut away is left out', () => {
    const cut = { ids: ids.slice(3), stepOf: stepOf.slice(3), rewards: [0.5, 0.9, 0.5] }
    expect(transitionsOf(cut, rules).map(({ observation, action, next }) => [observation, action, next])).toEqual([
      [4, 5, 6],
      [6, 8, 0],
    ])
    const gone = { ids: ids.slice(6), stepOf: stepOf.slice(6), rewards: [0.5, 0.9, 0.5] }
    expect(transitionsOf(gone, rules)).toHaveLength(2)
  })

  it('what cannot be encoded is refused by name', () => {
    const settings = { max_tokens_per_micro_batch: 64, max_response_len: 8 }
    const model = { max_position_embeddings: 32, vocab_size: 100 }
    const found = transitionsOf({ ids, stepOf, rewards: [1, 1, 1] }, rules)
    checkTransitions(found, settings, model)
    expect(() => {
      checkTransitions(found, settings, { ...model, vocab_size: 20 })
    }).toThrow('token id 20 is outside the model')
    expect(() => {
      checkTransitions(found, settings, { ...model, max_position_embeddings: 11 })
    }).toThrow('a trajectory of 11 tokens, but the model reads at most 10 of them here')
    expect(() => {
      checkTransitions(found, { max_tokens_per_micro_batch: 17, max_response_len: 8 }, model)
    }).toThrow('an utterance of up to 18 tokens does not fit max_tokens_per_micro_batch 17')
  })
})

describe('the replay buffer', () => {
  it('is a ring: over capacity the oldest give way', () => {
    const replay = new ReplayBuffer(3)
    replay.insert([1, 2].map(transition))
    expect([replay.size, replay.inserted]).toEqual([2, 2])
    replay.insert([3, 4, 5].map(transition))
    expect(replay.items.map(({ reward }) => reward)).toEqual([4, 5, 3])
    expect([replay.size, replay.inserted]).toEqual([3, 5])
  })

  it('draws uniformly with replacement, the same for the same stream', () => {
    const replay = new ReplayBuffer(10)
    replay.insert([0, 1, 2, 3].map(transition))
    const drawn = replay.draw(4000, createRng(1, 2))
    for (const place of [0, 1, 2, 3]) expect(drawn.filter((one) => one === place).length / 4000).toBeCloseTo(0.25, 1)
    expect(replay.draw(4000, createRng(1, 2))).toEqual(drawn)
    const settings = archerConfig.parse({ batch_size: 4, gradient_accumulation_steps: 2, epochs: 3 })
    const epochs = criticDraws(replay, settings, 5, 0)
    expect(epochs.map(({ length }) => length)).toEqual([8, 8, 8])
    expect(new Set([...epochs, actorDraw(replay, settings, 5, 0, 0), actorDraw(replay, settings, 5, 1, 0)].map(String)).size).toBe(5)
    expect(() => new ReplayBuffer(4).draw(1, createRng(1))).toThrow('the replay buffer is empty')
  })

  it('comes back from its arrays as it was, and goes on where it stopped', () => {
    const replay = new ReplayBuffer(4)
    replay.insert(transitionsOf({ ids, stepOf, rewards: [0.1, 0.9, 0.5] }, rules))
    replay.insert(transitionsOf({ ids: ids.toReversed(), stepOf, rewards: [0.3, 0, 1] }, rules))
    const again = new ReplayBuffer(4)
    again.restore(replay.inserted, replay.arrays())
    expect(again.items).toEqual(replay.items)
    expect(new Set(again.items.map((one) => one.ids)).size).toBe(2)
    for (const one of [replay, again]) one.insert([7, 8, 9].map(transition))
    expect(again.items).toEqual(replay.items)
    expect(() => {
      again.restore(0, {})
    }).toThrow('the checkpoint lacks the replay buffer')
  })
})

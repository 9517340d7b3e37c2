import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { resolveRewards } from '../../src/annotation/resolver'
import { annotateByRules, annotateByWorld, callSucceeded, longestCommonSubsequence, replyContributed } from '../../src/annotation/rules'
import { stepsOf } from '../../src/records/trajectory'
import { withSteps } from '../../src/records/trajectoryFromSteps'
import { chain, parts } from './builders'

describe('callSucceeded', () => {
  it.each<[string, boolean, boolean]>([
    // reply, released, sound
    ['{"error": "", "response": {"km": 7}}', true, true],
    ['{"error": "", "response": "The list is empty"}', true, false],
    ['{"error": "", "response": {"status": 400}}', true, false],
    ['{"error": "", "response": "Please give a harbour"}', true, false],
    ['{"error": "", "response": {"text": "cut at a thousand chara...', true, true],
    ['{"error": "", "response": "something went wrong and then...', true, false],
    ['{"error": "no such tool", "response": ""}', false, false],
    ['{"error": "no such tool and a long tale that was cut', false, false],
    ['{"error":"","response":{"status": 400.0}}', false, false],
    ['{"error":"","response":{"status": 404}}', true, false],
    ['{"error":"","response":[]}', true, true],
    ['{"error":"","response":0}', true, true],
    ['{"error":"","response":"an error happened"}', false, false],
    ['{"error":"","response":"fine"}', true, true],
    ['{"error":"","response":null}', false, false],
    ['7 km', false, true],
    ['Error: no such harbour', false, false],
    ['', false, false],
    ['{"km": 7}', false, true],
    ['{"status": 403, "message": "You are not subscribed to this API."}', false, false],
    ['{"status_code": "500"}', false, false],
    ['{"code": 200, "items": []}', false, true],
    ['{"success": false, "message": "no key"}', false, false],
    ['{"isError": true, "content": []}', false, false],
    ['{"error": null, "km": 7}', false, true],
    ['{"status": 404, "items": ["cut to len', false, false],
    ['<!DOCTYPE html><html><head><title>404 Not Found</title></head><body></body></html>', false, false],
    ['<html><head><title>Harbours of Velmora</title></head></html>', false, true],
    ['HTTP/1.1 503 Service Unavailable', false, false],
    ['403 Forbidden', false, false],
    ['404 harbours were found', false, true],
    ['   ', false, false],
    ['errors are rare here', false, true],
    ['Traceback (most recent call last):', false, false],
  ])('%s', (reply, released, sound) => {
    expect([callSucceeded(reply, 'released'), callSucceeded(reply, 'sound')]).toEqual([released, sound])
  })
})

describe('replyContributed', () => {
  it.each<[string, string, 0 | 1, 0 | 1]>([
    ['{"error": "", "response": "Tolvik is 7 km away"}', 'It is 7 km to Tolvik.', 1, 1],
    ['{"error": "", "response": "xyz"}', 'It is 7 km to Tolvik.', 0, 0],
    // Letters of a stray word occur in any long answer; the word does not.
    ['{"error": "", "response": "stove"}', 'It is 7 km to Tolvik.', 1, 0],
    ['{"error": "", "response": ""}', 'It is 7 km to Tolvik.', 0, 0],
    ['{"error": "", "response": {"km": 7.0}}', "{'km': 7.0}", 1, 1],
    ['{"error": "", "response": "cut in the mid', 'cut in the mid', 1, 1],
  ])('%s', (reply, answer, released, sound) => {
    expect([replyContributed(reply, answer, 'released'), replyContributed(reply, answer, 'sound')]).toEqual([released, sound])
  })

  it('counts 0.3 itself as a contribution', () => {
    expect(replyContributed('{"error": "", "response": "abcdefghij"}', 'abc', 'released')).toBe(1)
    expect(replyContributed('{"error": "", "response": "abcdefghijk"}', 'abc', 'released')).toBe(0)
  })
})

it('longestCommonSubsequence agrees with trying every subsequence', () => {
  const contains = (whole: readonly string[], part: readonly string[]): boolean => {
    let found = 0
    for (const item of whole) if (item === part[found]) found += 1
    return found === part.length
  }
  const letters = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 7 })
  fc.assert(
    fc.property(letters, letters, (a, b) => {
      let best = 0
      for (let mask = 0; mask < 1 << a.length; mask++) {
        const part = a.filter((_, index) => mask & (1 << index))
        if (part.length > best && contains(b, part)) best = part.length
      }
      expect(longestCommonSubsequence(a, b)).toBe(best)
    }),
  )
})

describe('annotateByRules and annotateByWorld', () => {
  it('mark calls with replies, leave Finish to the status that is known', () => {
    const record = chain(['{"error": "", "response": "Tolvik is 7 km away"}', '{"error": "no such tool", "response": ""}'])
    const rows = annotateByRules(record, [], parts())
    expect(rows.map(({ step, name, value }) => [step, name, value])).toEqual([
      [0, 'success', 1],
      [0, 'contribution', 5],
      [1, 'success', 0],
      [1, 'contribution', 0],
    ])
    expect(rows[0]).toMatchObject({ annotator_kind: 'CODE', annotator_id: 'rules:steptool-sound' })
    expect(resolveRewards(record, rows).map(({ value }) => value)).toEqual([1, 0, null])
    const solved = chain(['{"error": "", "response": "x"}'], { status: 'unsure' })
    expect(resolveRewards(solved, annotateByRules(solved, [], parts(), 'released')).map(({ value }) => value)).toEqual([0.5, 0.5])
  })

  it('again replaces what the same rules said before', () => {
    const record = chain(['7 km'])
    const made = parts()
    const once = annotateByRules(record, [], made)
    const twice = annotateByRules(record, once, made)
    expect(twice.map(({ supersedes }) => supersedes)).toEqual(once.map(({ opinion_id }) => opinion_id))
  })

  it('turn a world’s truth into opinions', () => {
    const plain = chain(['a', 'b'], { status: 'solved' })
    const truths = [
      { succeeded: true, needed: true },
      { succeeded: true, needed: false },
      { succeeded: true, needed: true },
    ]
    const record = withSteps(
      plain,
      stepsOf(plain).map((step, index) => ({ ...step, truth: truths[index] ?? null })),
    )
    const rows = annotateByWorld(record, [], parts())
    expect(rows.map(({ step, name, value }) => [step, name, value])).toEqual([
      [0, 'success', 1],
      [0, 'contribution', 5],
      [1, 'success', 1],
      [1, 'contribution', 0],
      [2, 'status', 1],
    ])
    expect(resolveRewards(record, rows).map(({ value }) => value)).toEqual([1, 0.5, 1])
  })
})

import { expect, test } from 'vitest'
import { chosenPath, maskOf, pathsOf, stepsOf, trajectory, withoutTokens } from '../../src/records/trajectory'
import { trajectoryFromSteps } from '../../src/records/trajectoryFromSteps'
import { everyShape } from './everyShape'

test('a step is a sampled assistant turn: several calls and their replies, user turns in the middle, branches', () => {
  const steps = stepsOf(everyShape)
  expect(steps.map(({ node, parent }) => [node, parent])).toEqual([
    [2, null],
    [5, 0],
    [6, 0],
    [8, 2],
  ])
  expect(steps[0]).toMatchObject({ prompt: '<s>Use tools.<u>How warm are A and B?<a>', thought: 'Both at once.', observation: '20\n21' })
  expect(steps[0]?.call).toEqual({ name: 'warm', arguments: { of: 'A' } })
  expect(steps[0]?.calls.map(({ id }) => id)).toEqual(['c1', 'c2'])
  expect(steps[0]?.tokens).toEqual({
    prompt_ids: [1, 2, 3, 4, 5],
    completion_ids: [6, 7],
    completion_logprobs: [-0.5, -0.25],
    policy_version: 3,
  })
  expect(steps[3]).toMatchObject({ prompt: '<u>And C?<a>', observation: null, is_final: true })
  const renamed = { ...everyShape, trajectory_id: 'renamed' }
  expect(stepsOf(renamed)).toBe(steps)
})

test('the chosen path skips what was given up; every root-to-leaf path is a training sequence', () => {
  expect(chosenPath(everyShape).map(({ index }) => index)).toEqual([0, 2, 3])
  expect(pathsOf(everyShape)).toEqual([
    [0, 1, 2, 3, 4, 5],
    [0, 1, 2, 3, 4, 6, 7, 8],
  ])
  expect(everyShape.nodes.map((node) => maskOf(node).join(''))).toEqual(['00', '000', '11', '', '000', '1', '10', '0', '1'])
  expect(stepsOf(withoutTokens(everyShape)).every(({ tokens }) => tokens === null)).toBe(true)
})

test('a parent comes before its child, and every list of a node has one entry per id', () => {
  const [root] = everyShape.nodes
  const wrong = trajectory.safeParse({ ...everyShape, nodes: [{ ...root, parent: 0, tokens: { ids: [1, 2], mask: [1] } }] })
  expect(wrong.error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)).toEqual([
    'nodes.0.parent: expected a node before 0, found 0',
    'nodes.0.tokens: expected one mask entry for each of 2 ids, found 1',
  ])
})

test('siblings share the turns before them, and a step gives several calls and replies', () => {
  const call = (name: string) => ({ name, arguments: {} })
  const step = { parent: 0, prompt: 'reply', completion: 'b' }
  const made = trajectoryFromSteps({
    trajectory_id: 't',
    task: { query_id: 'q', query: 'ask' },
    steps: [
      { parent: null, prompt: 'ask', completion: 'a', calls: [call('x'), call('y')], replies: [{ content: '1' }, { content: '2' }] },
      step,
      { ...step, completion: 'c', call: call('z'), observation: '3' },
    ],
  })
  expect(made.nodes.map(({ role, parent, text }) => [role, parent, text])).toEqual([
    ['user', null, 'ask'],
    ['assistant', 0, 'a'],
    ['tool', 1, null],
    ['tool', 2, 'reply'],
    ['assistant', 3, 'b'],
    ['assistant', 3, 'c'],
    ['tool', 5, null],
  ])
  expect(made.spent).toMatchObject({ calls: 3, model_calls: 3, sampled_tokens: null })
  expect(() => trajectoryFromSteps({ trajectory_id: 't', task: { query_id: '', query: '' }, steps: [step] })).toThrow(
    'Step 1: expected a parent before it, found 1.',
  )
})

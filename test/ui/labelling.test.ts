import { expect, test } from 'vitest'
import { opinion as opinionSchema, type Opinion } from '../../src/records/annotation'
import { connectionAdvice, serverAddressProblem, serverPresets, testProblem } from '../../src/ui/servers/serverPresets'
import { queueProgress, queueRows } from '../../src/ui/labelling/queueRows'
import {
  choiceOfKey,
  firstErrorCascade,
  humanJudgement,
  noJudgement,
  parseReward,
  repeatedRows,
  rewardsWith,
} from '../../src/ui/labelling/reward'
import { acceptedOpinions, agreements, disagreement, suggestionsFor } from '../../src/ui/labelling/stepSuggestions'
import { signed, stripOfStep } from '../../src/ui/labelling/whatIf'
import type { AdvantagePreview, LabelState } from '../../src/worker/protocol'
import { trajectoryOf } from '../support/builders'

let counter = 0
function says(
  kind: Opinion['annotator_kind'],
  who: string,
  step: number,
  name: Opinion['name'],
  value: number | null,
  more: Partial<Opinion> = {},
): Opinion {
  counter++
  return opinionSchema.parse({
    version: 1,
    opinion_id: `o${counter}`,
    trajectory_id: 't',
    step,
    name,
    value,
    annotator_kind: kind,
    annotator_id: who,
    created_at: new Date(counter * 1000).toISOString(),
    ...more,
  })
}

const steps = (count: number) =>
  trajectoryOf(
    Array.from({ length: count }, () => ({ completion: 'x' })),
    { query: 't' },
  )

test('a supposed label goes through the studio’s own resolver', () => {
  const opinions = [
    says('CODE', 'imported:a.csv', 0, 'reward', 0.3),
    says('HUMAN', 'me', 0, 'contribution', 3),
    says('CODE', 'imported:a.csv', 1, 'reward', 1),
  ]
  expect(rewardsWith(steps(2), opinions, { step: 0, name: 'success', value: 1 }, 'me')).toEqual([0.8, 1])
  // Half a pair is no label yet.
  expect(rewardsWith(steps(2), opinions, { step: 0, name: 'success', value: 1 }, 'someone else')).toEqual([0.3, 1])
  expect(rewardsWith(steps(2), opinions, { step: 0, name: 'reward', value: 0 }, 'me')).toEqual([0, 1])
  expect(rewardsWith(steps(2), opinions, { step: 1, name: 'status', value: 0.5 }, 'me')).toEqual([0.3, 0.5])
})

test('a person’s judgement is what still stands of their own words', () => {
  const first = says('HUMAN', 'me', 0, 'success', 0)
  const second = says('HUMAN', 'me', 0, 'success', 1, { supersedes: first.opinion_id, rationale: 'looked again' })
  const other = says('HUMAN', 'colleague', 0, 'contribution', 5)
  expect(humanJudgement([first, second, other], 0, 'me')).toEqual({
    judgement: { ...noJudgement, success: 1 },
    newest: 'success',
    note: 'looked again',
  })
  expect(humanJudgement([first, says('HUMAN', 'me', 0, 'success', null, { supersedes: first.opinion_id })], 0, 'me').newest).toBeNull()
})

test('keys: 0 and 1 are success, q to y and 2 to 5 contribution, letters the status of the answer', () => {
  expect(choiceOfKey('1', false)).toEqual({ name: 'success', value: 1 })
  expect(choiceOfKey('y', false)).toEqual({ name: 'contribution', value: 5 })
  expect(choiceOfKey('q', false)).toEqual({ name: 'contribution', value: 0 })
  expect(choiceOfKey('4', false)).toEqual({ name: 'contribution', value: 4 })
  expect(choiceOfKey('s', false)).toBeNull()
  expect(choiceOfKey('u', true)).toEqual({ name: 'status', value: 0.5 })
  expect(choiceOfKey('1', true)).toBeNull()
  expect(choiceOfKey('Enter', true)).toBeNull()
})

test('rewards are typed as decimals from 0 to 1', () => {
  expect(parseReward('0,35').value).toBe(0.35)
  expect(parseReward('').value).toBeNull()
  expect(parseReward('2').problem).toContain('0 to 1')
  expect(parseReward('abc').problem).toContain('number')
})

test('a first error marks every later step, the last by its status', () => {
  expect(firstErrorCascade('t', 1, [false, false, true]).map((row) => [row.step, row.name, row.value])).toEqual([
    [1, 'success', 0],
    [1, 'contribution', 0],
    [2, 'status', 0],
  ])
})

test('suggestions average a judge’s repeats, keep their spread, and never contain the person', () => {
  const opinions = [
    says('LLM', 'judge', 0, 'success', 1, { repeat: 0 }),
    says('LLM', 'judge', 0, 'contribution', 5, { repeat: 0 }),
    says('LLM', 'judge', 0, 'success', 1, { repeat: 1 }),
    says('LLM', 'judge', 0, 'contribution', 0, { repeat: 1, rationale: 'not needed' }),
    says('CODE', 'imported:a.csv', 0, 'reward', 0.3),
    says('CODE', 'rules:lcs', 0, 'success', 1),
    says('HUMAN', 'me', 0, 'success', 0),
  ]
  const found = suggestionsFor(steps(2), opinions, 0, 'me')
  expect(found.map((one) => one.annotator)).toEqual(['rules:lcs', 'judge', 'imported:a.csv'])
  expect(found[1]?.reward).toBeCloseTo(0.75, 12)
  expect(found[1]?.spread).toBeCloseTo(0.5, 12)
  expect(found[1]?.why).toEqual(['not needed'])
  expect(acceptedOpinions(steps(2), 0, found[1] as (typeof found)[0]).map((row) => [row.name, row.value])).toEqual([
    ['success', 1],
    ['contribution', 3],
  ])
  expect(acceptedOpinions(steps(2), 0, found[2] as (typeof found)[0])).toMatchObject([{ name: 'reward', value: 0.3 }])
  expect(acceptedOpinions(steps(2), 0, found[0] as (typeof found)[0])).toEqual([])
})

const state = (opinions: Opinion[], human: (number | null)[]): LabelState => ({
  opinions,
  resolved: human.map((value) => ({ value, from: value === null ? null : 'HUMAN', annotatorId: value === null ? null : 'me' })),
})

test('the queue puts disagreements first and counts labelled steps', () => {
  const make = (id: string) => trajectoryOf([{ completion: 'x', is_final: false }], { trajectory_id: id, query: id })
  const labels = new Map([
    ['calm', state([says('CODE', 'rules:a', 0, 'reward', 0.5), says('LLM', 'judge', 0, 'reward', 0.5)], [0.5])],
    ['torn', state([says('CODE', 'rules:a', 0, 'reward', 1), says('LLM', 'judge', 0, 'reward', 0)], [null])],
  ])
  const rows = queueRows([make('calm'), make('torn'), make('new')], labels, { text: '', show: 'all', order: 'disagreement' })
  expect(rows.map((row) => row.trajectory.trajectory_id)).toEqual(['torn', 'calm', 'new'])
  expect(queueProgress(rows)).toEqual({ trajectories: 3, trajectoriesDone: 1, steps: 3, stepsLabelled: 1 })
  expect(
    queueRows([make('calm'), make('torn')], labels, { text: '', show: 'todo', order: 'file' }).map((row) => row.trajectory.trajectory_id),
  ).toEqual(['torn'])
  // The person's own label does not count: labelling must not reorder the queue.
  expect(disagreement(steps(1), state([says('CODE', 'rules:a', 0, 'reward', 0.2)], [1]))).toBe(0)
})

test('agreement counts only steps both labelled', () => {
  const both = state(
    [says('CODE', 'rules:a', 0, 'reward', 1), says('CODE', 'rules:a', 1, 'reward', 0), says('CODE', 'rules:a', 2, 'reward', 1)],
    [1, 0.05, null],
  )
  expect(agreements([{ trajectory: steps(4), labels: both }])).toEqual([
    { annotator: 'rules:a', n: 2, close: 1, meanAbsoluteDifference: 0.025, kappa: 1 },
  ])
})

test('the strip shows the step’s trained tokens on the trajectory’s scale, and what else moves', () => {
  const preview = (advantages: number[]): AdvantagePreview => ({
    tokens: {
      trajectory_id: 't',
      ids: [1, 2, 3, 4],
      text: ['p', 'a', 'b', 'c'],
      mask: [0, 1, 1, 1],
      step: [-1, 0, 0, 1],
      truncatedTokens: 0,
      truncatedSteps: [],
      notTrainedSteps: [],
    },
    rewards: [],
    advantages,
    whitened: advantages,
    loss: 0,
  })
  const strip = stripOfStep(preview([0, 0.1, 0.1, -2]), preview([0, 0.4, 0.6, -1]), 0, 'advantages')
  expect(strip.tokens.map((token) => token.text)).toEqual(['a', 'b'])
  expect(strip.meanAfter).toBeCloseTo(0.5, 12)
  expect(strip.scale).toBe(2)
  expect(strip.alsoMoves).toEqual([{ step: 1, by: 1 }])
  expect([signed(0.306), signed(-0.04), signed(-0.001)]).toEqual(['+0.31', '−0.04', '0.00'])
})

test('a judge’s address is https, or http to this computer, and holds no secret', () => {
  expect(serverAddressProblem('http://localhost:8000/v1')).toBeNull()
  expect(serverAddressProblem('https://api.openai.com/v1')).toBeNull()
  expect(serverAddressProblem('http://example.com/v1')).toContain('localhost only')
  expect(serverAddressProblem('https://user:pw@example.com')).toContain('Keep')
  expect(serverAddressProblem('javascript:alert(1)')).toContain('Expected https')
  expect(serverAddressProblem('')).toContain('Give')
  const ollama = serverPresets.find((preset) => preset.name === 'ollama')
  if (!ollama) throw new Error('no preset for Ollama')
  const about = { preset: ollama, baseUrl: ollama.baseUrl, page: { protocol: 'https:' } }
  expect(connectionAdvice('network', about).join(' ')).toMatch(/OLLAMA_ORIGINS.*gateway.*asks permission/)
  expect(serverAddressProblem('https://x.openai.azure.com/openai/deployments/judge?api-version=2024-10-21')).toBeNull()
  expect(serverAddressProblem('https://x.example/v1?api_key=k')).toContain('Keep')
})

test.each([
  'unauthorised',
  'forbidden',
  'not-found',
  'rate-limited',
  'server',
  'timeout',
  'redirected',
  'malformed',
  'bad-request',
  'prose',
  'no-call',
  'cut-off',
])('a connection test that ends with %s blames no CORS', (code) => {
  for (const [preset, role] of serverPresets.flatMap((one) =>
    (['judge', 'agent', 'simulator'] as const).map((each) => [one, each] as const),
  )) {
    const words = [
      testProblem(code, role),
      ...connectionAdvice(code, { preset, baseUrl: 'http://localhost:8000/v1', page: { protocol: 'https:' } }),
    ]
    expect(words.join(' ')).not.toMatch(/CORS|origin|permission|ORIGINS|Access-Control/i)
  }
})

test('a label is repeated whole, and only where it means something', () => {
  const at = (step: number, isAnswer: boolean) => ({ trajectoryId: 'other', step, isAnswer })
  const call = humanJudgement([says('HUMAN', 'me', 0, 'success', 1), says('HUMAN', 'me', 0, 'contribution', 3)], 0, 'me')
  expect(repeatedRows(call, at(2, false))).toEqual({
    rows: [
      { trajectory_id: 'other', step: 2, name: 'success', value: 1 },
      { trajectory_id: 'other', step: 2, name: 'contribution', value: 3 },
    ],
    problem: null,
  })
  expect(repeatedRows(call, at(3, true))).toMatchObject({ rows: [], problem: expect.stringMatching(/takes a status/) as string })
  const answer = humanJudgement([says('HUMAN', 'me', 1, 'status', 0.5)], 1, 'me')
  expect(repeatedRows(answer, at(0, false))).toMatchObject({ rows: [], problem: expect.stringMatching(/status of an answer/) as string })
  expect(repeatedRows(answer, at(3, true)).rows).toEqual([{ trajectory_id: 'other', step: 3, name: 'status', value: 0.5 }])
  // A reward given directly fits every step; what was given last counts.
  const direct = humanJudgement([says('HUMAN', 'me', 0, 'success', 1), says('HUMAN', 'me', 0, 'reward', 0.4)], 0, 'me')
  for (const isAnswer of [false, true])
    expect(repeatedRows(direct, at(1, isAnswer)).rows).toEqual([{ trajectory_id: 'other', step: 1, name: 'reward', value: 0.4 }])
  expect(repeatedRows(humanJudgement([], 0, 'me'), at(0, false)).problem).toMatch(/no label to repeat/)
})

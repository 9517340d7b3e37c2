import { expect, test } from 'vitest'
import { compact } from '../../src/agents/callFormats/compact'
import { strategies } from '../../src/agents/strategies'
import { openScriptedAgent, type Script } from '../../src/agents/strategies/scriptedSession'
import { environments } from '../../src/environments'
import { createArithmetic, type Problem } from '../../src/environments/arithmetic/environment'
import type { Query } from '../../src/environments/environment'
import { evaluateTrajectories, rateOf } from '../../src/evaluation/evaluate'
import { benchmarks } from '../../src/evaluation/benchmarks'
import { stepsOf } from '../../src/records/trajectory'
import { codec } from './starterFiles'

const arithmetic = createArithmetic()
const problemOf = (query: Query): Problem => arithmetic.problems.get(query.query_id)!
const busy = arithmetic.queries('exam').find((query) => problemOf(query).isBusy && query.goldTools[0] === 'multiply')!

const run = (query: Query, script: Script) =>
  strategies.cot.run({
    query,
    openSession: () => openScriptedAgent(script, { codec, format: compact, maxNewTokens: 48, maxContext: 2048 }),
    openEpisode: () => arithmetic.open(query),
    budget: { toolCalls: 6, modelCalls: null },
    temperature: 0,
    maxNewTokens: 48,
    maxContext: 2048,
    trajectoryId: `solver/${query.query_id}`,
  })

/** Makes each call until it succeeds, and answers with the last result. */
const solver =
  ({ first, operands, results }: Problem): Script =>
  (replies) => {
    const done = replies.filter((reply) => reply.includes('result')).length
    const next = operands[done]
    const now = done === 0 ? first : results[done - 1]
    return next
      ? { name: next.operation, arguments: { a: String(now), b: String(next.value) } }
      : { name: 'finish', arguments: { answer: String(now) } }
  }

test('whoever repeats the busy call solves every query, and the exam shares no query with practice', async () => {
  const benchmark = benchmarks.arithmetic.create({})
  const trajectories = await Promise.all(benchmark.queries('exam').map((query) => run(query, solver(problemOf(query)))))
  const rows = evaluateTrajectories(trajectories, benchmark)
  expect(rateOf(rows)).toMatchObject({ n: 60, passed: 60 })
  expect(rows.every(({ recall }) => recall === 1)).toBe(true)
  const wasBusy = trajectories.filter((record) => stepsOf(record).some(({ observation }) => observation?.includes('busy')))
  const multiplies = benchmark.queries('exam').filter((query) => problemOf(query).isBusy && query.goldTools.includes('multiply'))
  expect(wasBusy.map(({ task }) => task.query_id)).toEqual(multiplies.map(({ query_id }) => query_id))
  expect(multiplies.length).toBeGreaterThan(5)
  const texts = (split: string): string[] => benchmark.queries(split).map(({ text }) => text)
  expect(texts('practice').filter((text) => texts('exam').includes(text))).toEqual([])
})

test('the scripted failure comes once, and says what to do', async () => {
  const { first, operands } = problemOf(busy)
  const call = { name: 'multiply', arguments: { a: first, b: operands[0]?.value } }
  const episode = await arithmetic.open(busy)
  const [failed, repeated] = await episode.call([call, call])
  expect(failed).toMatchObject({ error: 'unavailable', text: '{"error":"busy, call again"}', truth: { succeeded: false } })
  expect(repeated).toMatchObject({ error: null, truth: { succeeded: true, needed: true } })
})

test('a right number that no tool gave is no answer', async () => {
  const last = problemOf(busy).results.at(-1)!
  const record = await run(busy, () => ({ name: 'finish', arguments: { answer: String(last) } }))
  expect([record.status, record.stop_condition]).toEqual(['unsolved', 'finish'])
})

test('a copy of an episode goes its own way', async () => {
  const { first, operands, results } = problemOf(busy)
  const call = { name: 'multiply', arguments: { a: first, b: operands[0]?.value } }
  const episode = await arithmetic.open(busy)
  await episode.call([call])
  const copied = episode.copy()
  if (!copied.ok) throw new Error(copied.reason)
  // The failure was given before the copy was made, so that the copy does not fail again.
  expect(await copied.episode.call([call])).toMatchObject([{ text: JSON.stringify({ result: results[0] }), truth: { needed: true } }])
  // The first episode has not seen that result: there the same call is still needed.
  expect(await episode.call([call])).toMatchObject([{ text: JSON.stringify({ result: results[0] }), truth: { needed: true } }])
  expect(await copied.episode.call([call])).toMatchObject([{ truth: { needed: false } }])
})

test('what cannot be computed is said, and one seed is one world', async () => {
  const episode = await arithmetic.open(null)
  const replies = await episode.call([
    { name: 'divide', arguments: { a: 7, b: 0 } },
    { name: 'divide', arguments: { a: 7, b: 2 } },
    { name: 'power', arguments: { a: 7, b: 2 } },
    { name: 'add', arguments: { a: 'seven', b: 2 } },
    { name: '', arguments: {}, error: 'expected a call' },
  ])
  expect(replies.map(({ error, text }) => [error, text])).toEqual([
    ['bad-arguments', '{"error":"division by zero"}'],
    ['bad-arguments', '{"error":"2 does not divide 7"}'],
    ['unknown-tool', '{"error":"there is no tool power; there is add, multiply, divide"}'],
    ['bad-arguments', '{"error":"a and b must be whole numbers"}'],
    ['bad-call', '{"error":"expected a call"}'],
  ])
  expect(environments.arithmetic.create({}).hash).toBe(arithmetic.hash)
  expect(createArithmetic(2).hash).not.toBe(arithmetic.hash)
  expect(() => arithmetic.queries('dev')).toThrow('Arithmetic has no split dev; it has exam, practice.')
})

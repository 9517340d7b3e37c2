/** The starter world's versions: the usual one never changes, and the larger one has wrong documentation and dead ends. */
import { describe, expect, test } from 'vitest'
import { starterBenchmarkOf } from '../../src/environments/starter/benchmark'
import { oraclePolicy } from '../../src/environments/starter/expert'
import { contexts, groups, type Task } from '../../src/environments/starter/plan'
import { createStarterWorld } from '../../src/environments/starter/world'
import { benchmarks } from '../../src/evaluation/benchmarks'

const usual = createStarterWorld()
const larger = createStarterWorld(7, 3)
const tasksOf = (world: typeof usual): Task[] => world.splits.flatMap((split) => world.queries(split).map((query) => world.task(query)))
const tasks = tasksOf(larger)
const inContext = (context: Task['context']): Task[] => tasks.filter((task) => task.context === context)

/** The oracle's attempt: what the tools replied, and how it ended. */
function solve(task: Task) {
  const episode = larger.startTask(task)
  const oracle = oraclePolicy(larger, task.query)
  const replies: string[] = []
  for (;;) {
    const call = oracle(replies)
    if (call.name === 'finish' || call.name === 'give_up')
      return { replies, status: episode.finish(typeof call.arguments.answer === 'string' ? call.arguments.answer : null).status }
    replies.push(episode.call(call).text)
  }
}

test('the usual version is the one that the starter model and the recorded results know', () => {
  expect(usual.hash).toBe('5239753f679de081dbdbfc4c955d9782cf4e84fb98ef690bdde393034679ee19')
  expect(benchmarks.starter.create({}).environment.hash).toBe(usual.hash)
  expect(tasksOf(usual).some(({ context, decoy }) => context === 'renamed' || context === 'dead-end' || decoy !== null)).toBe(false)
})

describe('version 3', () => {
  test('has over 2,000 queries of its own, 150 in every group of the exam, and every context in the exam', () => {
    expect(tasks.length).toBeGreaterThan(2000)
    expect(new Set(tasks.map(({ query }) => query.query_id)).size).toBe(tasks.length)
    const sizes = groups.map((group) => larger.queries('exam').filter((query) => query.group === group).length)
    expect(sizes).toEqual(groups.map(() => 150))
    expect(new Set(larger.queries('exam').map((query) => larger.task(query).context))).toEqual(new Set(contexts))
    const known = new Set(tasksOf(usual).map(({ query }) => query.query_id))
    expect(tasks.filter(({ query }) => known.has(query.query_id))).toEqual([])
  })

  test('can be solved whole within its limits', () => {
    const { toolCalls } = starterBenchmarkOf(larger).limits
    for (const task of tasks) {
      const { replies, status } = solve(task)
      expect([task.query.text, status]).toEqual([task.query.text, 'solved'])
      expect(replies.length).toBeLessThanOrEqual(toolCalls)
    }
  })

  test('documents a parameter under a wrong name, and the first call says which one is missing', () => {
    expect(inContext('renamed').length).toBeGreaterThan(200)
    for (const task of inContext('renamed')) {
      const { subject, source } = task.lookups[task.lookups.length - 1]!
      const listed = task.tools.find(({ name }) => name === `${subject.word}_${source}`)!
      expect(listed.parameters[0]?.name).toBe('name')
      const reply = larger.startTask(task).call({ name: listed.name, arguments: { name: task.said } })
      expect(reply.text).toBe(`{"error":"missing ${subject.of}"}`)
    }
  })

  test('has dead ends: the first source leads to a name that no tool knows, and only going back solves the task', () => {
    expect(inContext('dead-end').length).toBeGreaterThan(150)
    for (const task of inContext('dead-end')) {
      const [first, second] = task.lookups
      const episode = larger.startTask(task)
      const call = (source: string) =>
        episode.call({ name: `${first!.subject.word}_${source}`, arguments: { [first!.subject.of]: task.said } })
      const wrong = call('of')
      expect(wrong).toMatchObject({
        text: JSON.stringify({ [first!.subject.word]: task.decoy }),
        error: null,
        truth: { succeeded: true, needed: false },
      })
      const secondArgument = second!.second && second!.subject.second ? { [second!.subject.second]: second!.second.name } : {}
      const beyond = `${second!.subject.word}_${second!.source}`
      expect(episode.call({ name: beyond, arguments: { [second!.subject.of]: task.decoy, ...secondArgument } }).text).toBe(
        '{"error":"gone"}',
      )
      expect(call('log')).toMatchObject({
        text: JSON.stringify({ [first!.subject.word]: first!.value }),
        truth: { succeeded: true, needed: true },
      })
      expect(solve(task).replies.filter((reply) => reply.includes('gone'))).toHaveLength(1)
    }
  })

  test('is chosen by a setting, and another one is refused', () => {
    expect(benchmarks.starter.create({ settings: { version: 3 } }).environment.hash).toBe(larger.hash)
    expect(() => benchmarks.starter.create({ settings: { version: 4 } })).toThrow()
  })
})

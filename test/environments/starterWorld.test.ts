import { describe, expect, test } from 'vitest'
import { createRng } from '../../src/base/random'
import { environments } from '../../src/environments'
import { FINISH, GIVE_UP } from '../../src/environments/compactSyntax'
import { expertTranscript, oraclePolicy } from '../../src/environments/starter/expert'
import { createStarterWorld } from '../../src/environments/starter/world'
import { copyCheck } from '../../src/evaluation/scorers/copyExact'
import { apis, subjects } from '../../src/environments/starter/catalog'
import { syllablesOf } from '../../src/environments/starter/names'
import { groups } from '../../src/environments/starter/plan'
import type { ToolCall } from '../../src/records/trajectory'
import type { Query } from '../../src/environments/environment'

const world = createStarterWorld()
const every = world.splits.flatMap((split) => world.queries(split))

function withContext(context: string, split = 'practice'): Query {
  const found = world.queries(split).find((query) => world.task(query).context === context)
  if (!found) throw new Error(`no ${context} query in ${split}`)
  return found
}

describe('the starter world', () => {
  test('follows from one integer', () => {
    const again = createStarterWorld()
    expect(environments.starter.create({}).hash).toBe(world.hash)
    expect(again.hash).toBe(world.hash)
    expect(again.queries('exam')).toEqual(world.queries('exam'))
    expect(createStarterWorld(8).hash).not.toBe(world.hash)
    expect(again.name).toBe('starter')
  })

  test('has at least 240 exam queries, and its indexes are dense', () => {
    expect(world.queries('exam').length).toBeGreaterThanOrEqual(240)
    expect(every.map((query) => query.index)).toEqual(every.map((_, index) => index))
    expect(new Set(every.map((query) => query.query_id)).size).toBe(every.length)
  })

  test('an unknown split or query is named', () => {
    expect(() => world.queries('test')).toThrow(/no split test.*train/)
    const stranger = { ...every[0]!, query_id: 'x' }
    expect(() => world.start(stranger)).toThrow(/no query x/)
  })

  test('no name is shared between uses, and every entity of a query belongs to its split', () => {
    const owner = new Map<string, string>()
    const broken: string[] = []
    for (const split of world.splits) {
      for (const name of world.database.names(split)) {
        if (owner.has(name) || syllablesOf(name) === null) broken.push(name)
        owner.set(name, split)
      }
    }
    for (const query of every) broken.push(...query.entities.filter((name) => owner.get(name) !== query.split))
    expect(broken).toEqual([])
  })

  test('no value of a split leads outside of it', () => {
    const wrong: string[] = []
    for (const split of world.splits) {
      for (const subject of subjects) {
        for (const entity of world.database.pool(split, subject.of)) {
          const value = world.database.value(subject, entity, 'of', null)
          const isRight = subject.yields === 'number' ? /^[1-9]\d{1,2}$/.test(value) : world.database.find(value)?.split === split
          if (!isRight) wrong.push(`${subject.word} of ${entity.name}: ${value}`)
        }
      }
    }
    expect(wrong).toEqual([])
  })

  test('day and night always differ, so the wrong sibling is always wrong', () => {
    for (const subject of subjects.filter((candidate) => candidate.variants)) {
      for (const split of world.splits) {
        for (const city of world.database.pool(split, subject.of)) {
          expect(world.database.value(subject, city, 'day', null)).not.toBe(world.database.value(subject, city, 'night', null))
        }
      }
    }
  })

  test('groups mean what ToolBench means', () => {
    const held = new Map(subjects.map((subject) => [subject.word, subject]))
    for (const query of every) {
      const used = world.task(query).lookups.map((lookup) => lookup.subject)
      const categories = new Set(used.map((subject) => subject.category))
      expect(groups).toContain(query.group)
      if (query.group.startsWith('I1')) expect(used).toHaveLength(1)
      if (query.group.startsWith('I2')) expect([categories.size, used.length > 1]).toEqual([1, true])
      if (query.group === 'I3') expect(categories.size).toBeGreaterThan(1)
      const expected = query.group === 'I1-tool' ? 'tool' : query.group.endsWith('category') ? 'category' : 'seen'
      for (const subject of used) expect(held.get(subject.word)?.held).toBe(expected)
      if (query.split === 'train' || query.split === 'practice') expect(expected).toBe('seen')
    }
    const exam = world.queries('exam')
    for (const group of groups) expect(exam.filter((query) => query.group === group).length).toBeGreaterThanOrEqual(25)
  })

  test('training and practice list no held-out tool', () => {
    const heldOut = new Set(apis.filter((api) => api.does.kind === 'look' && api.does.subject.held !== 'seen').map((api) => api.name))
    for (const query of [...world.queries('train'), ...world.queries('practice')]) {
      for (const tool of world.start(query).tools) expect(heldOut.has(tool.name)).toBe(false)
    }
  })

  test('at most six tools are listed, each once, the gold ones among them', () => {
    for (const query of every) {
      const names = world.start(query).tools.map((tool) => tool.name)
      expect(names.length).toBeLessThanOrEqual(6)
      expect(new Set(names).size).toBe(names.length)
      for (const gold of query.goldTools) expect(names).toContain(gold)
    }
  })

  test('about half of the exam carries a context in which the expert is mostly wrong, and practice shows the same ones', () => {
    const marked = ['quota', 'empty', 'sibling', 'unit', 'hasty']
    const share = (split: string) =>
      world.queries(split).filter((query) => marked.includes(world.task(query).context)).length / world.queries(split).length
    expect(share('exam')).toBeGreaterThan(0.45)
    expect(share('exam')).toBeLessThan(0.62)
    for (const context of marked) expect(withContext(context).split).toBe('practice')
  })
})

describe('the oracle', () => {
  test('solves every query within five calls and one recovery', () => {
    for (const query of every) {
      const run = expertTranscript(world, query, createRng(1), { wrongRate: 0 })
      expect([query.text, run.status]).toEqual([query.text, 'solved'])
      expect(run.calls).toBeLessThanOrEqual(7)
    }
  })

  test('gives the next action from observations alone', () => {
    for (const query of world.queries('exam').slice(0, 60)) {
      const oracle = oraclePolicy(world, query)
      const episode = world.start(query)
      const observations: string[] = []
      let call = oracle(observations)
      while (call.name !== FINISH && call.name !== GIVE_UP) {
        observations.push(episode.call(call).text)
        call = oracle(observations)
      }
      expect(episode.finish(String(call.arguments.answer)).status).toBe('solved')
    }
  })

  test('reaches every gold tool', () => {
    for (const query of world.queries('exam')) {
      const called = expertTranscript(world, query, createRng(1), { wrongRate: 0 })
        .messages.filter((m) => m.role === 'assistant')
        .map((m) => m.content.split('(')[0])
      for (const gold of query.goldTools) expect(called).toContain(gold)
    }
  })
})

describe('the expert', () => {
  test('is wrong in the majority of marked contexts and right elsewhere', () => {
    const counts = new Map<string, [right: number, all: number]>()
    for (let repeat = 0; repeat < 8; repeat++) {
      for (const query of world.queries('practice')) {
        const run = expertTranscript(world, query, createRng(5, repeat, query.index))
        const entry = counts.get(run.context) ?? [0, 0]
        counts.set(run.context, [entry[0] + (run.status === 'solved' ? 1 : 0), entry[1] + 1])
      }
    }
    const rate = (context: string) => {
      const [right, all] = counts.get(context) ?? [0, 1]
      return right / all
    }
    for (const context of ['quota', 'empty', 'sibling', 'unit', 'hasty']) {
      expect(rate(context)).toBeGreaterThan(0.2)
      expect(rate(context)).toBeLessThan(0.4)
    }
    for (const context of ['clean', 'missing', 'alias', 'detour']) expect(rate(context)).toBe(1)
  })

  test('a half answer is unsure, giving up is unsolved, a needless call is marked', () => {
    const run = (context: string) => expertTranscript(world, withContext(context), createRng(1), { wrongRate: 1 })
    expect(run('hasty').status).toBe('unsure')
    expect(run('quota').status).toBe('unsolved')
    expect(run('sibling').truth[run('sibling').truth.length - 2]).toEqual({ succeeded: true, needed: false })
    expect(run('detour').truth[0]).toEqual({ succeeded: true, needed: false })
    expect(run('detour').status).toBe('solved')
  })
})

describe('an episode', () => {
  const first = (query: Query): ToolCall => oraclePolicy(world, query)([])

  test('a quota error asks for a retry, and the retry succeeds', () => {
    const query = world.queries('practice').find((q) => world.task(q).context === 'quota' && world.task(q).quotaAt === 0)!
    const episode = world.start(query)
    expect(episode.call(first(query))).toEqual({
      text: '{"error":"quota, retry"}',
      truth: { succeeded: false, needed: true },
      error: 'quota',
      elapsedMs: null,
    })
    expect(episode.call(first(query)).truth).toEqual({ succeeded: true, needed: true })
    expect(episode.call(first(query)).truth).toEqual({ succeeded: true, needed: false })
  })

  test('typed errors', () => {
    const episode = world.start(withContext('clean'))
    const call = first(withContext('clean'))
    const parameter = Object.keys(call.arguments)[0] ?? ''
    expect(episode.call({ name: 'nothing_of', arguments: {} }).text).toBe('{"error":"unknown tool"}')
    expect(episode.call({ name: call.name, arguments: {} }).text).toBe(`{"error":"missing ${parameter}"}`)
    expect(episode.call({ name: call.name, arguments: { [parameter]: 'Nobody' } }).text).toBe(`{"error":"unknown ${parameter}"}`)
    expect(episode.call({ name: call.name, arguments: { [parameter]: 7 } }).text).toBe(`{"error":"missing ${parameter}"}`)
    expect(episode.call({ name: '', arguments: {}, error: 'x' }).text).toBe('{"error":"bad call"}')
    expect(episode.call({ name: 'constructor', arguments: {} }).text).toBe('{"error":"unknown tool"}')
  })

  test('an empty result points at its sibling', () => {
    const query = withContext('empty')
    const lookup = world.task(query).lookups.find((candidate) => candidate.source === 'log')!
    const episode = world.start(query)
    const args = { [lookup.subject.of]: lookup.entity.name }
    expect(episode.call({ name: `${lookup.subject.word}_of`, arguments: args }).text).toBe('{"empty":"see log"}')
    expect(episode.call({ name: `${lookup.subject.word}_log`, arguments: args }).truth).toEqual({ succeeded: true, needed: true })
  })

  test('a guessed fact does not count, nor a list of everything seen', () => {
    const query = world
      .queries('exam')
      .find((q) => world.task(q).context === 'clean' && world.task(q).lookups.length === 2 && world.task(q).factCount === 1)!
    const { facts, lookups } = world.task(query)
    expect(world.start(query).finish(facts.join(', ')).status).toBe('unsolved')
    const episode = world.start(query)
    const oracle = oraclePolicy(world, query)
    const seen: string[] = []
    for (let i = 0; i < 2; i++) seen.push(episode.call(oracle(seen)).text)
    expect(episode.finish([lookups[0]?.value, facts[0]].join(', ')).status).toBe('unsure')
  })

  test('nothing happens after the end', () => {
    const query = withContext('clean')
    const episode = world.start(query)
    expect(episode.finish(null).status).toBe('unsolved')
    expect(episode.call(first(query)).text).toBe('{"error":"finished"}')
  })

  test('the same calls give the same observations, whatever happened in other episodes', () => {
    for (const query of world.queries('exam').slice(0, 40)) {
      const call = first(query)
      const a = world.start(query)
      const b = world.start(query)
      expect(a.call(call)).toEqual(b.call(call))
    }
  })
})

describe('copyCheck', () => {
  test('names and numbers must stand in the query or an observation', () => {
    const call = (argument: string): ToolCall => ({ name: 'home_of', arguments: { person: argument } })
    expect(copyCheck(call('Karu'), "Karu's home?", [])).toEqual({ due: true, exact: true })
    expect(copyCheck(call('Kar'), "Karu's home?", [])).toEqual({ due: true, exact: false })
    expect(copyCheck(call('Zolu'), "Karu's home?", ['{"home":"Zolu"}'])).toEqual({ due: true, exact: true })
    expect(copyCheck({ name: GIVE_UP, arguments: {} }, "Karu's home?", [])).toEqual({ due: false, exact: false })
  })

  test('the expert always copies', () => {
    for (const query of world.queries('practice').slice(0, 100)) {
      const run = expertTranscript(world, query, createRng(2, query.index))
      expect(run.messages.filter((m) => m.role === 'tool').every((m) => m.content.startsWith('{'))).toBe(true)
    }
  })
})

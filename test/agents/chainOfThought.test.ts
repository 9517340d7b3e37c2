import { describe, expect, test } from 'vitest'
import { compact } from '../../src/agents/callFormats/compact'
import { strategies } from '../../src/agents/strategies'
import { openScriptedAgent, type Script } from '../../src/agents/strategies/scriptedSession'
import { oraclePolicy } from '../../src/environments/starter/expert'
import { createStarterWorld } from '../../src/environments/starter/world'
import { trajectory, stepsOf } from '../../src/records/trajectory'
import { codec } from '../environments/starterFiles'
import { textPolicy } from './textPolicy'

const world = createStarterWorld()
const deep = world.queries('exam').find((query) => world.task(query).context === 'clean' && query.goldTools.length === 3)!

const scripted = (script: Script, limits: { maxNewTokens?: number; maxContext?: number } = {}) =>
  openScriptedAgent(script, { codec, format: compact, maxNewTokens: 64, maxContext: 512, ...limits })

function run(query: typeof deep, script: Script, limits: { callBudget?: number; maxNewTokens?: number; maxContext?: number } = {}) {
  const { callBudget = 8, ...others } = limits
  return strategies.cot.run({
    query,
    openSession: () => scripted(script, others),
    openEpisode: () => world.open(query),
    budget: { toolCalls: callBudget, modelCalls: null },
    temperature: 0,
    maxNewTokens: 48,
    maxContext: 512,
    trajectoryId: 't',
    worldHash: world.hash,
    ...others,
  })
}

describe('chain of thought', () => {
  test('the oracle solves, every step is recorded, and the record is valid', async () => {
    for (const query of world.queries('exam').slice(0, 80)) {
      const record = await run(query, oraclePolicy(world, query))
      expect(record.status).toBe('solved')
      expect(record.stop_condition).toBe('finish')
      expect(stepsOf(record).map((step) => step.is_final)).toEqual(stepsOf(record).map((_, i) => i === stepsOf(record).length - 1))
      expect(trajectory.parse(record)).toEqual(record)
    }
  })

  test('the ids of the steps, end to end, are the ids of the whole conversation', async () => {
    const record = await run(deep, oraclePolicy(world, deep))
    const ids = stepsOf(record).flatMap((step) => [...(step.tokens?.prompt_ids ?? []), ...(step.tokens?.completion_ids ?? [])])
    const text = stepsOf(record)
      .map((step) => step.prompt + step.completion)
      .join('')
    expect(ids).toEqual(codec.encode(text))
    for (const step of stepsOf(record)) {
      expect(step.tokens?.completion_ids.at(-1)).toBe(1)
      expect(step.tokens?.completion_logprobs).toHaveLength(step.tokens?.completion_ids.length ?? -1)
    }
  })

  test('nodes say in plain text what each role said, and no marker', async () => {
    const record = await run(deep, oraclePolicy(world, deep))
    expect(record.nodes.map(({ role }) => role)).toEqual('system user assistant tool assistant tool assistant tool assistant'.split(' '))
    const [system, user] = record.nodes
    expect(system).toMatchObject({ content: compact.system(record.task.tools), text: null, tokens: null, sampled: false })
    expect(user).toMatchObject({ parent: 0, content: deep.text, text: stepsOf(record)[0]?.prompt })
    for (const { content } of record.nodes) expect(content).not.toContain('<|')
  })

  test('a user who speaks again is a turn of its own, in plain text', async () => {
    const record = await strategies.cot.run({
      ...{
        query: deep,
        budget: { toolCalls: 8, modelCalls: null },
        temperature: 0,
        maxNewTokens: 48,
        maxContext: 512,
      },
      trajectoryId: 't',
      openSession: () => scripted(() => ({ name: 'give_up', arguments: {} })),
      openEpisode: async () => {
        const episode = await world.open(deep)
        let turns = 0
        return { ...episode, userTurn: () => Promise.resolve(turns++ === 0 ? 'Try once more.' : null) }
      },
    })
    expect(record.nodes.map(({ role, content, text }) => [role, content, text]).slice(2)).toEqual([
      ['assistant', '', expect.stringContaining('give_up')],
      ['user', 'Try once more.', compact.next([{ role: 'user', content: 'Try once more.' }])],
      ['assistant', '', expect.stringContaining('give_up')],
    ])
  })

  test('after the last budgeted call the agent may still answer', async () => {
    const record = await run(deep, oraclePolicy(world, deep), { callBudget: 3 })
    expect([record.stop_condition, record.status, stepsOf(record).length]).toEqual(['finish', 'solved', 4])
  })

  test('a call above the budget is not made', async () => {
    const record = await run(deep, oraclePolicy(world, deep), { callBudget: 2 })
    expect([record.stop_condition, record.status, stepsOf(record).length]).toEqual(['budget', 'unsolved', 3])
    expect(stepsOf(record)[2]).toMatchObject({ observation: null, is_final: true, truth: { succeeded: false, needed: false } })
  })

  test('giving up is an unsolved finish', async () => {
    const record = await run(deep, () => ({ name: 'give_up', arguments: {} }))
    expect([record.stop_condition, record.status, record.answer]).toEqual(['finish', 'unsolved', null])
  })

  test('text that is no call costs a call and gets an error', async () => {
    const record = await run(deep, (seen) => (seen.length < 2 ? 'I wonder' : { name: 'give_up', arguments: {} }))
    expect(stepsOf(record).map((step) => step.observation)).toEqual(['{"error":"bad call"}', '{"error":"bad call"}', null])
    expect(stepsOf(record)[0]?.call?.error).toMatch(/expected/)
  })

  test('a completion that ran into its limit ends the episode', async () => {
    const record = await run(deep, oraclePolicy(world, deep), { maxNewTokens: 4 })
    expect([record.stop_condition, record.status, stepsOf(record).length, stepsOf(record)[0]?.is_truncated]).toEqual([
      'length',
      'unsolved',
      1,
      true,
    ])
  })

  test('a full context ends the episode before the session is asked', async () => {
    const first = stepsOf(await run(deep, oraclePolicy(world, deep)))[0]
    const used = (first?.tokens?.prompt_ids.length ?? 0) + (first?.tokens?.completion_ids.length ?? 0)
    const record = await run(deep, oraclePolicy(world, deep), { maxContext: used + 3 })
    expect([record.stop_condition, record.status, stepsOf(record).length, stepsOf(record)[0]?.is_final]).toEqual([
      'length',
      'unsolved',
      1,
      true,
    ])
    const none = await run(deep, oraclePolicy(world, deep), { maxContext: 5 })
    expect([none.stop_condition, stepsOf(none)]).toEqual(['length', []])
  })

  test('timing comes from the clock it is given', async () => {
    let at = 0
    const record = await strategies.cot.run({
      query: deep,
      openSession: () => scripted(() => ({ name: 'give_up', arguments: {} })),
      openEpisode: () => world.open(deep),
      budget: { toolCalls: 1, modelCalls: null },
      temperature: 0,
      maxNewTokens: 8,
      maxContext: 512,
      trajectoryId: 't',
      now: () => (at += 5),
    })
    expect(stepsOf(record)[0]?.generation_ms).toBe(5)
    // Each look at the clock moves it by 5 ms.
    const call = { name: oraclePolicy(world, deep)([]).name, arguments: oraclePolicy(world, deep)([]).arguments }
    const called = await strategies.cot.run({
      query: deep,
      openSession: () => scripted(() => call),
      openEpisode: () => world.open(deep),
      budget: { toolCalls: 1, modelCalls: null },
      temperature: 0,
      maxNewTokens: 64,
      maxContext: 512,
      trajectoryId: 't',
      now: () => (at += 5),
    })
    expect(called.nodes.find(({ role }) => role === 'tool')?.timing).toEqual({ tool_ms: 5 })
  })

  test('a budget below one is refused', async () => {
    await expect(run(deep, oraclePolicy(world, deep), { callBudget: 0 })).rejects.toThrow(/at least 1/)
  })

  describe('with several tries', () => {
    /** Gives up, or answers, as the try says; one call before each. */
    async function tried(ends: readonly string[], budget: { toolCalls: number; modelCalls: number | null }) {
      const keys: number[] = []
      const policy = textPolicy((context, { sample }) => {
        if (!keys.includes(sample)) keys.push(sample)
        return context.includes('<|tool|>') ? (ends[keys.indexOf(sample)] ?? '') : 'search(name="a")'
      })
      let opened = 0
      const record = await strategies.cot.run({
        ...{ query: deep, budget, temperature: 1, maxNewTokens: 48, maxContext: 512, trajectoryId: 't', settings: { tries: 3 } },
        openSession: () => policy.start(),
        openEpisode: () => {
          opened++
          return world.open(deep)
        },
      })
      expect(policy.open.size).toBe(0)
      return { record, opened, keys }
    }

    test('the first that ends with an answer is the last, right or wrong; the budget is that of all of them', async () => {
      const plenty = { toolCalls: 8, modelCalls: null }
      const { record, opened, keys } = await tried(['give_up()', 'finish(answer="wrong")', 'finish(answer="never asked")'], plenty)
      expect(opened).toBe(2)
      expect(new Set(keys).size).toBe(2)
      expect(record).toMatchObject({
        answer: 'wrong',
        status: 'unsolved',
        agent: { settings: { tries: 3 } },
        spent: { calls: 2, model_calls: 4 },
      })
      expect(stepsOf(record).map(({ parent, pruned, is_final }) => [parent, pruned, is_final])).toEqual([
        [null, true, false],
        [0, true, false],
        [null, false, false],
        [2, false, true],
      ])
      const never = await tried(['give_up()', 'give_up()', 'give_up()'], plenty)
      expect(never.record).toMatchObject({ answer: null, stop_condition: 'finish', spent: { model_calls: 6 } })
      const short = await tried(['give_up()', 'give_up()', 'give_up()'], { toolCalls: 8, modelCalls: 3 })
      expect(short.record).toMatchObject({ stop_condition: 'budget', spent: { model_calls: 3 } })
    })
  })
})

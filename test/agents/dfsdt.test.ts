/** DFSDT: the order of the search, its budgets and switches, and the tree that is recorded. */
import { describe, expect, test } from 'vitest'
import { compact } from '../../src/agents/callFormats/compact'
import { strategies } from '../../src/agents/strategies'
import { oraclePolicy } from '../../src/environments/starter/expert'
import { createStarterWorld } from '../../src/environments/starter/world'
import type { Episode, Query } from '../../src/environments/environment'
import type { ToolCall } from '../../src/records/trajectory'
import { chosenPath, pathsOf, stepsOf, trajectory } from '../../src/records/trajectory'
import { tokenizeTrajectory } from '../../src/training/batches/tokenizedTrajectory'
import { codec } from '../environments/starterFiles'
import { textPolicy } from './textPolicy'

const query: Query = { query_id: 'q', index: 0, text: 'find it', group: '', split: '', goldTools: [], entities: [] }

/** An environment whose tool `go` replies with the calls so far. The answer is right after the calls b, b. */
function world(canCopy = true) {
  const log = { opened: 0, calls: [] as string[], closed: 0 }
  const episode = (past: readonly string[]): Episode => {
    const done = [...past]
    return {
      query,
      tools: [],
      call(calls: readonly ToolCall[]) {
        const replies = calls.map((call) => {
          done.push(String(call.arguments.name))
          log.calls.push(done.join(''))
          const error = done.at(-1) === 'x' ? ('no-result' as const) : null
          return { text: `at ${done.join('')}`, error, truth: { succeeded: error === null, needed: false }, elapsedMs: null }
        })
        return Promise.resolve(replies)
      },
      finish: (answer) => {
        const isRight = answer !== null && done.join('') === 'bb'
        return Promise.resolve({ status: isRight ? 'solved' : 'unsolved', truth: { succeeded: isRight, needed: true } })
      },
      copy: () => (canCopy ? { ok: true, episode: episode(done) } : { ok: false, reason: 'its server keeps the state' }),
      close: () => {
        log.closed++
        return Promise.resolve()
      },
    }
  }
  const open = (): Promise<Episode> => {
    log.opened++
    return Promise.resolve(episode([]))
  }
  return { log, open }
}

/** Goes to `a` first and to `b` when it is told that something was tried; gives up at `aa`, `ab`, and `ba`; answers at `bb`. */
function searcher(context: string): string {
  const at = context.match(/at (\w+)<\|end\|>(?!.*at \w+<\|end\|>)/s)?.[1] ?? ''
  if (at === 'bb') return 'finish(answer="here")'
  if (at.length === 2) return 'give_up()'
  const last = context.slice(context.lastIndexOf('<|user|>'))
  return last.startsWith('<|user|>Tried') ? 'go(name="b")' : 'go(name="a")'
}

interface More {
  readonly settings?: Record<string, unknown>
  readonly toolCalls?: number
  readonly modelCalls?: number | null
  readonly maxContext?: number
  readonly maxNewTokens?: number
}

async function search(
  write: (context: string) => string,
  { settings, toolCalls = 50, modelCalls = null, ...limits }: More = {},
  place = world(),
) {
  const policy = textPolicy(write)
  const record = await strategies.dfsdt.run({
    query,
    openSession: () => policy.start(limits),
    openEpisode: place.open,
    budget: { toolCalls, modelCalls },
    ...(settings ? { settings } : {}),
    temperature: 0,
    maxNewTokens: 48,
    maxContext: 2048,
    trajectoryId: 't',
  })
  expect(trajectory.parse(record)).toEqual(record)
  expect(policy.open.size).toBe(0)
  return { record, policy, log: place.log }
}

const calledIn = (record: Awaited<ReturnType<typeof search>>['record']): string[] =>
  stepsOf(record).map(({ call, observation }) => (call?.name === 'go' ? (observation ?? '-') : (call?.name ?? '')))

describe('depth-first search', () => {
  test('goes back two turns from giving up, asks for another step, and ends with the first answer', async () => {
    const { record, log } = await search(searcher)
    // Giving up below aa goes back past aa: the next step is another one from a.
    expect(calledIn(record)).toEqual(['at a', 'at aa', 'give_up', 'at ab', 'give_up', 'at b', 'at ba', 'give_up', 'at bb', 'finish'])
    expect(record).toMatchObject({ status: 'solved', answer: 'here', stop_condition: 'finish' })
    expect(chosenPath(record).map(({ step }) => step.call?.arguments)).toEqual([{ name: 'b' }, { name: 'b' }, { answer: 'here' }])
    expect(stepsOf(record).filter(({ pruned }) => !pruned)).toHaveLength(3)
    expect(log).toMatchObject({ opened: 1 })
    expect(record.spent).toMatchObject({ calls: 6, model_calls: 10 })
  })

  test('the tokens of the chosen path are what its last turn read and wrote, whoever reads the diversity prompt', async () => {
    for (const diversity_seen_by of ['turn', 'subtree']) {
      const { record, policy } = await search(searcher, { settings: { diversity_seen_by } })
      const sequence = tokenizeTrajectory(
        record,
        stepsOf(record).map(() => 1),
        codec,
        {
          ...{ maxContextLen: 4096, maxResponseLen: 512, encoding: 'tokens' },
        },
      )
      const last = policy.asked.at(-1) ?? ''
      expect(codec.decode(sequence.ids)).toBe(`${last}finish(answer="here")<|end|>`)
      expect(last.includes('Tried')).toBe(diversity_seen_by === 'subtree')
      // Where a turn read other words than those after it, its log-probs are not known in their sequence.
      const known = sequence.ids.map((_, at) => !Number.isNaN(sequence.sampledLogp?.[at] ?? Number.NaN))
      const trained = sequence.stepOf.map((step) => (diversity_seen_by === 'subtree' ? step >= 0 : step === 2))
      expect(known).toEqual(trained)
    }
  })

  test('every path of the tree is recorded, with the words that each turn read', async () => {
    const { record, policy } = await search(searcher)
    expect(pathsOf(record).length).toBeGreaterThan(3)
    const steps = stepsOf(record)
    for (const [index, step] of steps.entries()) {
      expect(policy.asked[index]?.endsWith(step.prompt)).toBe(true)
      expect(step.tokens?.completion_ids).toEqual(codec.encode(step.completion))
    }
    // b was asked for with a named, in one line for each continuation, and what it led to.
    const [b] = steps.filter(({ call }) => call?.arguments.name === 'b').slice(-2)
    expect(b?.prompt).toContain('<|user|>Tried from here without success:\n- go({"name":"a"}) -> at a\n')
    expect(b?.later?.text).toBe(compact.start([], [{ role: 'user', content: 'find it' }]))
    const { nodes } = record.info?.search as { nodes: { step: number; depth: number; levels: number; end: string | null }[] }
    expect(nodes.map(({ step }) => step)).toEqual(steps.map((_, index) => index))
    expect(nodes.at(-1)).toMatchObject({ depth: 3, levels: 6, end: 'answer' })
  })

  test('model calls and tool calls of the whole tree are limited, and the last result is kept or thrown away', async () => {
    const kept = await search(searcher, { modelCalls: 9 })
    expect(kept.record).toMatchObject({
      stop_condition: 'finish',
      answer: null,
      status: 'unsolved',
      budgets: { model_calls: 9, calls: 50 },
    })
    expect(calledIn(kept.record)).toHaveLength(9)
    expect(kept.record.spent.model_calls).toBe(9)
    const discarded = await search(searcher, { modelCalls: 10, settings: { last_result: 'discard' } })
    expect(calledIn(discarded.record)).toHaveLength(9)
    expect(discarded.record).toMatchObject({ answer: null, spent: { model_calls: 10 } })
    expect(discarded.policy.asked).toHaveLength(10)
    const tools = await search(searcher, { toolCalls: 3 })
    expect(tools.log.calls).toEqual(['a', 'aa', 'ab'])
    expect(calledIn(tools.record).at(-1)).toBe('-')
    expect(tools.record).toMatchObject({ spent: { calls: 3 }, budgets: { calls: 3, model_calls: 30 } })
  })

  test('a path is given up at its depth, in calls or in nodes, and the search goes back one turn', async () => {
    const { record } = await search(() => 'go(name="a")', { settings: { depth: 2 } })
    expect(calledIn(record)).toEqual(['at a', 'at aa', 'at aa', 'at a', 'at aa', 'at aa'])
    expect(record).toMatchObject({ stop_condition: 'budget', answer: null, status: 'unsolved' })
    const nodes = await search(() => 'go(name="a")', { settings: { depth: 3, depth_unit: 'nodes' } })
    // An action and its input are two levels, so that the second turn is too deep.
    expect(calledIn(nodes.record)).toEqual(calledIn(record))
    expect(nodes.record.info?.search).toMatchObject({ nodes: [{ depth: 1, levels: 2 }, { depth: 2, levels: 4 }, {}, {}, {}, {}] })
  })

  test('going back as far as a setting says', async () => {
    const far = await search(searcher, { settings: { give_up_back_up: 3 } })
    expect(calledIn(far.record)).toEqual(['at a', 'at aa', 'give_up', 'at b', 'at ba', 'give_up'])
    const near = await search(searcher, { settings: { give_up_back_up: 1 } })
    expect(calledIn(near.record).slice(0, 5)).toEqual(['at a', 'at aa', 'give_up', 'give_up', 'at ab'])
    const two = await search(searcher, { settings: { answers: 2, beam: 2 } })
    expect(two.record.answer).toBe('here')
    expect(calledIn(two.record).filter((name) => name === 'finish')).toHaveLength(1)
  })

  test('where an episode cannot be copied, its calls are made again, and the record says so', async () => {
    const { record, log } = await search(searcher, {}, world(false))
    const plain = await search(searcher)
    expect(calledIn(record)).toEqual(calledIn(plain.record))
    expect(record.status).toBe('solved')
    const { episodes } = record.info?.search as { episodes: Record<string, unknown> }
    expect(episodes).toMatchObject({ copied: 0, changedReplies: 0, reason: 'its server keeps the state' })
    expect(log.opened).toBe(1 + Number(episodes.reopened))
    expect(log.closed).toBe(log.opened)
    expect(log.calls).toHaveLength(6 + Number(episodes.repeatedCalls))
    // Calls that are made again are no calls of the agent.
    expect(record.spent.calls).toBe(6)
  })

  test('with ranking all continuations are written first, and the one that the model prefers in both orders is followed first', async () => {
    const { record, policy } = await search(
      (context) => {
        if (!context.includes('Candidate A')) return searcher(context)
        // Prefers b, whichever place it has.
        return /Candidate A goes on with:\n- go\(\{"name":"b"\}\)/.test(context) ? 'A' : 'B'
      },
      { settings: { ranking: true } },
    )
    const asked = policy.asked.filter((context) => context.includes('Which candidate'))
    expect(calledIn(record)).toEqual(['at a', 'at b', 'at ba', 'at bb', 'finish', 'finish'])
    expect(record).toMatchObject({ status: 'solved', spent: { model_calls: 6 + asked.length } })
    expect(asked).toHaveLength(6)
    expect(record.spent.sampled_tokens).toBeGreaterThan(
      stepsOf(record).reduce((sum, { tokens }) => sum + (tokens?.completion_ids.length ?? 0), 0),
    )
  })

  test('a turn that is cut short and a conversation that is full are ends of paths', async () => {
    const cut = await search(() => 'go(name="a")', { maxNewTokens: 2, settings: { depth: 3 } })
    expect(stepsOf(cut.record).map(({ is_truncated, observation }) => ({ is_truncated, observation }))).toEqual([
      { is_truncated: true, observation: null },
      { is_truncated: true, observation: null },
    ])
    expect(cut.record).toMatchObject({ stop_condition: 'length', status: 'unsolved' })
    const full = await search(() => 'go(name="a")', { maxContext: 60, settings: { depth: 50 } })
    expect(full.record).toMatchObject({ stop_condition: 'length', status: 'unsolved' })
    expect(stepsOf(full.record).length).toBeGreaterThan(2)
    expect(stepsOf(full.record).filter(({ is_final }) => is_final)).toHaveLength(1)
  })

  test('an environment that fails ends the search with what was recorded', async () => {
    const place = world()
    const open = async (): Promise<Episode> => {
      const { EnvironmentError } = await import('../../src/environments/environment')
      const episode = await place.open()
      const call: Episode['call'] = () => Promise.reject(new EnvironmentError('unavailable', 'it is gone'))
      return { ...episode, copy: () => ({ ok: true, episode: { ...episode, call } }) }
    }
    const { record } = await search(searcher, {}, { ...place, open })
    expect(record).toMatchObject({ stop_condition: 'error', errors: [{ type: 'environment/unavailable', message: 'it is gone' }] })
    expect(stepsOf(record)).toMatchObject([{ is_final: true }])
  })

  test('a bad setting is refused with its name', async () => {
    await expect(search(searcher, { settings: { beam: 0 } })).rejects.toThrow('beam')
  })
})

describe('copies of starter episodes', () => {
  test('in every state of the expert’s path, with quotas spent and facts seen, behave as the episode and as one that made the same calls', async () => {
    const starter = createStarterWorld()
    let states = 0
    for (const asked of starter.queries('exam').slice(0, 60)) {
      const script = oraclePolicy(starter, asked)
      const episode = await starter.open(asked)
      const observations: string[] = []
      const made: ToolCall[] = []
      for (let move = script(observations); typeof move !== 'string' && move.name !== 'finish'; move = script(observations)) {
        const copy = episode.copy()
        const replayed = await starter.open(asked)
        for (const call of made) await replayed.call([call])
        if (!copy.ok) throw new Error(copy.reason)
        const [expected, again, own] = [
          await copy.episode.call([move, move]),
          await replayed.call([move, move]),
          await episode.call([move]),
        ]
        expect(again).toEqual(expected)
        expect(own).toEqual(expected.slice(0, 1))
        made.push(move)
        observations.push(own[0]?.text ?? '')
        states++
      }
    }
    expect(states).toBeGreaterThan(100)
  })
})

import { describe, expect, it } from 'vitest'
import type { ChatModel } from '../../src/agents/chatModel'
import { createOpenaiChat } from '../../src/agents/openaiChat'
import {
  judgeTrajectories,
  planJudge,
  testJudge,
  type JudgeModel,
  type JudgeOutcome,
  type JudgeParts,
  type JudgeProgress,
} from '../../src/annotation/judge'
import { readMarks } from '../../src/annotation/judgeMarks'
import { defaultJudgePrompt, judgeTool, promptHash, renderJudgePrompt } from '../../src/annotation/judgePrompt'
import { resolveRewards } from '../../src/annotation/resolver'
import { opinion, type Opinion } from '../../src/records/annotation'
import { chain, parts } from './builders'

type Reply = Awaited<ReturnType<JudgeModel['complete']>>
type Request = Parameters<JudgeModel['complete']>[0]

const called = (args: unknown, name: string = judgeTool.name): Reply => ({
  ok: true,
  value: { text: '', finishReason: 'stop', toolCalls: [{ name, arguments: typeof args === 'string' ? args : JSON.stringify(args) }] },
})
const marks = (success: unknown, contribution: unknown, status: unknown = 'Solved'): unknown => ({
  succeed_tool_calling: success,
  contribution_to_final_answer: contribution,
  final_answer_status: status,
})
const prose: Reply = { ok: true, value: { text: 'I would say it went well.', finishReason: 'stop', toolCalls: [] } }

function judgeWith(replies: readonly Reply[], stored: readonly Opinion[] = []) {
  const asked: Request[] = []
  const saved: Opinion[] = []
  const progress: JudgeProgress[] = []
  const chat: JudgeModel = {
    model: 'judge-1',
    complete(request) {
      asked.push(request)
      const reply = replies[Math.min(asked.length, replies.length) - 1]
      return reply ? Promise.resolve(reply) : Promise.reject(new Error('no reply'))
    },
  }
  const made: JudgeParts = {
    ...parts(),
    chat,
    stored: (id) => stored.filter((row) => row.trajectory_id === id),
    save: (rows) => Promise.resolve(void saved.push(...rows)),
    onProgress: (each) => progress.push(each),
  }
  return { asked, saved, progress, chat, made }
}

const two = chain(['{"error": "", "response": "7 km"}', 'x'])
const run = (
  replies: readonly Reply[],
  repeats = 1,
  stored: readonly Opinion[] = [],
): { outcome: Promise<JudgeOutcome> } & ReturnType<typeof judgeWith> => {
  const judge = judgeWith(replies, stored)
  return { ...judge, outcome: judgeTrajectories([two], { repeats, temperature: 0 }, judge.made) }
}

describe('judging', () => {
  it('asks K times by a forced tool call and keeps every mark as a row', async () => {
    const { outcome, asked, saved, progress } = run(
      [called(marks([1, 0], [5, 0])), called(marks([1, 1], [4, 1], 'Unsure')), called(marks([1, 0], [5, 0]))],
      3,
    )
    const { opinions, failures, stopped, calls } = await outcome
    expect([failures, stopped, calls]).toEqual([[], null, 3])
    expect(saved).toEqual(opinions)
    expect(opinions).toHaveLength(15)
    for (const row of opinions) expect(() => opinion.parse(row)).not.toThrow()
    expect(opinions[5]).toMatchObject({
      step: 0,
      name: 'success',
      value: 1,
      repeat: 1,
      annotator_kind: 'LLM',
      annotator_id: 'judge-1',
      prompt_hash: promptHash(defaultJudgePrompt),
    })
    const rewards = resolveRewards(two, opinions).map(({ value }) => value)
    expect(rewards[0]).toBeCloseTo((1 + 14 / 15) / 2, 12)
    expect(rewards[1]).toBeCloseTo((1 / 3 + 1 / 15) / 2, 12)
    expect(rewards[2]).toBeCloseTo(5 / 6, 12)
    expect(asked[0]).toMatchObject({ forcedTool: 'evaluate_process_reward', temperature: 0, tools: [judgeTool] })
    expect(progress.at(-1)).toEqual({ done: 3, total: 3 })
  })

  it('does not ask again for repeats it has, and does when the prompt changes', async () => {
    const first = await run([called(marks([1, 0], [5, 0]))], 2).outcome
    const again = run([called(marks([0, 0], [0, 0]))], 3, first.opinions)
    expect((await again.outcome).opinions.map(({ repeat }) => repeat)).toEqual([2, 2, 2, 2, 2])
    expect(again.progress.at(-1)).toEqual({ done: 3, total: 3 })
    const other = judgeWith([called(marks([0, 0], [0, 0]))], first.opinions)
    const outcome = await judgeTrajectories(
      [two],
      { repeats: 2, temperature: 0, prompt: { ...defaultJudgePrompt, system: '' } },
      other.made,
    )
    expect(outcome.calls).toBe(2)
    expect(other.asked[0]?.messages.map(({ role }) => role)).toEqual(['user'])
  })

  it('asks about the status only when there is no intermediate step', async () => {
    const judge = judgeWith([called(marks([], [], 'Unsolved'))])
    const { opinions } = await judgeTrajectories([chain([])], { repeats: 1, temperature: 0 }, judge.made)
    expect(opinions.map(({ step, name, value }) => [step, name, value])).toEqual([[0, 'status', 0]])
  })

  it.each<[string, Reply, string, RegExp]>([
    ['prose', prose, 'prose', /^judge-1 answered in words instead of calling evaluate_process_reward: "I would say it went well\."\./],
    ['another tool', called({}, 'search'), 'wrong-tool', /called "search" instead of evaluate_process_reward/],
    ['no JSON', called('}{'), 'unreadable', /gave marks that cannot be read/],
    ['a missing field', called({ succeed_tool_calling: [1, 1] }), 'unreadable', /contribution_to_final_answer: Invalid input/],
    ['a word for a number', called(marks(['yes', 1], [1, 1])), 'unreadable', /succeed_tool_calling\.0/],
    ['another status', called(marks([1, 1], [1, 1], 'Maybe')), 'unreadable', /final_answer_status/],
    [
      'too few marks',
      called(marks([1], [1, 2])),
      'wrong-length',
      /^The trajectory has 2 intermediate steps, but judge-1 gave 1 success and 2 contribution marks\.$/,
    ],
    ['too many marks', called(marks([1, 1], [1, 2, 3])), 'wrong-length', /gave 2 success and 3 contribution marks/],
    ['a success of 0.5', called(marks([1, 0.5], [1, 2])), 'out-of-range', /gave step 2 a success of 0\.5; it must be 0 or 1/],
    ['a contribution of 7', called(marks([1, 1], [7, 2])), 'out-of-range', /gave step 1 a contribution of 7; it must be 0 to 5/],
    ['a server error', { ok: false, code: 'server', message: 'x failed (500).' }, 'server', /^x failed \(500\)\.$/],
  ])('%s: a failure for its repeat, the other repeats are kept', async (_, bad, code, message) => {
    const { outcome } = run([called(marks([1, 0], [5, 0])), bad, called(marks([1, 0], [5, 0]))], 3)
    const { opinions, failures, stopped } = await outcome
    expect(stopped).toBeNull()
    expect(failures).toMatchObject([{ trajectory_id: 't-1', repeat: 1, code }])
    expect(failures[0]?.message).toMatch(message)
    expect(opinions.map(({ repeat }) => repeat)).toEqual([0, 0, 0, 0, 0, 2, 2, 2, 2, 2])
  })

  it('an answer cut off by the token limit', () => {
    expect(
      readMarks({ text: '', finishReason: 'length', toolCalls: [{ name: judgeTool.name, arguments: '{"succ' }] }, 2, 'm', 50),
    ).toMatchObject({ code: 'cut-off' })
  })

  it('repairs broken JSON and says so on the rows', async () => {
    const { opinions } = await run([called(`${JSON.stringify(marks([1, 0], [5, 0])).slice(0, -1)},}`)]).outcome
    expect(opinions).toHaveLength(5)
    expect(opinions[0]?.rationale).toBe('The judge wrote broken JSON; it was repaired.')
  })

  it.each(['unauthorised', 'network', 'rate-limited', 'aborted'])('%s stops everything and keeps what was judged', async (code) => {
    const judge = judgeWith([called(marks([1, 0], [5, 0])), { ok: false, code, message: 'A sentence.' }])
    const outcome = await judgeTrajectories(
      [two, { ...two, trajectory_id: 't-2' }, { ...two, trajectory_id: 't-3' }],
      { repeats: 1, temperature: 0 },
      judge.made,
    )
    expect(outcome.stopped).toEqual({ code, message: 'A sentence.' })
    expect(outcome.opinions).toHaveLength(5)
    expect(judge.asked).toHaveLength(2)
  })

  it('judges several at a time when asked to', async () => {
    const judge = judgeWith([called(marks([1, 0], [5, 0]))])
    const many = Array.from({ length: 7 }, (_, index) => ({ ...two, trajectory_id: `t-${String(index)}` }))
    const { opinions, calls } = await judgeTrajectories(many, { repeats: 2, temperature: 0, concurrency: 3 }, judge.made)
    expect(calls).toBe(14)
    expect(new Set(opinions.map(({ trajectory_id, repeat }) => `${trajectory_id} ${String(repeat)}`)).size).toBe(14)
  })
})

describe('prompts', () => {
  it('hold the query, each call with its reply and the ending', () => {
    const { user } = renderJudgePrompt(defaultJudgePrompt, two)
    expect(user).toContain('How far is Tolvik?')
    expect(user).toContain('1. {"name":"tool_0","arguments":"{\\"n\\": 0}","response":"{\\"error\\": \\"\\", \\"response\\": \\"7 km\\"}"}')
    expect(user).toContain('Finish: {"final_answer": "It is 7 km to Tolvik."}')
    expect(user).toContain('exactly 2 numbers in each list')
  })

  it('take StepTool’s places and doubled braces, and put nothing in twice', () => {
    const tricky = chain(['{steps} {{'], { task: { query_id: 'q-1', query: '{answer}', split: '', tools: [] } })
    const pack = { id: 'p', system: '', user: '{{"q": "{query}"}}\n{mid_steps}\n{final_answer}' }
    expect(renderJudgePrompt(pack, tricky).user).toBe(
      String.raw`{"q": "{answer}"}` +
        '\n' +
        String.raw`['Step 1: {\'name\': \'tool_0\', \'arguments\': \'{"n": 0}\', \'response\': \'{steps} {{\'}']` +
        '\n{"final_answer": "It is 7 km to Tolvik."}',
    )
  })

  it('refuse a place nobody fills', () => {
    expect(() => renderJudgePrompt({ id: 'p', system: '', user: '{quest}' }, two)).toThrow(
      'The judge prompt p has a place {quest} that Hone cannot fill. Known: query, count, steps, answer, mid_steps, final_answer.',
    )
  })

  it('have another hash when a word changes', () => {
    expect(promptHash({ ...defaultJudgePrompt, user: `${defaultJudgePrompt.user} ` })).not.toBe(promptHash(defaultJudgePrompt))
    expect(promptHash(defaultJudgePrompt)).toMatch(/^[0-9a-f]{64}$/)
  })
})

describe('before anything is sent', () => {
  it('planJudge counts calls and tokens', () => {
    const plan = planJudge([two, two], { repeats: 3, host: 'judge.example' })
    expect(plan).toMatchObject({ calls: 6, host: 'judge.example', trajectories: 2 })
    const one = planJudge([two], { repeats: 1, host: '' }).promptTokensEstimate
    expect(one).toBeGreaterThan(300)
    expect(Math.abs(plan.promptTokensEstimate - 6 * one)).toBeLessThanOrEqual(6)
  })

  it('testJudge says whether the model can judge', async () => {
    expect(await testJudge(judgeWith([called(marks([1], [5]))]).chat, { temperature: 0 })).toEqual({
      ok: true,
      value: 'judge-1 answered through evaluate_process_reward and can judge.',
    })
    expect(await testJudge(judgeWith([prose]).chat, { temperature: 0 })).toMatchObject({ ok: false, code: 'prose' })
  })
})

it('works with the chat client: the key is in the header and nowhere else', async () => {
  const key = 'sk-very-secret-key-123'
  const requests: string[] = []
  const chat: ChatModel = createOpenaiChat({
    baseUrl: 'http://localhost:8000',
    model: 'judge-1',
    apiKey: key,
    fetch: (_, init) => {
      requests.push(typeof init?.body === 'string' ? init.body : '')
      const message = {
        content: null,
        tool_calls: [{ id: '1', function: { name: judgeTool.name, arguments: JSON.stringify(marks([1, 0], [5, 0])) } }],
      }
      return Promise.resolve(
        requests.length === 1
          ? Response.json({ choices: [{ message, finish_reason: 'tool_calls' }] })
          : Response.json({ error: { message: `bad key ${key}` } }, { status: 401 }),
      )
    },
    sleep: () => Promise.resolve(),
    now: () => 0,
  })
  const { made } = judgeWith([])
  const outcome = await judgeTrajectories([two], { repeats: 2, temperature: 0 }, { ...made, chat })
  expect(outcome.opinions).toHaveLength(5)
  expect(outcome.stopped).toMatchObject({ code: 'unauthorised' })
  expect(JSON.stringify([outcome, requests])).not.toContain('secret')
})

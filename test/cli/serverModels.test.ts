/** A server's model acts in a world: each dialect drives a rollout of 50 queries, and no attempt is lost. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { evaluate } from '../../src/cli/commands/evaluate'
import { rollout } from '../../src/cli/commands/rollout'
import { stepsOf, trajectory, type Trajectory } from '../../src/records/trajectory'
import {
  llamaDialect,
  openaiDialect,
  startAgentServer,
  streamDialect,
  vllmDialect,
  type AgentDialect,
  type AgentServer,
} from '../support/agentServer'
import { run, temporaryDirectory, testContext } from './commandContext'

const AT_ONCE = 8
const QUERIES = 50
let server: AgentServer | null = null
afterEach(() => server?.close())

async function rolledOut(dialect: AgentDialect, more: readonly string[] = []) {
  server = await startAgentServer(dialect)
  const out = join(temporaryDirectory(), 'rollout')
  const words = [
    '--model',
    'expert',
    '--server',
    server.url,
    '--concurrency',
    String(AT_ONCE),
    '--limit',
    String(QUERIES),
    '--out',
    out,
    ...more,
  ]
  const { context } = testContext({ fetch: (url, init) => fetch(url, init) })
  const result = await run(rollout, words, context)
  const lines = readFileSync(join(out, 'trajectories.jsonl'), 'utf8').trimEnd().split('\n')
  const trajectories = lines.map((line): Trajectory =>
    trajectory.parse((JSON.parse(line) as { trajectory?: unknown }).trajectory ?? JSON.parse(line)),
  )
  return { result, trajectories }
}

describe('a server at concurrency 8 drives a rollout of 50 queries without a lost row', () => {
  it.each<[string, AgentDialect, string[]]>([
    ['OpenAI', openaiDialect, []],
    ['vLLM: flat errors and detail, a broken engine under 400, reasoning apart', vllmDialect(), []],
    ['llama.cpp: arguments as objects, content in parts, errors under 200, max_tokens refused', llamaDialect, []],
    ['a stream in pieces', streamDialect, ['--stream']],
  ])('%s', async (_, dialect, more) => {
    const { result, trajectories } = await rolledOut(dialect, more)
    expect(result).toMatchObject({ trajectories: QUERIES, passed: QUERIES, passRate: 1 })
    expect(new Set(trajectories.map(({ task }) => task.query_id)).size).toBe(QUERIES)
    for (const { stop_condition, errors, answer, agent } of trajectories) {
      expect([stop_condition, errors, agent.model]).toEqual(['finish', [], 'expert'])
      expect(answer).not.toBe('')
    }
    expect(server?.together()).toBeGreaterThan(AT_ONCE / 2)
    expect(server?.together()).toBeLessThanOrEqual(AT_ONCE)
  })
})

it('token ids and log-probabilities come from vLLM, each id once, in the order of the conversation', async () => {
  const { trajectories } = await rolledOut(vllmDialect(), ['--server-tokens'])
  for (const record of trajectories) {
    const steps = stepsOf(record)
    for (const { tokens } of steps) {
      expect(tokens?.completion_ids.length).toBeGreaterThan(0)
      expect(tokens?.completion_logprobs).toEqual(tokens?.completion_ids.map(() => -0.25))
    }
    const text = String.fromCodePoint(...steps.flatMap(({ tokens }) => [...(tokens?.prompt_ids ?? []), ...(tokens?.completion_ids ?? [])]))
    expect(text.startsWith(`<user>${record.task.query}`)).toBe(true)
    expect(text.split('<tool_call>').length).toBe(steps.length)
    expect(text.split('<tool>').length).toBe(steps.length)
  }
})

describe('what ends the command', () => {
  it.each<[string, AgentDialect, string[], RegExp]>([
    ['no token ids where training needs them', openaiDialect, ['--server-tokens'], /does not give token ids and log-probabilities.*vLLM/],
    ['a refused key', () => ({ status: 401, body: { error: { message: 'No such key.' } } }), [], /refused the key \(401\).*No such key/],
    [
      'a model that is not there',
      () => ({ status: 404, body: { detail: 'no model expert' } }),
      [],
      /knows no model expert.*no model expert/,
    ],
  ])('%s', async (_, dialect, more, sentence) => {
    await expect(rolledOut(dialect, more)).rejects.toThrow(sentence)
    expect(server?.count()).toBeLessThan(3 * AT_ONCE)
  })
})

it('an attempt that the server refuses for itself is recorded with the server’s sentence, and the others go on', async () => {
  let refused = ''
  const { trajectories, result } = await rolledOut((move, request, time) => {
    refused ||= request.messages[0]?.content ?? ''
    return request.messages[0]?.content === refused
      ? { status: 400, body: { detail: 'This prompt was blocked.' } }
      : openaiDialect(move, request, time)
  })
  expect(result).toMatchObject({ trajectories: QUERIES, passed: QUERIES - 1 })
  const blocked = trajectories.filter(({ errors }) => errors.length > 0)
  expect(blocked).toHaveLength(1)
  expect(blocked[0]?.errors[0]?.message).toContain('This prompt was blocked.')
  expect(blocked[0]).toMatchObject({
    stop_condition: 'error',
    errors: [{ type: 'agent/bad-request' }],
  })
})

it('a conversation that does not fit the model’s context ends as too long', async () => {
  const { trajectories } = await rolledOut((move, request, time) =>
    request.messages.length > 2
      ? { status: 400, body: { error: { message: "This model's maximum context length is 64 tokens. However, you requested 90 tokens." } } }
      : openaiDialect(move, request, time),
  )
  expect(trajectories.filter(({ stop_condition }) => stop_condition === 'length').length).toBeGreaterThan(QUERIES / 2)
})

it('an exam states the server’s model, and says what the answers cost', async () => {
  server = await startAgentServer(openaiDialect)
  const { context } = testContext({ fetch: (url, init) => fetch(url, init) })
  const words = [
    '--model',
    'expert',
    '--server',
    server.url,
    '--limit',
    '12',
    '--price',
    '1,2',
    '--out',
    join(temporaryDirectory(), 'exam'),
  ]
  const result = await run(evaluate, words, context)
  expect(result).toMatchObject({ n: 12, passRate: 1, strategy: 'cot' })
  const requests = server.count()
  const cost = ((100 * requests + 20 * requests) / 1e6).toFixed(4)
  const sentence = `answered ${requests} requests: it read ${100 * requests} tokens and wrote ${10 * requests}. At the prices given, that costs ${cost}.`
  expect(result.notes).toEqual([expect.stringContaining(sentence)])
})

it('a server that answers no attempt ends the command with its sentence', async () => {
  await expect(rolledOut(() => ({ status: 400, body: { detail: 'This model is being retired.' } }))).rejects.toThrow(
    'This model is being retired.',
  )
})

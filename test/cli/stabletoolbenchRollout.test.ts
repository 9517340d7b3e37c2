/** A server's model acts in StableToolBench's APIs out of a folder, and its attempts go out as StepTool's answer files. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { exportFiles } from '../../src/cli/commands/export'
import { rollout } from '../../src/cli/commands/rollout'
import { benchFiles } from '../environments/stabletoolbenchFiles'
import { run, temporaryDirectory, testContext } from './commandContext'

const folder = temporaryDirectory()
let server: Server
let address = ''

/** An agent: it asks for the weather with arguments in another order than the cache has them, then for what a model plays, then it answers. */
const TURNS = [
  [{ name: 'current_weather_for_sky_watch', arguments: '{"units": "C", "city": "Bergen"}' }],
  [
    { name: 'stations_for_sky_watch', arguments: '{"near": "Oslo"}' },
    { name: 'no_such_tool', arguments: '{}' },
  ],
] as const

beforeAll(async () => {
  for (const [path, text] of Object.entries(benchFiles)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      const { model, messages } = JSON.parse(body) as { model: string; messages: { role: string }[] }
      const calls = model === 'player' ? undefined : TURNS[messages.filter(({ role }) => role === 'assistant').length]
      const content = model === 'player' ? '{"error": "", "response": ["Blindern"]}' : 'It is 7 degrees; Blindern is near.'
      const message = calls
        ? { role: 'assistant', content: 'I look.', tool_calls: calls.map((one, at) => ({ id: `c${at}`, type: 'function', function: one })) }
        : { role: 'assistant', content }
      response.setHeader('content-type', 'application/json')
      response.end(
        JSON.stringify({
          choices: [{ message, finish_reason: calls ? 'tool_calls' : 'stop' }],
          usage: { prompt_tokens: 1, completion_tokens: 1 },
        }),
      )
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const place = server.address()
  address = `http://127.0.0.1:${typeof place === 'object' && place ? place.port : 0}/v1`
})

afterAll(() => {
  server.closeAllConnections()
  server.close()
})

test('a rollout replies from the cache and from a model, and is exported with its calls and observations', async () => {
  const { context } = testContext({ fetch: (url, init) => fetch(url, init) })
  const out = join(folder, 'rollout')
  const world = ['--benchmark', 'stabletoolbench', '--benchmark-data', folder, '--simulator', address, '--simulator-model', 'player']
  const result = await run(rollout, ['--model', 'agent', '--server', address, ...world, '--split', 'I1-instruction', '--out', out], context)
  expect(result).toMatchObject({ trajectories: 1, steps: 3 })
  const answers = join(folder, 'answers')
  const words = ['--to', 'steptool-answers', join(out, 'trajectories.jsonl'), '--out', answers, '--set', 'G1_instruction']
  expect(await run(exportFiles, words, context)).toMatchObject({ files: [join(answers, 'G1_instruction/7_CoT@1.json')], skipped: [] })
  const { trys, answer_generation } = JSON.parse(readFileSync(join(answers, 'G1_instruction/7_CoT@1.json'), 'utf8')) as {
    trys: { chain: { node_type: string; description: string; observation?: string; observation_code?: number }[] }[]
    answer_generation: { valid_data: boolean; final_answer: string; function: { function: { name: string } }[] }
  }
  const inputs = trys[0]?.chain.filter(({ node_type }) => node_type === 'Action Input') ?? []
  expect(inputs.map(({ description, observation, observation_code }) => [description, observation, observation_code])).toEqual([
    ['{"units": "C", "city": "Bergen"}', '{"error": "", "response": {"temperature": 7}}', 0],
    ['{"near": "Oslo"}', '{"error": "", "response": ["Blindern"]}', 0],
    ['{}', '{"error": "No such function name: no_such_tool", "response": ""}', 1],
    [
      '{"return_type": "give_answer", "final_answer": "It is 7 degrees; Blindern is near."}',
      '{"response":"successfully giving the final answer."}',
      3,
    ],
  ])
  expect(answer_generation).toMatchObject({ valid_data: true })
  expect(answer_generation.function.map((one) => one.function.name)).toEqual([
    'current_weather_for_sky_watch',
    'stations_for_sky_watch',
    'Finish',
  ])
})

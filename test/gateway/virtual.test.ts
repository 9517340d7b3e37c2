/** `hone serve --tools --cache`: the reference systems' client works against `/virtual` unchanged, in Node and with Python's standard library. */
import { spawn, spawnSync } from 'node:child_process'
import { createServer, type Server } from 'node:http'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serve } from '../../src/cli/commands/serve'
import { createGateway } from '../../src/gateway/app'
import { run, temporaryDirectory, testContext } from '../cli/commandContext'
import { benchFiles } from '../environments/stabletoolbenchFiles'

const folder = temporaryDirectory()
for (const [path, text] of Object.entries(benchFiles)) {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), text)
}
const saved = join(folder, 'saved')
const stop = new AbortController()
let address = ''
let running: Promise<unknown> = Promise.resolve()
const said: string[] = []
/** A model server that answers slowly, in prose, or as an API, by the city that it is asked about. */
let model: Server

beforeAll(async () => {
  model = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      if (body.includes('Lagos')) return
      const content = body.includes('Tromso') ? 'It rains.' : '{"error": "", "response": "sunny"}'
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ choices: [{ message: { role: 'assistant', content }, finish_reason: 'stop' }] }))
    })
  })
  await new Promise<void>((resolve) => model.listen(0, '127.0.0.1', resolve))
  const place = model.address()
  const simulator = `http://127.0.0.1:${typeof place === 'object' && place ? place.port : 0}/v1`
  writeFileSync(
    join(folder, 'config.yml'),
    `api_key: sk-in-a-file\nmodel: player\napi_base: ${simulator}\ntools_folder: ./server/tools\nport: 8081\n`,
  )
  const { context } = testContext({ signal: stop.signal, fetch, progress: (line) => void said.push(line) })
  const words = [
    '--port',
    '0',
    '--config',
    join(folder, 'config.yml'),
    '--cache',
    join(folder, 'server/tool_response_cache'),
    '--save',
    saved,
  ]
  running = run(serve, [...words, '--tool-settings', '{"timeout_s": 0.5}'], context)
  for (let tries = 0; address === '' && tries < 200; tries++) {
    address = /at (http:\S+\/virtual)/.exec(said.join('\n'))?.[1] ?? ''
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
})

afterAll(async () => {
  stop.abort()
  await running
  model.closeAllConnections()
  model.close()
})

const base = { category: 'Weather', tool_name: 'sky_watch', api_name: 'current_weather', strip: 'truncate', toolbench_key: 'anything' }
/** What StepTool's environment posts, and the replies that StableToolBench documents. */
const exchanges: readonly (readonly [title: string, body: object, status: number, reply: unknown])[] = [
  ['hit', { ...base, tool_input: '{"city": "Oslo"}' }, 200, { error: '', response: { temperature: 4.5 } }],
  ['miss that a model plays', { ...base, tool_input: '{"city": "Quito"}' }, 200, { error: '', response: 'sunny' }],
  [
    'miss that a model answers in prose',
    { ...base, tool_input: '{"city": "Tromso"}' },
    200,
    { error: 'Failed to generate fake response', response: '' },
  ],
  ['bad input', { ...base, tool_input: '{"city": ' }, 200, { error: 'Tool input parse error...\n', response: '' }],
  ['unknown API', { ...base, api_name: 'no_such', tool_input: '{}' }, 200, { error: '', response: 'sunny' }],
  ['time-out', { ...base, tool_input: '{"city": "Lagos"}' }, 200, { error: 'Timeout error...', response: '' }],
  ['a question to the user', { ...base, api_name: 'chat_with_user', tool_input: '{}' }, 200, { error: '', response: 'Chat with user.' }],
]

describe('hone serve with tools', () => {
  it.each(exchanges)('replies to a %s', async (_, body, status, reply) => {
    const response = await fetch(address, {
      method: 'POST',
      headers: { 'content-type': 'application/json', toolbench_key: 'anything' },
      body: JSON.stringify(body),
    })
    expect([response.status, await response.json()]).toEqual([status, reply])
  })

  const python = spawnSync('python3', ['--version']).status === 0
  it.skipIf(!python)(
    `replies the same to Python's standard library${python ? '' : ' (skipped: there is no python3)'}`,
    async () => {
      const script = `
import json, sys, urllib.request
out = []
for body in json.load(sys.stdin):
    request = urllib.request.Request(sys.argv[1], data=json.dumps(body).encode(), headers={"Content-Type": "application/json", "toolbench_key": "anything"})
    with urllib.request.urlopen(request) as response:
        out.append([response.status, json.loads(response.read())])
print(json.dumps(out))`
      const child = spawn('python3', ['-c', script, address], { env: { ...process.env, no_proxy: '*' } })
      let [text, failed] = ['', '']
      child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
      child.stderr.on('data', (chunk: Buffer) => (failed += chunk.toString()))
      child.stdin.end(JSON.stringify(exchanges.map(([, body]) => body)))
      await new Promise((resolve) => child.on('close', resolve))
      expect(failed).toBe('')
      expect(JSON.parse(text)).toEqual(exchanges.map(([, , status, reply]) => [status, reply]))
    },
    20_000,
  )

  it('says which fields of the configuration it uses, and shows no key', () => {
    expect(said.join('\n')).toMatch(
      /config\.yml, api_key: refused\. A key does not belong into this file\. Take it out, and set the environment variable OPENAI_API_KEY/,
    )
    expect(said.join('\n')).toMatch(/config\.yml, port: not needed\. hone serve listens on the port that --port names\./)
    expect(said.join('\n')).not.toContain('sk-in-a-file')
  })

  it('stores new replies beside the cache, in its format', () => {
    const file = readFileSync(join(saved, 'Weather/sky_watch_for_Weather/current_weather.json'), 'utf8')
    expect(JSON.parse(file)).toEqual({ "{'city': 'Quito'}": { error: '', response: 'sunny', is_fake: true } })
  })

  it('lets no page of another origin ask, and asks for JSON', async () => {
    const ask = async (headers: Record<string, string>) => (await fetch(address, { method: 'POST', headers, body: '{}' })).status
    expect(await ask({ 'content-type': 'application/json', origin: 'https://evil.example' })).toBe(403)
    expect(await ask({ 'content-type': 'text/plain' })).toBe(415)
    expect(await ask({ 'content-type': 'application/json' })).toBe(422)
  })
})

describe('hone serve without tools', () => {
  it('has no /virtual', async () => {
    const app = createGateway({
      ...{ token: 't', siteDirectory: null, upstream: null, wandb: null, allowedOrigins: [], fetch, sleep: () => Promise.resolve() },
    })
    const response = await app.request('http://localhost:1/virtual', { method: 'POST', headers: { host: 'localhost:1' }, body: '{}' })
    expect(response.status).toBe(404)
  })

  it.each([
    [['--simulator', 'http://localhost:1/v1'], 'The tool server needs --tools or --cache.'],
    [['--tools', '/no/such'], 'There is no file or folder /no/such.'],
    [['--tools', folder, '--simulator', 'http://localhost:1/v1'], '--simulator needs --simulator-model, the name of the model.'],
    [['--tools', folder, '--tool-settings', '{"a'], '--tool-settings: expected a JSON object, found {"a'],
    [['--tools', folder, '--tool-settings', '{"simulator": "me"}'], '--tool-settings: simulator: Invalid option'],
    [['--tools', folder, '--tool-settings', '{"unknown": 1}'], '--tool-settings: Unrecognized key'],
    [['--config', '/no/such.yml'], 'There is no file /no/such.yml.'],
  ])('refuses %j with one sentence', async (words, sentence) => {
    await expect(run(serve, ['--port', '0', ...words], testContext().context)).rejects.toThrow(sentence)
  })
})

import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createGateway, type GatewayParts } from '../../src/gateway/app'
import { listen } from '../../src/gateway/listen'
import { upstreamFromEnvironment } from '../../src/gateway/upstream'

const KEY = 'sk-test-key-that-must-not-leak'
const TOKEN = 'the-token-that-the-start-printed'
const HERE = 'http://localhost:4180'

interface Sent {
  url: string
  init: RequestInit | undefined
}

function gateway(parts: Partial<GatewayParts> = {}, answer: () => Response = () => Response.json({ choices: [] })) {
  const sent: Sent[] = []
  const app = createGateway({
    token: TOKEN,
    siteDirectory: null,
    upstream: { baseUrl: 'http://model.test/v1', apiKey: KEY },
    wandb: null,
    sleep: () => Promise.resolve(),
    allowedOrigins: [],
    fetch: (url, init) => {
      sent.push({ url: url instanceof Request ? url.url : url.toString(), init })
      return Promise.resolve(answer())
    },
    ...parts,
  })
  const ask = async (path: string, init: Omit<RequestInit, 'headers'> & { headers?: Record<string, string> } = {}): Promise<Response> =>
    app.request(`${HERE}${path}`, {
      ...init,
      headers: { host: 'localhost:4180', authorization: `Bearer ${TOKEN}`, ...(init.headers ?? {}) },
    })
  const chat = (headers: Record<string, string> = {}, body = '{"messages":[]}'): Promise<Response> =>
    ask('/gateway/v1/chat/completions', { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body })
  return { app, ask, chat, sent }
}

test('a chat request goes on with the key and without the caller’s headers', async () => {
  const { chat, sent } = gateway()
  const response = await chat({ cookie: 'a=b', 'x-own': 'c' }, '{"model":"m"}')
  expect(response.status).toBe(200)
  expect(sent).toHaveLength(1)
  expect(sent[0]?.url).toBe('http://model.test/v1/chat/completions')
  expect(sent[0]?.init?.headers).toEqual({ accept: 'application/json', 'content-type': 'application/json', authorization: `Bearer ${KEY}` })
  expect(sent[0]?.init?.body).toBe('{"model":"m"}')
  expect(sent[0]?.init?.redirect).toBe('manual')
})

test('the answer streams back with its status, and only harmless headers', async () => {
  const headers = { 'content-type': 'text/event-stream', 'set-cookie': 'x=y', 'retry-after': '7' }
  const { chat } = gateway({}, () => new Response('data: 1\n\ndata: [DONE]\n\n', { status: 429, headers }))
  const response = await chat()
  expect(response.status).toBe(429)
  expect(await response.text()).toBe('data: 1\n\ndata: [DONE]\n\n')
  expect(response.headers.get('set-cookie')).toBeNull()
  expect(response.headers.get('retry-after')).toBe('7')
})

test('the key is in no answer: not in health, not in a failure', async () => {
  const { ask } = gateway()
  const health = await (await ask('/gateway/v1/health')).text()
  expect(JSON.parse(health)).toEqual({ status: 'ok', server: 'model.test', hasKey: true, wandb: null, mcp: { servers: [], worlds: [] } })
  const failing = gateway({ fetch: () => Promise.reject(new Error(`refused for ${KEY}`)) })
  const response = await failing.chat()
  expect(response.status).toBe(502)
  const text = await response.text()
  expect(text).toContain('model.test could not be reached')
  expect(health + text).not.toContain(KEY)
})

test('without key or server it says what to set', async () => {
  const response = await gateway({ upstream: null }).chat()
  expect(response.status).toBe(503)
  expect(await response.text()).toContain('OPENAI_API_KEY')
})

test.each([
  ['evil.example', 403],
  ['localhost.evil.example:4180', 403],
  ['127.0.0.1:4180', 200],
  ['[::1]:4180', 200],
  ['LOCALHOST:4180', 200],
])('Host %s → %i', async (host, status) => {
  expect((await gateway().ask('/gateway/v1/health', { headers: { host } })).status).toBe(status)
})

test.each([
  ['http://localhost:4180', 200],
  ['http://127.0.0.1:4180', 200],
  ['http://localhost:3000', 403],
  ['https://evil.example', 403],
  ['http://localhost.evil.example:4180', 403],
  ['null', 403],
])('Origin %s → %i', async (origin, status) => {
  const { chat, sent } = gateway()
  expect((await chat({ origin })).status).toBe(status)
  expect(sent).toHaveLength(status === 200 ? 1 : 0)
})

test('a cross-site request that hides its origin is refused', async () => {
  expect((await gateway().ask('/gateway/v1/models', { headers: { 'sec-fetch-site': 'cross-site' } })).status).toBe(403)
})

test('an origin named on the command line may ask, preflight included', async () => {
  const { ask, chat } = gateway({ allowedOrigins: ['https://lab.example'] })
  const preflight = await ask('/gateway/v1/chat/completions', { method: 'OPTIONS', headers: { origin: 'https://lab.example' } })
  expect(preflight.status).toBe(204)
  expect(preflight.headers.get('access-control-allow-private-network')).toBe('true')
  expect((await chat({ origin: 'https://lab.example' })).headers.get('access-control-allow-origin')).toBe('https://lab.example')
})

test('only JSON of a sane size is passed on', async () => {
  const { chat, sent } = gateway()
  expect((await chat({ 'content-type': 'text/plain' })).status).toBe(415)
  expect((await chat({}, `"${'x'.repeat(9e6)}"`)).status).toBe(413)
  expect(sent).toEqual([])
})

test('the environment names the server', () => {
  expect(upstreamFromEnvironment({})).toBeNull()
  expect(upstreamFromEnvironment({ OPENAI_API_KEY: 'k' })).toEqual({ baseUrl: 'https://api.openai.com/v1', apiKey: 'k' })
  expect(upstreamFromEnvironment({ OPENAI_BASE_URL: 'http://localhost:8000/v1/' })).toEqual({
    baseUrl: 'http://localhost:8000/v1',
    apiKey: null,
  })
  expect(() => upstreamFromEnvironment({ OPENAI_BASE_URL: 'file:///etc' })).toThrow('OPENAI_BASE_URL must be')
})

test('static files have the types browsers insist on, and nothing outside the folder is served', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'hone-site-'))
  mkdirSync(join(directory, 'site/assets'), { recursive: true })
  writeFileSync(join(directory, 'secret.txt'), 'secret')
  for (const [name, text] of [
    ['index.html', '<!doctype html>'],
    ['assets/a-1f.js', 'export {}'],
    ['model.safetensors', 'weights'],
    ['kernel.wgsl', 'fn main() {}'],
  ] as const) {
    writeFileSync(join(directory, 'site', name), text)
  }
  const { ask } = gateway({ siteDirectory: join(directory, 'site') })
  const typeOf = async (path: string): Promise<string | null> => (await ask(path)).headers.get('content-type')
  expect(await typeOf('/')).toMatch('text/html')
  expect(await typeOf('/assets/a-1f.js')).toMatch('text/javascript')
  expect(await typeOf('/model.safetensors')).toBe('application/octet-stream')
  expect(await typeOf('/kernel.wgsl')).toMatch('text/wgsl')
  expect((await ask('/assets/a-1f.js')).headers.get('cache-control')).toMatch('immutable')
  expect((await ask('/model.safetensors', { headers: { range: 'bytes=0-2' } })).status).toBe(206)
  expect(await (await ask('/model.safetensors', { headers: { range: 'bytes=0-2' } })).text()).toBe('wei')
  for (const path of ['/..%2fsecret.txt', '/%2e%2e/secret.txt', '/missing']) expect((await ask(path)).status).toBe(404)
})

test('a busy port is one sentence, and closing frees it', async () => {
  const { app } = gateway()
  const first = await listen(app, 0)
  const port = Number(new URL(first.url).port)
  expect((await fetch(`http://127.0.0.1:${port}/gateway/v1/health`)).status).toBe(200)
  await expect(listen(app, port)).rejects.toThrow(`Port ${port} is in use`)
  await first.close()
  await (await listen(app, port)).close()
})

import { describe, expect, it } from 'vitest'
import { createOpenaiChat, type OpenaiChatParts } from '../../src/agents/openaiChat'
import { normaliseBaseUrl } from '../../src/base/serverAddress'
import { createFetchLedger, type FetchLike } from '../../src/network/fetchLedger'

const KEY = 'sk-secret-0123456789'
const ANSWER = {
  choices: [{ message: { content: 'hello', tool_calls: null }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 7, completion_tokens: 2 },
}
const ask = { messages: [{ role: 'user', content: 'hi' }] } as const

type Outcome = { status: number; body?: unknown; headers?: Record<string, string> } | Error

/** A server that gives these outcomes in turn (the last for ever) and keeps what it was sent. */
function server(outcomes: readonly Outcome[], parts: Partial<OpenaiChatParts> = {}) {
  const sent: { url: string; init: RequestInit | undefined }[] = []
  const slept: number[] = []
  const fetch: FetchLike = (url, init) => {
    init?.signal?.throwIfAborted()
    const outcome = outcomes[Math.min(sent.length, outcomes.length - 1)]
    sent.push({ url, init })
    if (outcome === undefined || outcome instanceof Error) return Promise.reject(outcome ?? new Error('no outcome'))
    const { body, status, headers = {} } = outcome
    return Promise.resolve(new Response(typeof body === 'string' ? body : JSON.stringify(body ?? {}), { status, headers }))
  }
  const chat = createOpenaiChat({
    baseUrl: 'https://judge.example/v1/',
    model: 'm-1',
    apiKey: KEY,
    fetch,
    now: () => Date.parse('2026-01-01T00:00:00Z'),
    sleep: (ms) => {
      slept.push(ms)
      return Promise.resolve()
    },
    ...parts,
  })
  const bodies = (): unknown[] => sent.map(({ init }): unknown => JSON.parse(typeof init?.body === 'string' ? init.body : 'null'))
  return { chat, sent, slept, bodies }
}

async function refusal(
  outcomes: readonly Outcome[],
  parts: Partial<OpenaiChatParts> = {},
): Promise<{ code: string; message: string; slept: number[]; tries: number }> {
  const { chat, slept, sent } = server(outcomes, parts)
  const reply = await chat.complete(ask)
  if (reply.ok) throw new Error('it answered')
  expect(reply.message).not.toContain('secret')
  return { code: reply.code, message: reply.message, slept, tries: sent.length }
}

describe('normaliseBaseUrl', () => {
  it.each([
    ['https://api.openai.com/v1', 'https://api.openai.com/v1'],
    [' api.openai.com ', 'https://api.openai.com/v1'],
    ['localhost:11434', 'http://localhost:11434/v1'],
    ['http://127.0.0.1:8000/', 'http://127.0.0.1:8000/v1'],
    ['https://x.example/openai/v1/chat/completions/', 'https://x.example/openai/v1'],
    ['https://x.example/v1?api_key=abc#y', 'https://x.example/v1'],
  ])('%s → %s', (given, expected) => {
    expect(normaliseBaseUrl(given)).toBe(expected)
  })

  it.each([
    ['', /^Expected a server address/],
    ['ftp://x.example', 'Expected an http or https address, found ftp://.'],
    ['https://me:pw@x.example', 'Expected a server address without a user name or password in it.'],
  ])('refuses %s', (given, message) => {
    expect(() => normaliseBaseUrl(given)).toThrow(message)
  })
})

describe('complete', () => {
  it('sends one request and reads the answer', async () => {
    const { chat, sent, bodies } = server([{ status: 200, body: ANSWER }])
    const parameters = { type: 'object' }
    const reply = await chat.complete({
      messages: [
        { role: 'system', content: 's' },
        { role: 'assistant', content: '', toolCalls: [{ id: 'c1', name: 'f', arguments: '{}' }] },
        { role: 'tool', toolCallId: 'c1', content: 'r' },
      ],
      tools: [{ name: 'f', description: 'd', parameters }],
      forcedTool: 'f',
      temperature: 0,
      maxTokens: 9,
      seed: 3,
    })
    expect(reply).toEqual({
      ok: true,
      value: { text: 'hello', reasoning: '', tokens: null, toolCalls: [], finishReason: 'stop', promptTokens: 7, completionTokens: 2 },
    })
    expect(chat.host).toBe('judge.example')
    expect(sent[0]?.url).toBe('https://judge.example/v1/chat/completions')
    expect(sent[0]?.init).toMatchObject({ method: 'POST', redirect: 'manual', headers: { Authorization: `Bearer ${KEY}` } })
    expect(bodies()).toEqual([
      {
        model: 'm-1',
        messages: [
          { role: 'system', content: 's' },
          { role: 'assistant', content: '', tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } }] },
          { role: 'tool', tool_call_id: 'c1', content: 'r' },
        ],
        tools: [{ type: 'function', function: { name: 'f', description: 'd', parameters } }],
        tool_choice: { type: 'function', function: { name: 'f' } },
        temperature: 0,
        max_tokens: 9,
        seed: 3,
      },
    ])
  })

  it('reads tool calls, with arguments as text or as an object, and sends no header without a key', async () => {
    const calls = [{ id: 'a', function: { name: 'f', arguments: '{"x": 1}' } }, { function: { name: 'g', arguments: { y: 2 } } }]
    const { chat, sent } = server([{ status: 200, body: { choices: [{ message: { content: null, tool_calls: calls } }] } }], { apiKey: '' })
    const reply = await chat.complete(ask)
    expect(reply.ok && reply.value.toolCalls).toEqual([
      { id: 'a', name: 'f', arguments: '{"x": 1}' },
      { id: 'call-1', name: 'g', arguments: '{"y":2}' },
    ])
    expect(JSON.stringify(sent[0]?.init)).not.toContain('Authorization')
  })

  it('changes to max_completion_tokens for servers that ask for it', async () => {
    const { chat, bodies } = server([
      { status: 400, body: { error: { message: "Use 'max_completion_tokens' instead." } } },
      { status: 200, body: ANSWER },
    ])
    expect((await chat.complete({ ...ask, maxTokens: 5 })).ok).toBe(true)
    expect(bodies()).toMatchObject([{ max_tokens: 5 }, { max_completion_tokens: 5 }])
  })
})

describe('failures are sentences', () => {
  it('401: at once, with the key taken out of what the server said', async () => {
    const { code, message, tries } = await refusal([
      { status: 401, body: { error: { message: `Incorrect API key provided: ${KEY}. Also sk-sec***************6789.` } } },
    ])
    expect([code, tries]).toEqual(['unauthorised', 1])
    expect(message).toBe(
      'judge.example refused the key (401). Check that it is complete and belongs to this server. It said: "Incorrect API key provided: [key]. Also [key]".',
    )
  })

  it.each<[number, string, RegExp]>([
    [403, 'forbidden', /does not allow this key to use m-1 \(403\)/],
    [404, 'not-found', /knows no model m-1 or has no \/v1\/chat\/completions \(404\)/],
    [400, 'bad-request', /did not accept the request \(400\)\. It said: "too long"\./],
  ])('%i: at once', async (status, code, message) => {
    const refused = await refusal([{ status, body: { error: 'too long' } }])
    expect([refused.code, refused.tries]).toEqual([code, 1])
    expect(refused.message).toMatch(message)
  })

  it('429: waits as asked, in seconds or until a date, then answers', async () => {
    const { chat, slept } = server([
      { status: 429, headers: { 'retry-after': '2' } },
      { status: 429, headers: { 'retry-after': 'Thu, 01 Jan 2026 00:00:05 GMT' } },
      { status: 429 },
      { status: 200, body: ANSWER },
    ])
    expect((await chat.complete(ask)).ok).toBe(true)
    expect(slept).toEqual([2000, 5000, 4000])
  })

  it('429 for ever: a bounded number of tries', async () => {
    const { code, message, slept, tries } = await refusal([{ status: 429 }])
    expect([code, tries, slept]).toEqual(['rate-limited', 4, [1000, 2000, 4000]])
    expect(message).toBe('judge.example asks to slow down (429). 4 tries were made.')
  })

  it('429 that wants an hour: no wait at all', async () => {
    const { message, slept } = await refusal([{ status: 429, headers: { 'retry-after': '3600' } }])
    expect(slept).toEqual([])
    expect(message).toBe('judge.example asks to slow down (429). It wants 3600 s of rest, longer than Hone waits.')
  })

  it('5xx: retried, then said', async () => {
    const { code, tries, message } = await refusal([{ status: 503, body: '<html>busy</html>' }], { maxRetries: 1 })
    expect([code, tries, message]).toEqual(['server', 2, 'judge.example failed (503). 2 tries were made.'])
  })

  it('network or CORS: names the server, its own option and the gateway', async () => {
    const { code, message } = await refusal([new TypeError('Failed to fetch')], { maxRetries: 0, baseUrl: 'http://localhost:11434' })
    expect(code).toBe('network')
    expect(message).toMatch(/^No connection to localhost:11434\..*CORS.*OLLAMA_ORIGINS.*gateway.*Chrome first asks for permission/)
  })

  it.each<[string, unknown]>([
    ['a web page', '<html>hello</html>'],
    ['other JSON', { choices: [] }],
    ['no message', { choices: [{ text: 'hi' }] }],
  ])('%s instead of a completion', async (_, body) => {
    const { code, message } = await refusal([{ status: 200, body }])
    expect(code).toBe('malformed')
    expect(message).toMatch(/^judge\.example answered with something that is no chat completion/)
  })

  it('a cancel, before and during a wait', async () => {
    const { chat } = server([{ status: 200, body: ANSWER }])
    expect(await chat.complete({ ...ask, signal: AbortSignal.abort() })).toEqual({
      ok: false,
      code: 'aborted',
      message: 'The request was cancelled.',
    })
    const waiting = server([{ status: 500 }], { sleep: () => Promise.reject(new DOMException('', 'AbortError')) })
    expect(await waiting.chat.complete(ask)).toMatchObject({ ok: false, code: 'aborted' })
  })

  it('a server that is silent for too long', async () => {
    const fetch: FetchLike = (_, init) =>
      new Promise((_resolve, reject) => {
        init?.signal?.addEventListener('abort', () => {
          reject(new DOMException('', 'AbortError'))
        })
      })
    const { code, message } = await refusal([], { fetch, timeoutMs: 20 })
    expect([code, message]).toEqual(['timeout', 'judge.example did not answer within 0.02 s.'])
  })

  it('a host the ledger does not allow', async () => {
    const { fetch } = createFetchLedger({ fetch: () => Promise.reject(new Error('sent')), now: () => '' })
    const { code, message } = await refusal([], { fetch })
    expect([code, message]).toEqual(['host-not-allowed', 'Nothing was sent: judge.example is not among the servers allowed in Settings.'])
  })
})

describe('the fetch ledger', () => {
  const ledgerOver = (fetch: FetchLike) => createFetchLedger({ fetch, now: () => 'now', ownOrigin: 'https://hone.example/app/', limit: 2 })

  it('writes down origin, path and outcome, never a query', async () => {
    const ledger = ledgerOver(() => Promise.resolve(new Response(null, { status: 204 })))
    ledger.allow('https://judge.example/v1')
    await ledger.fetch('https://judge.example/v1/models?key=secret')
    await ledger.fetch('starter/model.json')
    expect(ledger.entries()).toEqual([
      { url: 'https://judge.example/v1/models', method: 'GET', status: 204, at: 'now' },
      { url: 'https://hone.example/app/starter/model.json', method: 'GET', status: 204, at: 'now' },
    ])
    expect(ledger.hosts()).toEqual(['judge.example'])
  })

  it('refuses other hosts and other ports, writes failures down, keeps the newest', async () => {
    const ledger = ledgerOver(() => Promise.reject(new TypeError('lost')))
    ledger.allow('http://localhost:8000')
    await expect(ledger.fetch('http://localhost:9000/x')).rejects.toThrow('Nothing was sent: localhost:9000')
    await expect(ledger.fetch('http://localhost:8000/x', { method: 'post' })).rejects.toThrow('lost')
    await expect(ledger.fetch('https://elsewhere.example/y')).rejects.toThrow('Nothing was sent')
    expect(ledger.entries().map(({ url, method, status }) => [url, method, status])).toEqual([
      ['http://localhost:8000/x', 'POST', null],
      ['https://elsewhere.example/y', 'GET', null],
    ])
  })
})

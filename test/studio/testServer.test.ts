/** The test of a model behind a server before it acts, and its key, which no record holds. */
import { expect, test } from 'vitest'
import type { ServerModel } from '../../src/records/requests'
import { testServer } from '../../src/studio/models/testServer'
import { storedOrigin } from '../../src/studio/runs/resume'

const settings: ServerModel = { baseUrl: 'http://localhost:9/v1', model: 'm', apiKey: 'k' }
const toolCall = { id: 'c', type: 'function', function: { name: 'add', arguments: '{"a":17,"b":25}' } }

/** A server with one answer, and what it was asked. */
function serverSaying(message: object, finish_reason = 'stop', status = 200) {
  const asked: { readonly tools?: readonly unknown[]; readonly max_tokens?: number }[] = []
  const fetch = (_: unknown, init?: { readonly body?: unknown }): Promise<Response> => {
    asked.push(JSON.parse(String(init?.body)) as (typeof asked)[number])
    const body = status === 200 ? { choices: [{ index: 0, finish_reason, message }] } : { error: { message: 'bad key' } }
    return Promise.resolve(new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } }))
  }
  return { asked, parts: { ledger: { fetch, allow: () => undefined }, sleep: () => Promise.resolve(), nowMs: () => 0 } }
}

test('a model that acts has to call the tool that it is asked to call', async () => {
  const calls = serverSaying({ role: 'assistant', content: null, tool_calls: [toolCall] })
  expect(await testServer(settings, true, calls.parts)).toMatchObject({
    ok: true,
    value: expect.stringContaining('called the tool') as unknown,
  })
  expect(calls.asked[0]?.tools).toHaveLength(1)
  const speaks = serverSaying({ role: 'assistant', content: 'It is 42.' })
  expect(await testServer(settings, true, speaks.parts)).toMatchObject({ ok: false, code: 'no-call' })
  expect(await testServer({ ...settings, textFormat: 'hermes' }, true, speaks.parts)).toMatchObject({ ok: true })
})

test('a model that plays a tool server has to write text, and is given no tools', async () => {
  const speaks = serverSaying({ role: 'assistant', content: 'ready' })
  expect(await testServer({ ...settings, maxTokens: 7 }, false, speaks.parts)).toEqual({ ok: true, value: 'm answered.' })
  expect(speaks.asked[0]).toMatchObject({ max_tokens: 7 })
  expect(speaks.asked[0]).not.toHaveProperty('tools')
  expect(await testServer(settings, false, serverSaying({ role: 'assistant', content: '' }).parts)).toMatchObject({
    ok: false,
    code: 'prose',
  })
})

test('an answer that was cut off, a refused key and a missing name each have their own sentence', async () => {
  const cut = serverSaying({ role: 'assistant', content: 'I thi' }, 'length')
  expect(await testServer(settings, true, cut.parts)).toMatchObject({ ok: false, code: 'cut-off' })
  const refused = serverSaying({}, 'stop', 401)
  expect(await testServer(settings, true, refused.parts)).toMatchObject({ ok: false, code: 'unauthorised' })
  expect(await testServer({ ...settings, model: ' ' }, true, refused.parts)).toMatchObject({ ok: false, code: 'settings' })
})

test('the request that a run keeps has no key of a server', () => {
  const request = { kind: 'train', algorithm: 'grpo', model: 'm', data: [], config: {}, steps: 1, seed: 1, rowLimit: null } as const
  const stored = storedOrigin({ request: { ...request, simulator: { ...settings, apiKey: 'secret-key' } }, data: null })
  expect(stored).toMatchObject({ request: { simulator: { baseUrl: settings.baseUrl, apiKey: '' } } })
  expect(JSON.stringify(stored)).not.toContain('secret-key')
})

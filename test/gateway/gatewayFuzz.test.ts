/** Thousands of hostile requests and answers with a fixed seed, in less than a minute: the key stays, nothing becomes a document, nothing is a failure of our own. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createGateway } from '../../src/gateway/app'

const KEY = 'sk-proj-5/never+to=be~found-93'
const TOKEN = 'the-token-that-the-start-printed'
const RUNS = { seed: 20_261_201, numRuns: 2500, interruptAfterTimeLimit: 25_000, markInterruptAsFailure: false }

function gateway(answer: () => Response) {
  let asked = 0
  const app = createGateway({
    ...{
      token: TOKEN,
      siteDirectory: null,
      upstream: { baseUrl: 'http://model.test/v1', apiKey: KEY },
      wandb: { baseUrl: 'http://wandb.test', apiKey: KEY },
    },
    ...{ allowedOrigins: ['https://lab.example'], sleep: () => Promise.resolve(), timeouts: { bodyMs: 1000, silenceMs: 1000 } },
    fetch: () => {
      asked += 1
      return Promise.resolve(answer())
    },
  })
  return { app, asked: () => asked }
}

const escaped = Array.from(KEY, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')
const keyForms = fc.constantFrom(
  KEY,
  escaped,
  KEY.replaceAll('/', '\\/'),
  encodeURIComponent(KEY),
  btoa(KEY),
  btoa(`a${KEY}`),
  btoa(`Bearer ${KEY}`),
)
const piece = fc.oneof(
  keyForms,
  fc.string({ maxLength: 20 }),
  fc.json({ maxDepth: 2 }),
  fc.constantFrom('data: ', '\n', '\r\n', '\n\n', '{"', '":"', '"}', '<script>', '\\', '\u0000', '😀'),
)
const type = fc.constantFrom(
  'application/json',
  'text/event-stream',
  'text/plain',
  'text/html',
  'image/svg+xml',
  'application/problem+json',
  'APPLICATION/JSON;x=y',
  'garbage',
  '',
)

function streamOf(text: string, cuts: readonly number[]): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text)
  const ends = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b)
  return new ReadableStream({
    start(controller) {
      let from = 0
      for (const end of [...ends, bytes.length]) {
        if (end > from) controller.enqueue(bytes.slice(from, end))
        from = Math.max(from, end)
      }
      controller.close()
    },
  })
}

/** As it stands, and as a reader of JSON, addresses or base64 finds it. */
function holdsKey(text: string): boolean {
  const unescaped = text
    .replaceAll(/\\u([0-9a-f]{4})/gi, (_, code: string) => String.fromCharCode(parseInt(code, 16)))
    .replaceAll('\\/', '/')
  const base64 = [...text.matchAll(/[\w+/-]{24,}/g)].map(([run]) => Buffer.from(run, 'base64').toString('latin1'))
  const decoded = text.replaceAll(/%([0-9a-f]{2})/gi, (_, code: string) => String.fromCharCode(parseInt(code, 16)))
  return [text, unescaped, decoded, ...base64].some((reading) => reading.includes(KEY))
}

test('whatever a server answers, in whatever pieces, the key is not in it and it is no document', async () => {
  const answers = fc.record({
    pieces: fc.array(piece, { maxLength: 12 }),
    type,
    status: fc.integer({ min: 200, max: 599 }),
    cuts: fc.array(fc.nat(400), { maxLength: 6 }),
  })
  await fc.assert(
    fc.asyncProperty(answers, async ({ pieces, type, status, cuts }) => {
      const hasNoBody = [204, 205, 304].includes(status)
      const text = pieces.join('')
      const { app } = gateway(
        () =>
          new Response(hasNoBody ? null : streamOf(text, cuts), {
            status,
            headers: { 'content-type': type, 'x-request-id': pieces[0]?.replaceAll(/[^\x21-\x7e]/g, '') ?? '' },
          }),
      )
      const response = await app.request('http://localhost:4180/gateway/v1/chat/completions', {
        method: 'POST',
        headers: { host: 'localhost:4180', 'content-type': 'application/json', authorization: `Bearer ${TOKEN}` },
        body: '{}',
      })
      const given = await response.text()
      expect(holdsKey(given)).toBe(false)
      expect(holdsKey([...response.headers].join('\n'))).toBe(false)
      const contentType = response.headers.get('content-type') ?? ''
      expect(contentType).toMatch(/^(application\/json|text\/event-stream; charset=utf-8)/)
      if (contentType.startsWith('application/json')) JSON.parse(given)
      expect(response.headers.get('content-security-policy')).toContain('sandbox')
    }),
    RUNS,
  )
}, 60_000)

test('whatever is asked, the server is asked only with the token, from here, for JSON', async () => {
  const words = fc.oneof(
    fc.stringMatching(/^[\x21-\x7e]{0,30}$/),
    fc.constantFrom(`Bearer ${TOKEN}`, `bearer  ${TOKEN}`, `Basic ${TOKEN}`, `Bearer ${TOKEN.slice(1)}`, `Bearer ${TOKEN} x`),
  )
  const requests = fc.record({
    path: fc.oneof(
      fc.constantFrom(
        '/gateway/v1/chat/completions',
        '/gateway/v1/models',
        '/gateway/v1/wandb/runs',
        '/gateway/v1/health',
        '/gateway//v1/models',
        '/gateway/v1/../v1/models',
        '/GATEWAY/v1/models',
      ),
      fc.webPath(),
    ),
    method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'HEAD'),
    authorization: words,
    host: fc.constantFrom('localhost:4180', 'localhost:4180', '127.0.0.1:4180', 'evil.example', '[::1]:4180', 'localhost.evil.example'),
    origin: fc.constantFrom(
      null,
      null,
      'http://localhost:4180',
      'https://evil.example',
      'null',
      'https://lab.example',
      'http://localhost:9',
    ),
    site: fc.constantFrom(null, null, 'same-origin', 'same-site', 'cross-site', 'none'),
    contentType: fc.constantFrom(
      'application/json',
      'application/json',
      'text/plain',
      'application/json+x',
      'Application/JSON; charset=utf-8',
      '',
    ),
    body: fc.oneof(fc.json(), fc.string({ maxLength: 200 }), fc.constant('')),
  })
  await fc.assert(
    fc.asyncProperty(requests, async ({ path, method, authorization, host, origin, site, contentType, body }) => {
      const { app, asked } = gateway(() => Response.json({ choices: [] }))
      const headers: Record<string, string> = { host, authorization, 'content-type': contentType }
      if (origin !== null) headers.origin = origin
      if (site !== null) headers['sec-fetch-site'] = site
      const response = await app.request(`http://localhost:4180${path}`, {
        method,
        headers,
        ...(['GET', 'HEAD'].includes(method) ? {} : { body }),
      })
      expect(response.status).not.toBe(500)
      expect(holdsKey((await response.text()) + [...response.headers].join('\n'))).toBe(false)
      if (asked() === 0) return
      expect(authorization).toMatch(new RegExp(`^bearer +${TOKEN}$`, 'i'))
      expect(host).toMatch(/^(localhost|127\.0\.0\.1|\[::1\]):4180$/)
      expect(
        origin === null
          ? ['cross-site', 'same-site'].includes(site ?? '')
          : ['null', 'https://evil.example', 'http://localhost:9'].includes(origin),
      ).toBe(false)
      if (method === 'POST') expect(contentType).toMatch(/^application\/json(; charset=utf-8)?$/i)
    }),
    RUNS,
  )
}, 60_000)

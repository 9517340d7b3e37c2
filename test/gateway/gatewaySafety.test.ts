/** The gateway against other users and programs of the computer, hostile bodies, and servers that send what no page should get. */
import { spawn } from 'node:child_process'
import { createServer, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { afterEach, describe, expect, it, test } from 'vitest'
import { createGateway, type GatewayParts } from '../../src/gateway/app'
import { listen } from '../../src/gateway/listen'
import { upstreamFromEnvironment } from '../../src/gateway/upstream'
import { wandbFromEnvironment } from '../../src/gateway/wandb'

const KEY = 'sk-proj-5/never+to=be~found-93'
const TOKEN = 'the-token-that-the-start-printed'
const opened: { close: () => unknown }[] = []
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
})

type Answer = (response: ServerResponse) => void

/** A model server that answers so, and the gateway before it; both on real sockets. */
async function gatewayBefore(
  answer: Answer,
  parts: Partial<GatewayParts> = {},
): Promise<{ url: string; port: number; asked: () => number }> {
  let asked = 0
  const server = createServer((request, response) => {
    asked += 1
    request.resume()
    answer(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const upstream = { baseUrl: `http://127.0.0.1:${typeof address === 'object' ? (address?.port ?? 0) : 0}/v1`, apiKey: KEY }
  const app = createGateway({
    token: TOKEN,
    siteDirectory: null,
    upstream,
    wandb: null,
    allowedOrigins: [],
    fetch,
    sleep: () => Promise.resolve(),
    ...parts,
  })
  const gateway = await listen(app, 0)
  opened.push(gateway, {
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  })
  return { url: gateway.url, port: Number(new URL(gateway.url).port), asked: () => asked }
}

const headers = { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}` }
const chat = (url: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`${url}/gateway/v1/chat/completions`, { method: 'POST', headers, body: '{"messages":[]}', ...init })
const json: Answer = (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"choices":[]}')

/** curl as another user where this process may become one, else as this user. */
function curl(...words: string[]): Promise<string> {
  const other = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}
  const child = spawn('curl', ['-s', '--max-time', '10', ...words], { ...other, cwd: '/', env: { PATH: process.env.PATH } })
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', () => {
      resolve(Buffer.concat(chunks).toString())
    })
  })
}

describe('the keys are used for those alone who have the token', () => {
  const post = ['-X', 'POST', '-H', 'content-type: application/json', '-d', '{"messages":[]}']
  it.each([
    ['/gateway/v1/models', []],
    ['/gateway/v1/chat/completions', post],
    ['/gateway/v1/chat/completions', [...post, '-H', 'authorization: Bearer guessed']],
    ['/gateway/v1/chat/completions', [...post, '-H', 'authorization: Bearer ']],
    ['/gateway/v1/chat/completions', [...post, '-H', `cookie: token=${TOKEN}`]],
    ['/gateway/v1/wandb/runs', post],
    ['/gateway/v1/anything', []],
  ])('another user’s curl of %s %j gets 401', async (path, words) => {
    const { url, asked } = await gatewayBefore(json)
    expect(await curl('-w', '\n%{http_code}', ...words, url + path)).toMatch(/token.*\n401$/s)
    expect(asked()).toBe(0)
  })

  it('no page or file holds the token, and health tells strangers nothing but that it runs', async () => {
    const { url } = await gatewayBefore(json, { siteDirectory: 'public' })
    for (const path of ['/', '/index.html', '/gateway/v1/health', '/starter/config.json', '/gateway/'])
      expect(await curl('-i', url + path)).not.toContain(TOKEN)
    expect(await curl(`${url}/gateway/v1/health`)).toBe('{"status":"ok"}')
  })

  it('with it the request goes through', async () => {
    const { url, asked } = await gatewayBefore(json)
    expect([(await chat(url)).status, asked()]).toEqual([200, 1])
    expect(await (await fetch(`${url}/gateway/v1/health`, { headers })).json()).toMatchObject({ hasKey: true })
  })
})

describe('bodies are held to their limits while they are read', () => {
  /** A request written by hand; gives what came back until the connection ended. */
  function raw(
    port: number,
    head: string,
    body: (write: (chunk: Buffer | string) => boolean) => void,
  ): Promise<{ reply: string; written: number }> {
    return new Promise((resolve) => {
      let [reply, written] = ['', 0]
      const socket = connect(port, '127.0.0.1', () => {
        socket.write(
          `POST /gateway/v1/chat/completions HTTP/1.1\r\nHost: localhost:${port}\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Type: application/json\r\n${head}\r\n\r\n`,
        )
        body((chunk) => {
          // What the system has not taken yet was not sent: a client that is not read from waits.
          if (!socket.writable || socket.writableNeedDrain) return false
          written += chunk.length
          socket.write(chunk)
          return true
        })
      })
      socket.on('data', (chunk) => (reply += chunk.toString()))
      socket.on('error', () => undefined)
      socket.on('close', () => {
        resolve({ reply, written })
      })
    })
  }

  it('600 MB in chunks are cut near 8 MB, and not kept', { timeout: 60_000 }, async () => {
    const { port, asked } = await gatewayBefore(json)
    const megabyte = Buffer.alloc(2 ** 20, 32)
    const before = process.memoryUsage().rss
    let pump: ReturnType<typeof setInterval> | undefined
    const { reply, written } = await raw(port, 'Transfer-Encoding: chunked', (write) => {
      let sent = 0
      pump = setInterval(() => {
        if (sent < 600 && write(Buffer.concat([Buffer.from('100000\r\n'), megabyte, Buffer.from('\r\n')]))) sent += 1
      }, 1)
    })
    clearInterval(pump)
    expect(reply).toMatch(/^HTTP\/1\.1 413 .*larger than 8 MB/s)
    expect(written).toBeLessThan(64 * 2 ** 20)
    expect(process.memoryUsage().rss - before).toBeLessThan(500 * 2 ** 20)
    expect(asked()).toBe(0)
  })

  it('a body that trickles is cut', async () => {
    const { port, asked } = await gatewayBefore(json, { timeouts: { bodyMs: 300 } })
    const { reply } = await raw(port, 'Content-Length: 1000', (write) => {
      const drip = setInterval(() => {
        if (!write('x')) clearInterval(drip)
      }, 50)
      opened.push({
        close: () => {
          clearInterval(drip)
        },
      })
    })
    expect(reply).toMatch(/^HTTP\/1\.1 408 .*did not arrive within 0\.3 s/s)
    expect(asked()).toBe(0)
  })

  it.each([
    'text/plain',
    'application/json-patch+json',
    'application/jsonx',
    'text/plain; application/json',
    'application/json, text/plain',
    'application/json; charset=latin1',
    '',
  ])('the content type %j is not exactly JSON', async (type) => {
    const { url, asked } = await gatewayBefore(json)
    expect((await chat(url, { headers: { ...headers, 'content-type': type } })).status).toBe(415)
    expect(asked()).toBe(0)
  })

  it('a server that says nothing, or stops in the middle, is given up', async () => {
    const silent = await gatewayBefore(() => undefined, { timeouts: { silenceMs: 200 } })
    expect((await chat(silent.url)).status).toBe(504)
    const halting = await gatewayBefore((response) => response.writeHead(200, { 'content-type': 'application/json' }).write('{"a":'), {
      timeouts: { silenceMs: 200 },
    })
    expect((await chat(halting.url)).status).toBe(502)
    const stream = await gatewayBefore(
      (response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n'),
      { timeouts: { silenceMs: 200 } },
    )
    expect(await (await chat(stream.url)).text()).toBe('data: 1\n\n')
  })
})

describe('nothing a server sends is a document of this origin', () => {
  const hostile = '<!doctype html><script>alert(1)</script>'
  it.each([
    [200, 'text/html', 502],
    [500, 'text/html', 500],
    [200, 'image/svg+xml', 502],
    [200, 'text/javascript', 502],
    [200, 'text/css', 502],
    [200, 'application/xhtml+xml', 502],
    [200, 'text/plain', 502],
    [200, 'multipart/x-mixed-replace; boundary=x', 502],
    [200, 'application/json', 502],
    [404, '', 404],
  ])('status %i with %s becomes JSON with status %i', async (status, type, expected) => {
    const { url } = await gatewayBefore((response) => response.writeHead(status, type === '' ? {} : { 'content-type': type }).end(hostile))
    const response = await chat(url)
    expect([response.status, response.headers.get('content-type')]).toEqual([expected, 'application/json'])
    expect(await response.text()).not.toContain('<script')
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'x-content-type-options': 'nosniff',
      'content-security-policy': "sandbox; default-src 'none'; frame-ancestors 'none'",
      'cross-origin-resource-policy': 'same-origin',
    })
  })

  it('an error in plain words is told on as an error', async () => {
    const { url } = await gatewayBefore((response) => response.writeHead(400, { 'content-type': 'text/plain' }).end('model not loaded'))
    expect(await (await chat(url)).json()).toMatchObject({ error: { message: 'model not loaded' } })
  })

  it('redirects and headers stay behind', async () => {
    const { url } = await gatewayBefore((response) =>
      response.writeHead(307, { location: 'http://elsewhere.test/', 'set-cookie': 'a=b', link: '</x>; rel=preload' }).end(),
    )
    const response = await chat(url, { redirect: 'manual' })
    expect([response.status, response.headers.get('location'), response.headers.get('set-cookie'), response.headers.get('link')]).toEqual([
      502,
      null,
      null,
      null,
    ])
  })
})

describe('the key a server repeats comes back in nothing', () => {
  const escaped = Array.from(KEY, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')
  const repeats: readonly (readonly [string, string])[] = [
    ['as it is', `bad key ${KEY}`],
    ['escaped', `bad key ${escaped}`],
    ['with escaped slashes', `bad key ${KEY.replaceAll('/', '\\/')}`],
    ['percent-encoded', encodeURIComponent(KEY)],
    ['percent-encoded in small letters', encodeURIComponent(KEY).toLowerCase()],
    ['in base64', btoa(KEY)],
    ['in base64 after other text', btoa(`x:${KEY}:y`)],
    ['in base64 for addresses', btoa(`Bearer ${KEY}`).replaceAll('+', '-').replaceAll('/', '_')],
    ['in hexadecimal', Buffer.from(KEY).toString('hex').toUpperCase()],
  ]
  /** What a reader of JSON, addresses or base64 would make of a text. */
  const readings = (text: string): string[] => {
    const base64 = [...text.matchAll(/[\w+/-]{16,}/g)].map(([run]) => Buffer.from(run, 'base64').toString('latin1'))
    const hex = [...text.matchAll(/(?:[0-9a-f]{2}){8,}/gi)].map(([run]) => Buffer.from(run, 'hex').toString('latin1'))
    const unescaped = text
      .replaceAll(/\\u([0-9a-f]{4})/gi, (_, code: string) => String.fromCharCode(parseInt(code, 16)))
      .replaceAll('\\/', '/')
    const decoded = text.replaceAll(/%([0-9a-f]{2})/gi, (_, code: string) => String.fromCharCode(parseInt(code, 16)))
    return [text, unescaped, decoded, ...base64, ...hex]
  }
  const expectHidden = (text: string): void => {
    for (const reading of readings(text)) expect(reading.toLowerCase()).not.toContain(KEY.toLowerCase())
  }

  it.each(repeats)('%s: in JSON, in errors, in words, in event streams cut anywhere', async (_, said) => {
    const bodies: readonly (readonly [number, string, string])[] = [
      [200, 'application/json', `{"choices":[{"message":{"content":"${said}"}}],"${said}":1}`],
      [200, 'application/json', `{"a":"${said}","a":"later"}`],
      [401, 'application/json', `{"error":{"message":"${said}"}}`],
      [401, 'text/plain', said],
      [200, 'text/event-stream', `data: {"delta":"${said}"}\n\nevent: ${said}\ndata: [DONE]\n\n`],
    ]
    for (const [status, type, body] of bodies) {
      const at = body.indexOf(said)
      // Cut inside the key, as packets cut it.
      for (const cut of type === 'text/event-stream' ? [at + 3, at + Math.floor(said.length / 2), at + said.length - 1] : [at + 3]) {
        const { url } = await gatewayBefore((response) => {
          response.writeHead(status, { 'content-type': type, 'x-request-id': KEY, 'retry-after': KEY })
          response.write(body.slice(0, cut))
          setTimeout(() => response.end(body.slice(cut)), 20)
        })
        const response = await chat(url)
        expect(response.status).toBe(status)
        expectHidden([...response.headers].join('\n'))
        const text = await response.text()
        expectHidden(text)
        expect(text).toContain(type === 'text/event-stream' ? '[DONE]' : '')
      }
    }
  })

  it('other answers are left as they are, to the last digit', async () => {
    const body = '{"id":12345678901234567890,"s":"a\\nb","f":1.0}'
    const { url } = await gatewayBefore((response) => response.writeHead(200, { 'content-type': 'application/json' }).end(body))
    expect(await (await chat(url)).text()).toBe(body)
  })
})

test.each([
  [
    { OPENAI_API_KEY: 'sk-first\nsk-second' },
    /^OPENAI_API_KEY cannot be used\. The key has a line break in it: copy it again, as one line\.$/,
  ],
  [{ OPENAI_API_KEY: 'sk-ä' }, /^OPENAI_API_KEY cannot be used\. The key has characters that no key has/],
  [
    { OPENAI_BASE_URL: 'http://me:secret@localhost:8000/v1' },
    /^OPENAI_BASE_URL must not hold a user name or password: the key goes into OPENAI_API_KEY\.$/,
  ],
  [{ WANDB_API_KEY: 'a\r\nb: c' }, /^WANDB_API_KEY cannot be used\. The key has a line break/],
  [
    { WANDB_API_KEY: 'k', WANDB_BASE_URL: 'https://me:secret@wandb.test' },
    /^WANDB_BASE_URL must not hold a user name or password: the key goes into WANDB_API_KEY\.$/,
  ],
])('a key with a line end and credentials in an address get their own sentence: %j', (env, sentence) => {
  expect(() => [upstreamFromEnvironment(env), wandbFromEnvironment(env)]).toThrow(sentence)
})

test('Azure’s api-version stays in the address of the gateway’s server', async () => {
  expect(
    upstreamFromEnvironment({ OPENAI_BASE_URL: 'https://x.openai.azure.com/openai/deployments/judge?api-version=2024-10-21' })?.baseUrl,
  ).toBe('https://x.openai.azure.com/openai/deployments/judge?api-version=2024-10-21')
})

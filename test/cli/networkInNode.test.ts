/** The network as a terminal meets it: proxies, servers that answer 403 for what they do not have, redirects, and servers that are not there. */
import { createServer, type Server } from 'node:http'
import { connect } from 'node:net'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { annotate } from '../../src/cli/commands/annotate'
import { createContext } from '../../src/cli/context'
import { openRemoteFolder } from '../../src/cli/remoteModel'
import { sampleCsv } from '../../src/data/sampleCsv'
import { openTokenizer } from '../../src/models/checkpointTokenizer'
import { openModelWeights } from '../../src/models/weights/modelWeights'
import { readJson } from '../../src/models/weights/byteSource'
import { serveHub } from '../support/hubServer'
import { tinyHubFiles, TINY_REPO } from '../models/tinyHub'
import { run, temporaryDirectory, testContext } from './commandContext'

const opened: { close: () => unknown }[] = []
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const one of opened.splice(0)) await one.close()
})

async function portOf(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  opened.push({
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return address.port
}

/** A proxy that knows where http://model.test is, and opens tunnels to this computer. */
async function startProxy(target: number): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.method ?? ''} ${request.url ?? ''} ${request.headers['proxy-authorization'] ?? ''}`.trim())
    response.end('by way of the proxy')
  })
  server.on('connect', (request, socket) => {
    asked.push(`CONNECT ${request.url ?? ''}`)
    const through = connect(target, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      through.pipe(socket).pipe(through)
    })
    for (const end of [through, socket]) end.on('error', () => undefined)
  })
  return { url: `127.0.0.1:${await portOf(server)}`, asked }
}

/** The fetch of every command, in an environment of these variables alone. */
function fetchWith(env: Record<string, string>): typeof fetch {
  for (const name of ['http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY']) vi.stubEnv(name, env[name])
  const signal = new AbortController().signal
  return createContext({ adapter: 'default', json: true, projectRoot: '.', signal, onInterrupt: () => undefined }).context.fetch
}

describe('proxies of the environment', () => {
  it.each(['HTTP_PROXY', 'http_proxy'])('%s is asked for http addresses, with its password', async (name) => {
    const proxy = await startProxy(0)
    const response = await fetchWith({ [name]: `http://me:secret@${proxy.url}` })('http://model.test/v1/models')
    expect(await response.text()).toBe('by way of the proxy')
    expect(proxy.asked).toEqual([`GET http://model.test/v1/models Basic ${btoa('me:secret')}`])
  })

  it('HTTPS_PROXY opens a tunnel for https addresses', async () => {
    const plain = createServer((_, response) => response.end('no certificate'))
    const proxy = await startProxy(await portOf(plain))
    await expect(fetchWith({ HTTPS_PROXY: proxy.url })('https://model.test/v1/models')).rejects.toThrow('fetch failed')
    expect(proxy.asked).toEqual(['CONNECT model.test:443'])
  })

  it('NO_PROXY names hosts that are asked without one', async () => {
    const proxy = await startProxy(0)
    const port = await portOf(createServer((_, response) => response.end('itself')))
    const asked = fetchWith({ HTTP_PROXY: proxy.url, NO_PROXY: 'example.org,127.0.0.1' })
    expect(await (await asked(`http://127.0.0.1:${port}/`)).text()).toBe('itself')
    expect(await (await asked('http://model.test/')).text()).toBe('by way of the proxy')
    expect(proxy.asked).toEqual(['GET http://model.test/'])
  })

  it('one that is no address is one sentence, without its password', () => {
    expect(() => fetchWith({ HTTPS_PROXY: 'socks5://me:secret@proxy:1080' })).toThrow(
      /^HTTPS_PROXY must be the http or https address of a proxy, such as http:\/\/proxy\.example:3128\.$/,
    )
  })
})

describe('a folder on S3 or CloudFront, where files that are absent are forbidden', () => {
  const remote = async (without: readonly string[] = []) => {
    const files = await tinyHubFiles()
    for (const name of without) files.delete(name)
    const hub = await serveHub(TINY_REPO, files)
    opened.push(hub)
    hub.faults.absentStatus = 403
    const { context } = testContext({ fetch: (url, init) => fetch(url, init) })
    return (await openRemoteFolder(`${hub.endpoint}/folder`, context)).folder
  }

  it('is read: what is optional is absent', async () => {
    const folder = await remote()
    expect(await readJson(folder, 'generation_config.json')).toBeNull()
    expect((await openTokenizer(folder)).chatTemplate).toBeNull()
    expect((await openModelWeights(folder)).tensors.size).toBeGreaterThan(10)
  })

  it('without weights names the files that are forbidden', async () => {
    const folder = await remote(['model.safetensors.index.json'])
    await expect(openModelWeights(folder)).rejects.toThrow(
      /file missing: expected model\.safetensors or model\.safetensors\.index\.json\. The server forbids access \(403\) to model\.safetensors, model\.safetensors\.index\.json/,
    )
  })

  it('without any file that may be read is refused as forbidden', async () => {
    const folder = await remote([...(await tinyHubFiles()).keys()])
    await expect(openTokenizer(folder)).rejects.toThrow(/the server forbids access \(403\)/)
  })
})

describe('in a terminal no sentence speaks of pages and CORS', () => {
  const judged = async (url: string): Promise<string> => {
    const directory = temporaryDirectory()
    const source = join(directory, 'sample.csv')
    writeFileSync(source, sampleCsv())
    const words = ['--by', 'judge', '--judge-model', 'm', '--base-url', url, source, '--out', join(directory, 'out.jsonl')]
    const outcome: unknown = await run(annotate, words, testContext({ fetch: (at, init) => fetch(at, init) }).context).catch(
      (error: unknown) => error,
    )
    const message = outcome instanceof Error ? outcome.message : 'no error'
    expect(message).not.toMatch(/CORS|page|Chrome/)
    return message
  }

  it('a redirect of a POST names where it leads', async () => {
    const server = createServer((_, response) =>
      response.writeHead(307, { location: 'https://api.model.test/v1/chat/completions?key=k' }).end(),
    )
    const port = await portOf(server)
    expect(await judged(`http://127.0.0.1:${port}/v1`)).toBe(
      `127.0.0.1:${port} redirects requests to https://api.model.test/v1 (307). Hone does not send a key on: give the address it redirects to as the server’s address. Nothing was judged.`,
    )
  })

  it('a refused connection is called one', { timeout: 30_000 }, async () => {
    const port = await portOf(createServer())
    await opened.pop()?.close()
    expect(await judged(`http://127.0.0.1:${port}/v1`)).toMatch(
      /^No connection to 127\.0\.0\.1:\d+: nothing answers at this address and port \(ECONNREFUSED\)\. Check the address, and that the server is running\./,
    )
  })

  it('a model’s server that is not there neither', async () => {
    const { context } = testContext({ fetch: (url, init) => fetch(url, init) })
    const port = await portOf(createServer())
    await opened.pop()?.close()
    const { folder } = await openRemoteFolder(`http://127.0.0.1:${port}/model`, context)
    await expect(folder.open('config.json')).rejects.toThrow(
      /no connection \(ECONNREFUSED\), 5 times in a row\. The server may be down; try again later\.$/,
    )
  })
})

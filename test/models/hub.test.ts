/** The Hub's loader against a local server with its layout, which redirects, breaks, changes files and refuses. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { FetchLike } from '../../src/network/fetchLedger'
import { openWeightsFolder } from '../../src/models/checkpointFolder'
import { readText, type FolderSource } from '../../src/models/weights/byteSource'
import { cachedSource, type PieceStore } from '../../src/models/weights/cachedSource'
import { createHttpClient, type HttpParts } from '../../src/models/weights/httpClient'
import { folderAddress, folderFromUrl, httpSource, openUrl } from '../../src/models/weights/httpSource'
import { openHubModel, parseHubModel, type HubOptions } from '../../src/models/weights/hub'
import { openModelWeights } from '../../src/models/weights/modelWeights'
import { browserFetch } from '../support/browserFetch'
import { COMMIT, serveHub, type HubServer } from '../support/hubServer'
import { goldenBytes, goldenFiles, goldenFolder } from './files'
import { encode, shardedFiles } from './shards'

const REPO = 'tiny-org/tiny_qwen2'
const TOKEN = 'hf_veryHiddenToken'
const SHARD = 'model-00001-of-00003.safetensors'

let hub: HubServer
let waits: number[]
let parts: HttpParts
beforeEach(async () => {
  hub = await serveHub(REPO, await shardedFiles('tiny_qwen2'))
  waits = []
  parts = {
    fetch: (url, init) => fetch(url, init),
    sleep: (ms) => {
      waits.push(ms)
      return Promise.resolve()
    },
  }
})
afterEach(() => hub.close())

const openHub = (more: Partial<HttpParts> = {}, options: HubOptions = {}, revision = 'main') =>
  openHubModel({ repo: REPO, revision }, { ...parts, ...more }, { endpoint: hub.endpoint, ...options })
const open = (url: string, more: Partial<HttpParts> = {}, smallFileBytes?: number) =>
  openUrl(url, createHttpClient({ ...parts, ...more }), smallFileBytes)
const fileUrl = (file: string): string => `${hub.filesOrigin}/${file}`

/** The whole message of a refusal, which never holds the token. */
async function messageOf(work: Promise<unknown>): Promise<string> {
  const outcome: unknown = await work.catch((error: unknown) => error)
  if (!(outcome instanceof Error)) return 'no error'
  expect(outcome.stack).not.toContain(TOKEN)
  return outcome.name === 'CheckpointError' ? outcome.message : `${outcome.name}: ${outcome.message}`
}

async function expectGoldenTensors(folder: FolderSource): Promise<void> {
  const single = await openModelWeights(goldenFolder('tiny_qwen2'))
  const { tensors } = await openWeightsFolder(folder)
  for (const [name, { shape }] of single.tensors)
    expect(await tensors.float32(name, shape), name).toEqual(await single.float32(name, shape))
}

function memoryPieces(): PieceStore & { readonly kept: Map<string, Uint8Array<ArrayBuffer>> } {
  const kept = new Map<string, Uint8Array<ArrayBuffer>>()
  return {
    kept,
    read: (key) => Promise.resolve(kept.get(key)?.slice() ?? null),
    write: (key, bytes) => Promise.resolve(void kept.set(key, bytes.slice())),
  }
}

describe('a model on the Hub', () => {
  it('pins the commit and gives the tensors of the unsharded file', async () => {
    const folder = await openHub()
    expect(folder).toMatchObject({ commit: COMMIT, repo: REPO, name: `${REPO}@main` })
    await expectGoldenTensors(folder)
    const [first, ...rest] = hub.seen
    expect(first?.path).toBe(`/api/models/${REPO}/revision/main?blobs=true`)
    expect(rest.every(({ path, origin }) => origin === 'files' || path.startsWith(`/${REPO}/resolve/${COMMIT}/`))).toBe(true)
    expect(await folder.names?.()).toEqual([...hub.files.keys()])
    expect(await folder.open('tokenizer.model')).toBeNull()
  })

  it('reads one tensor with its own bytes and the headers, never a file', async () => {
    const weights = await openModelWeights(await openHub())
    const before = hub.sentBytes()
    const { byteLength } = weights.info('model.layers.0.mlp.up_proj.weight')
    await weights.float32('model.layers.0.mlp.up_proj.weight')
    expect(hub.sentBytes() - before).toBe(byteLength)
    for (const { path, range } of hub.seen) {
      if (!path.includes('.safetensors') || path.includes('index')) continue
      const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? []
      expect(Number(to) - Number(from) + 1).toBeLessThan((hub.files.get(SHARD)?.length ?? 0) / 2)
    }
  })

  it('sends the token to its own origin only', async () => {
    hub.faults.secured = { token: TOKEN, status: 401 }
    await expectGoldenTensors(await openHub({ token: TOKEN }))
    const sent = new Map(hub.seen.map(({ origin, authorization }) => [origin, authorization]))
    expect(Object.fromEntries(sent)).toEqual({ hub: `Bearer ${TOKEN}`, files: null })
  })

  it('does not send the token on the way back either', async () => {
    const asked: (string | null)[] = []
    const bounce: FetchLike = (url, init) => {
      asked.push(`${new URL(url).host} ${new Headers(init?.headers).get('authorization') ?? 'no token'}`)
      const to = ['https://other.example/', 'https://hub.example/end'][asked.length - 1]
      return Promise.resolve(to === undefined ? new Response('x') : new Response(null, { status: 302, headers: { location: to } }))
    }
    await open('https://hub.example/a', { fetch: bounce, token: TOKEN })
    expect(asked).toEqual([`hub.example Bearer ${TOKEN}`, 'other.example no token', 'hub.example no token'])
  })

  it.each([
    [401, undefined, 'the server asks for an access token (401): the model is private or gated, or does not exist. Give a token that may read it (on the command line: HF_TOKEN).'],
    [401, TOKEN, 'the server does not accept the access token (401); it may have expired, or may not read this model.'],
    [403, TOKEN, 'the server forbids access (403); accept the terms of a gated model on its page, with the account of the access token.'],
  ] as const)('answers %i to token %s with a sentence', async (status, token, sentence) => {
    hub.faults.secured = { token: 'another', status }
    expect(await messageOf(openHub({ token }))).toBe(`${REPO}@main: ${sentence}`)
  }) // prettier-ignore

  it('says what is not there', async () => {
    expect(await messageOf(openHub({}, {}, 'v2'))).toBe(`${REPO}@v2: not found (404); check the name and the revision.`)
    const folder = await openHub()
    hub.files.delete('config.json')
    expect(await messageOf(readText(folder, 'config.json'))).toBe(
      `${hub.endpoint}/${REPO}/resolve/${COMMIT}/config.json: not found (404); check the name and the revision.`,
    )
    expect(await messageOf(openHub({}, {}, 'b'.repeat(40)))).toContain('not found (404)')
  })

  it('checks the list of files', async () => {
    hub.faults.listing = '{"sha": "main", "siblings": []}'
    expect(await messageOf(openHub())).toBe(
      `${REPO}@main: expected the Hub's list of files {sha, siblings: [{rfilename, size}]}, found other JSON`,
    )
    hub.faults.listing = '<html>'
    expect(await messageOf(openHub())).toMatch(/^tiny-org\/tiny_qwen2@main \(list of files\): not valid JSON/)
    hub.faults.listing = JSON.stringify({ sha: 'c'.repeat(40), siblings: [] })
    expect(await messageOf(openHub({}, {}, COMMIT))).toBe(`${REPO}@${COMMIT}: expected commit ${COMMIT}, found ${'c'.repeat(40)}.`)
  })

  it('does without sizes in the list', async () => {
    hub.faults.listing = JSON.stringify({ sha: COMMIT, siblings: Array.from(hub.files.keys(), (rfilename) => ({ rfilename })) })
    await expectGoldenTensors(await openHub())
  })

  it('works in a browser, which hides redirects and headers', async () => {
    hub.faults.secured = { token: TOKEN, status: 401 }
    await expectGoldenTensors(await openHub({ fetch: browserFetch, token: TOKEN }))
    expect(hub.seen.filter(({ origin, authorization }) => origin === 'files' && authorization !== null)).toEqual([])
  })

  it('knows names the Hub can have', () => {
    expect(parseHubModel('Qwen/Qwen2.5-0.5B')).toEqual({ repo: 'Qwen/Qwen2.5-0.5B', revision: 'main' })
    expect(parseHubModel('a/b@refs/pr/1')).toEqual({ repo: 'a/b', revision: 'refs/pr/1' })
    for (const bad of ['gpt2', 'a/b/c', '-a/b', 'a/b.', 'a/b--c', 'a/..', 'a/b.git', 'a/b c', 'ä/b', `a/${'b'.repeat(99)}`, ''])
      expect(() => parseHubModel(bad)).toThrow(
        `${JSON.stringify(bad)} names no model of the Hub: expected owner/name of letters, digits, "-", "_" and ".", at most 96 characters.`,
      )
    for (const bad of ['a/b@', 'a/b@x y', 'a/b@../x', 'a/b@-x', 'a/b@x@y'])
      expect(() => parseHubModel(bad)).toThrow(
        `${JSON.stringify(bad)} names no model of the Hub: expected a branch, tag or commit after "@".`,
      )
  })

  it('refuses a token that no header can carry without quoting it', async () => {
    expect(await messageOf(openHub({ token: `${TOKEN}\n` }))).toBe(
      'The access token has characters that no token has, such as spaces or line breaks; copy it again.',
    )
  })
})

describe('range requests', () => {
  const bytes = goldenBytes('tiny_qwen2/model.safetensors')
  beforeEach(() => hub.files.set('m.safetensors', bytes))
  const source = async (more: Partial<HttpParts> = {}) => {
    const found = await open(fileUrl('m.safetensors'), more)
    if (!found) throw new Error('no file')
    return found.source
  }

  it('go on at the byte where the connection broke', async () => {
    const file = await source()
    hub.faults.drops = { count: 6, afterBytes: 100 }
    expect(await file.read(1000, 900)).toEqual(bytes.slice(1000, 1900))
    expect(hub.seen.map(({ range }) => range).slice(1)).toEqual(
      [1000, 1100, 1200, 1300, 1400, 1500, 1600].map((from) => `bytes=${from}-1899`),
    )
    // Each break came after progress, so none was counted as the second.
    expect(waits).toEqual([500, 500, 500, 500, 500, 500])
  })

  it('give up after five failures without progress', async () => {
    const file = await source()
    hub.faults.drops = { count: 9, afterBytes: 0 }
    expect(await messageOf(file.read(0, 10))).toMatch(
      /^http:\/\/127\.0\.0\.1:\d+\/m\.safetensors: (the connection broke \(UND_ERR_SOCKET\)|no connection \(UND_ERR_SOCKET\)), 5 times in a row\. The server may be down; try again later\.$/,
    )
    expect(waits).toEqual([500, 1000, 2000, 4000])
  })

  it('wait as long as a busy server asks', async () => {
    const file = await source()
    hub.faults.busy = 2
    expect(await file.read(0, 4)).toEqual(bytes.slice(0, 4))
    expect(waits).toEqual([2000, 2000])
    hub.faults.busy = 5
    expect(await messageOf(file.read(0, 4))).toBe(
      `${fileUrl('m.safetensors')}: the server answered 503, 5 times in a row. The server may be down; try again later.`,
    )
  })

  it('notice that the file changed', async () => {
    const file = await source()
    const etag = /"(\w+)"/.exec((await fetch(fileUrl('m.safetensors'))).headers.get('etag') ?? '')?.[1] ?? ''
    hub.faults.etagSuffix = '-2'
    expect(await messageOf(file.read(0, 4))).toBe(
      `${fileUrl('m.safetensors')}: the file changed on the server while it was read: expected "${etag}", found "${etag}-2". Load the model again.`,
    )
    hub.faults.hideEtag = true
    hub.files.set('m.safetensors', bytes.slice(0, 500))
    expect(await messageOf(file.read(0, 4))).toBe(
      `${fileUrl('m.safetensors')}: the file changed on the server while it was read: expected ${bytes.length} bytes, found 500. Load the model again.`,
    )
    expect(await messageOf(file.read(600, 4))).toBe(
      `${fileUrl('m.safetensors')}: the server has no bytes from 600 on (416), expected ${bytes.length} bytes; the file may have changed. Load the model again.`,
    )
    hub.files.delete('m.safetensors')
    expect(await messageOf(file.read(0, 4))).toBe(`${fileUrl('m.safetensors')}: not found (404); check the name and the revision.`)
  })

  it('are not replaced by whole files when a server ignores them', async () => {
    const file = await source()
    hub.faults.ignoreRanges = true
    const sentence = `${fileUrl('m.safetensors')}: the server sends the whole file where a part was asked for (200 instead of 206), and it is too large to be kept whole; use a server with request ranges.`
    expect(await messageOf(file.read(100, 4))).toBe(sentence.replace('request ranges', 'range requests'))
    expect(await messageOf(open(fileUrl('m.safetensors'), {}, 1000))).toBe(sentence.replace('request ranges', 'range requests'))
    // The first bytes are at hand, and a small file may be kept.
    expect(await file.read(0, 4)).toEqual(bytes.slice(0, 4))
    const small = await open(fileUrl('m.safetensors'))
    expect(await small?.source.read(100, 4)).toEqual(bytes.slice(100, 104))
  })

  it('do without Content-Range, which browsers hide unless the server exposes it', async () => {
    hub.faults.exposeContentRange = false
    const kept = await open(fileUrl('m.safetensors'), { fetch: browserFetch })
    expect(await kept?.source.read(100, 4)).toEqual(bytes.slice(100, 104))
    const ranged = await open(fileUrl('m.safetensors'), { fetch: browserFetch }, 1000)
    hub.seen.length = 0
    expect(await ranged?.source.read(100, 4)).toEqual(bytes.slice(100, 104))
    expect(hub.seen.map(({ range }) => range)).toEqual(['bytes=100-103'])
  })

  it('say when a server may be closed to other sites', async () => {
    hub.faults.cors = false
    expect(await messageOf(source({ fetch: browserFetch }))).toBe(
      `${fileUrl('m.safetensors')}: no connection, 5 times in a row. The server may be down, or may not let pages of other sites read it (CORS); try again later.`,
    )
  })

  it('end at once when they are cancelled', async () => {
    const cancel = new AbortController()
    const file = await source({ signal: cancel.signal })
    const asked = hub.seen.length
    hub.faults.drops = { count: 1, afterBytes: 10 }
    const stopped = file.read(0, 900)
    await vi.waitUntil(() => hub.seen.length > asked, { interval: 1 })
    cancel.abort()
    expect(await messageOf(stopped)).toBe('AbortError: This operation was aborted')
    expect(await messageOf(file.read(0, 4))).toBe('AbortError: This operation was aborted')
    expect(hub.seen.length).toBeLessThanOrEqual(asked + 1)
  })

  it('follow no endless or unsafe redirect, and quote no keys', async () => {
    const to =
      (location: string | null): FetchLike =>
      () =>
        Promise.resolve(new Response(null, { status: 302, headers: location === null ? {} : { location } }))
    const address = 'https://x.example/a?key=secret'
    expect(await messageOf(open(address, { fetch: to('/a?key=other') }))).toBe(
      'https://x.example/a: the server redirects more than 10 times',
    )
    expect(await messageOf(open(address, { fetch: to('http://x.example/a') }))).toBe(
      'https://x.example/a: the server redirects from https:// to http://, which is not safe',
    )
    expect(await messageOf(open(address, { fetch: to(null) }))).toBe('https://x.example/a: the server redirects without saying where to')
  })

  it('stay within the file', async () => {
    const file = httpSource(fileUrl('m.safetensors'), bytes.length, createHttpClient(parts))
    expect(await file.read(5, 0)).toHaveLength(0)
    await expect(file.read(bytes.length - 1, 2)).rejects.toThrow('outside a source')
    hub.files.set('empty', new Uint8Array(0))
    expect((await open(fileUrl('empty')))?.source.size).toBe(0)
    expect(await open(fileUrl('absent'))).toBeNull()
  })

  it('leave what the network ledger forbids alone', async () => {
    const forbidden: FetchLike = () => Promise.reject(new Error('Nothing was sent: x is not among the servers allowed in Settings.'))
    expect(await messageOf(source({ fetch: forbidden }))).toBe('Error: Nothing was sent: x is not among the servers allowed in Settings.')
    expect(waits).toEqual([])
  })
})

describe('a folder behind an address', () => {
  it('gives the tensors of the unsharded file, and each answer once', async () => {
    const folder = folderFromUrl(`${hub.endpoint}/folder`, parts, memoryPieces())
    expect(folder.name).toBe(`${hub.endpoint}/folder/`)
    await expectGoldenTensors(folder)
    const asked = hub.seen.length
    await expectGoldenTensors(folder)
    expect(hub.seen).toHaveLength(asked)
  })

  it.each([
    ['model', 'Expected the address of a folder, such as https://example.org/model/.'],
    ['http://example.org/a', 'http://example.org/a: expected an https:// address, or http:// on this computer.'],
    ['ftp://example.org/a', 'ftp://example.org/a: expected an https:// address, or http:// on this computer.'],
    ['https://me:pass@example.org/a', 'https://example.org/a: expected the address of a folder without user name, query or fragment.'],
    ['https://example.org/a?key=k', 'https://example.org/a: expected the address of a folder without user name, query or fragment.'],
  ])('is not %s', (address, sentence) => {
    expect(() => folderAddress(address)).toThrow(sentence)
    expect(folderAddress('https://example.org/a')).toBe('https://example.org/a/')
  })
})

describe('kept pieces', () => {
  it('let an interrupted download go on, and a second use fetch nothing', async () => {
    const pieces = memoryPieces()
    const total = [...hub.files.values()].reduce((sum, bytes) => sum + bytes.length, 0)
    const cancel = new AbortController()
    const first = await openHub({ signal: cancel.signal }, { pieces })
    await readText(first, 'config.json')
    await (await first.open(SHARD))?.read(0, 8)
    cancel.abort()
    const sent = hub.sentBytes()
    const second = await openHub({}, { pieces })
    await expectGoldenTensors(second)
    expect(hub.sentBytes()).toBeLessThanOrEqual(total)
    expect(hub.sentBytes()).toBeGreaterThan(sent)
    // The commit is known by now: nobody is asked for anything.
    hub.seen.length = 0
    await expectGoldenTensors(await openHub({}, { pieces }, COMMIT))
    expect(hub.seen).toEqual([])
  })

  it('are fetched in runs, once each, and again when damaged', async () => {
    const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i % 251)
    hub.files.set('data', bytes)
    const pieces = memoryPieces()
    const far = httpSource(fileUrl('data'), 1000, createHttpClient(parts))
    const source = cachedSource(far, 'version 1', pieces, 64)
    const ranges = (): (string | null)[] => hub.seen.splice(0).map(({ range }) => range)
    expect(await source.read(130, 10)).toEqual(bytes.slice(130, 140))
    expect(ranges()).toEqual(['bytes=128-191'])
    const reads = await Promise.all([source.read(0, 600), source.read(10, 300), source.read(990, 10)])
    expect(reads).toEqual([bytes.slice(0, 600), bytes.slice(10, 310), bytes.slice(990)])
    expect(ranges()).toEqual(['bytes=0-127', 'bytes=192-447', 'bytes=448-639', 'bytes=960-999'])
    const [key = ''] = [...pieces.kept.keys()].filter((name) => name.endsWith('-2'))
    pieces.kept.set(key, new Uint8Array(3))
    const again = cachedSource(far, 'version 1', pieces, 64)
    expect(await again.read(0, 600)).toEqual(bytes.slice(0, 600))
    expect(ranges()).toEqual(['bytes=128-191'])
    // Another version has pieces of its own.
    expect(await cachedSource(far, 'version 2', pieces, 64).read(0, 64)).toEqual(bytes.slice(0, 64))
    expect(ranges()).toEqual(['bytes=0-63'])
    await expect(source.read(999, 2)).rejects.toThrow('outside a source')
  })
})

it('a folder of pickles is refused with advice', async () => {
  const files = goldenFiles('tiny_qwen2').set('pytorch_model.bin', encode('x'))
  files.delete('model.safetensors')
  hub.files.clear()
  for (const [name, bytes] of files) hub.files.set(name, bytes)
  expect(await messageOf(openHub().then(openModelWeights))).toBe(
    `${REPO}@main: expected model.safetensors, found pytorch_model.bin. Pickled weights can run code when opened, so Hone reads safetensors only; convert with \`model.save_pretrained(folder)\``,
  )
})

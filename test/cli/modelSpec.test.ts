/** Models as they are named on the command line: on the Hub, behind an address, in a folder. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { openModel } from '../../src/cli/modelSpec'
import { goldenFiles } from '../models/files'
import { COMMIT, serveHub, type HubServer } from '../support/hubServer'
import { projectRoot } from '../support/sources'
import { temporaryDirectory, testContext } from './commandContext'

const REPO = 'tiny-org/tiny_qwen2'
let hub: HubServer
beforeEach(async () => {
  // The starter's tokenizer cut down to the tiny model's 96 ids would be none: a word for each id will do.
  const vocab = Object.fromEntries(Array.from({ length: 96 }, (_, id) => [String.fromCharCode(0x100 + id), id]))
  const tokenizer = readFileSync(join(projectRoot, 'public/starter/tokenizer.json'), 'utf8')
  const tiny = Object.assign({}, JSON.parse(tokenizer), { model: { type: 'BPE', vocab, merges: [] }, added_tokens: [] }) as object
  hub = await serveHub(REPO, goldenFiles('tiny_qwen2').set('tokenizer.json', new TextEncoder().encode(JSON.stringify(tiny))))
  vi.stubEnv('HF_ENDPOINT', hub.endpoint)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await hub.close()
})

it('hf:OWNER/NAME pins the commit, keeps what it fetched and tells how far it is', async () => {
  vi.stubEnv('HF_TOKEN', 'hf_secret')
  hub.faults.secured = { token: 'hf_secret', status: 401 }
  const { context, said } = testContext({ fetch: (input, init) => fetch(input, init) })
  const model = await openModel(`hf:${REPO}`, 1, context)
  expect(model).toMatchObject({ id: `hf:${REPO}@${COMMIT}`, title: REPO })
  expect(await model.reader.read('model.norm.weight', [32])).toHaveLength(32)
  expect(said.at(-1)).toMatch(/^tiny-org\/tiny_qwen2: 0\.\d of 0\.\d MB$/)
  expect(hub.seen.filter(({ origin, authorization }) => (origin === 'hub') !== (authorization === 'Bearer hf_secret'))).toEqual([])
  hub.seen.length = 0
  const again = await openModel(model.id, 1, testContext({ homeDirectory: context.homeDirectory }).context)
  expect(again.sha256).toBe(model.sha256)
  expect(hub.seen).toEqual([])
  expect(readdirSync(join(context.homeDirectory, 'downloads'))).toEqual(['tiny-org--tiny_qwen2'])
  const random = await openModel(`random:hf:${REPO}`, 1, context)
  expect(random.title).toBe(`random:${REPO}`)
})

it('an address is a folder too, and gets no token', async () => {
  vi.stubEnv('HF_TOKEN', 'hf_secret')
  const { context } = testContext({ fetch: (input, init) => fetch(input, init) })
  const model = await openModel(`${hub.endpoint}/folder`, 1, context)
  expect(model.id).toBe(`${hub.endpoint}/folder/`)
  expect(hub.seen.every(({ authorization }) => authorization === null)).toBe(true)
})

it.each([
  ['hf:gpt2', '"gpt2" names no model of the Hub: expected owner/name of letters, digits, "-", "_" and ".", at most 96 characters.'],
  ['http://example.org/model', 'http://example.org/model: expected an https:// address, or http:// on this computer.'],
  ['nowhere', 'There is no model folder nowhere; a model is starter, a folder, hf:OWNER/NAME, the address of a folder, or random:FOLDER.'],
])('%s is one sentence', async (spec, sentence) => {
  await expect(openModel(spec, 1, testContext().context)).rejects.toThrow(sentence)
})

it('a file is not a folder, and a pickle no model', async () => {
  const file = join(temporaryDirectory(), 'model.pt')
  writeFileSync(file, 'x')
  await expect(openModel(file, 1, testContext().context)).rejects.toThrow(
    `${file} is a file; name the folder it is in. Pickled weights can run code when opened, so Hone reads safetensors only; convert with \`model.save_pretrained(folder)\`.`,
  )
})

/** What is kept of a model's packed weights in Node: by version of its files, and no longer than the model. */
import { mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openModel } from '../../src/cli/modelSpec'
import { keptModel } from '../../src/cli/node/packedFiles'
import { goldenFiles } from '../models/files'
import { temporaryDirectory, testContext } from './commandContext'

const tensor = { name: 'model.embed_tokens.weight', format: 'int4', bytes: 8 } as const
const keep = async (home: string, spec: string, identity: string): Promise<void> =>
  (await keptModel(home, spec, identity)).packed.keep(tensor, () => Promise.resolve(new Uint8Array(8).fill(7)))
async function isKept(home: string, spec: string, identity: string): Promise<boolean> {
  const found: number[] = []
  const whole = await (await keptModel(home, spec, identity)).packed.load(tensor, (bytes) => void found.push(...bytes))
  return whole && found.join() === '7,7,7,7,7,7,7,7'
}

it('a version is kept until another takes its place', async () => {
  const home = temporaryDirectory()
  await keep(home, 'hf:a/b', 'one')
  await keep(home, 'hf:a/c', 'one')
  expect(await isKept(home, 'hf:a/b', 'one')).toBe(true)
  expect(await isKept(home, 'hf:a/b', 'two')).toBe(false)
  expect(await isKept(home, 'hf:a/b', 'one')).toBe(false)
  expect(await isKept(home, 'hf:a/c', 'one')).toBe(true)
})

it('goes with the folder it belongs to', async () => {
  const home = temporaryDirectory()
  const [here, gone] = [join(home, 'here'), join(home, 'gone')]
  for (const folder of [here, gone]) {
    mkdirSync(folder)
    await keep(home, folder, 'one')
  }
  expect(readdirSync(join(home, 'packed'))).toHaveLength(2)
  rmSync(gone, { recursive: true })
  expect(await isKept(home, here, 'one')).toBe(true)
  expect(readdirSync(join(home, 'packed'))).toHaveLength(1)
})

it('a folder is hashed once, and again when a file changed', async () => {
  const folder = temporaryDirectory()
  const vocab = Object.fromEntries(Array.from({ length: 96 }, (_, id) => [String.fromCharCode(0x100 + id), id]))
  const tokenizer = new TextEncoder().encode(JSON.stringify({ model: { type: 'BPE', vocab, merges: [] } }))
  for (const [name, bytes] of goldenFiles('tiny_packed').set('tokenizer.json', tokenizer)) writeFileSync(join(folder, name), bytes)
  const { context } = testContext()
  const hashOf = async (): Promise<string> => {
    const model = await openModel(folder, 1, context, { weights: 'int4', kv: 'f32' })
    await model.close()
    expect(model.reader.packed).toBeDefined()
    return model.sha256
  }
  const first = await hashOf()
  expect(await hashOf()).toBe(first)
  // A blank more.
  writeFileSync(join(folder, 'tokenizer.json'), new TextDecoder().decode(tokenizer).replace('"merges":[]', '"merges":[ ]'))
  utimesSync(join(folder, 'tokenizer.json'), new Date(), new Date(Date.now() + 5000))
  expect(await hashOf()).not.toBe(first)
})

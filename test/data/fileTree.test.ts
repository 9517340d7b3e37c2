/** Data that a user gives a benchmark: a folder, an archive or one file, each a tree of files. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BlobWriter, TextReader, ZipWriter } from '@zip.js/zip.js'
import { expect, test } from 'vitest'
import { openFileTree } from '../../src/cli/node/fileTree'
import { fileOrArchive } from '../../src/data/files/blobTree'

async function archive(files: Readonly<Record<string, string>>): Promise<Blob> {
  const writer = new ZipWriter(new BlobWriter('application/zip'))
  for (const [path, text] of Object.entries(files)) await writer.add(path, new TextReader(text))
  return writer.close()
}

test('a folder, an archive and a file give their paths and texts', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hone-tree-'))
  mkdirSync(join(folder, 'tools', 'Food'), { recursive: true })
  writeFileSync(join(folder, 'tools', 'Food', 'soup.json'), '{"a": 1}')
  writeFileSync(join(folder, 'ids.json'), '[]')
  const tree = await openFileTree(`${folder}/`)
  expect(await tree.paths()).toEqual(['ids.json', 'tools/Food/soup.json'])
  expect(await (await tree.blob('tools/Food/soup.json'))?.text()).toBe('{"a": 1}')
  expect(await tree.blob('tools/Food/none.json')).toBeNull()
  expect(await tree.blob('../../etc/passwd')).toBeNull()

  const zip = await archive({ 'tools/Food/soup.json': '{"a": 1}', 'ids.json': '[]' })
  writeFileSync(join(folder, 'data.zip'), new Uint8Array(await zip.arrayBuffer()))
  const inside = await openFileTree(join(folder, 'data.zip'))
  expect(inside.title).toBe('data.zip')
  expect(await inside.paths()).toEqual(['ids.json', 'tools/Food/soup.json'])
  expect(await (await inside.blob('tools/Food/soup.json'))?.text()).toBe('{"a": 1}')
  expect(await inside.blob('tools')).toBeNull()

  const one = await openFileTree(join(folder, 'ids.json'))
  expect(await one.paths()).toEqual(['ids.json'])
  expect(await (await one.blob('ids.json'))?.text()).toBe('[]')
})

test('a path with nothing under it and a damaged archive have their own sentence', async () => {
  await expect(openFileTree('/nowhere/at-all')).rejects.toThrow('There is no file or folder /nowhere/at-all.')
  const zip = await archive({ 'a.json': '{}'.repeat(400) })
  await expect(fileOrArchive(zip.slice(0, zip.size - 60), 'cut.zip')).rejects.toThrow(/^cut\.zip: expected a zip archive: /)
  const bytes = new Uint8Array(await zip.arrayBuffer())
  bytes.fill(0xff, 45, 60)
  const damaged = await fileOrArchive(new Blob([bytes]), 'damaged.zip')
  await expect(damaged.blob('a.json')).rejects.toThrow(/^damaged\.zip: a\.json cannot be read from the archive: /)
})

test('an entry that unpacks to far more than its archive is refused before it is unpacked', async () => {
  const bomb = await archive({ 'bomb.json': ' '.repeat(300 << 20) })
  expect(bomb.size).toBeLessThan(1 << 20)
  const tree = await fileOrArchive(bomb, 'bomb.zip')
  await expect(tree.blob('bomb.json')).rejects.toThrow('bomb.zip: bomb.json: expected at most 268435456 bytes, found 314572800.')
})

test('an entry that holds more than the directory of its archive says is not unpacked past that', async () => {
  const bytes = new Uint8Array(await (await archive({ 'small.json': ' '.repeat(64 << 20) })).arrayBuffer())
  const view = new DataView(bytes.buffer)
  // Bytes 24 to 27 of an entry in the directory are its size unpacked.
  const entry = bytes.length - 22 - view.getUint32(bytes.length - 22 + 12, true)
  expect(view.getUint32(entry, true)).toBe(0x02014b50)
  view.setUint32(entry + 24, 1000, true)
  const tree = await fileOrArchive(new Blob([bytes]), 'lying.zip')
  await expect(tree.blob('small.json')).rejects.toThrow(
    'lying.zip: small.json cannot be read from the archive: Error: Invalid uncompressed size.',
  )
})

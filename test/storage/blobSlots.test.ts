import { describe, expect, it } from 'vitest'
import { createBlobSlots, HEADER_BYTES, StoredBlobError } from '../../src/storage/blobSlots'
import { createDirectoryFiles } from '../../src/storage/browserStore'
import { crc32 } from '../../src/storage/crc32'
import { FakeDirectory, Killed } from './fakeDirectory'

const bytes = (value: number, length = 40): Uint8Array => new Uint8Array(length).fill(value)

it('crc32 gives the standard check value, whatever the length', () => {
  expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926)
  expect(crc32(new Uint8Array(0))).toBe(0)
  expect(crc32(new TextEncoder().encode('The quick brown fox jumps over the lazy dog'))).toBe(0x414fa339)
})

describe('a write killed at any moment', () => {
  it('leaves the copy from before or the new one whole, and the next write works', async () => {
    const cost = HEADER_BYTES + 40 + 3
    const outcomes = new Set<number | undefined>()
    for (let budget = 0; budget <= cost; budget++) {
      const directory = new FakeDirectory()
      const before = createBlobSlots(createDirectoryFiles(directory))
      await before.write('model', bytes(1, 30))
      await before.write('model', bytes(2))
      directory.budget = budget
      const write = before.write('model', bytes(3))
      if (budget < cost) await expect(write).rejects.toThrow(Killed)
      else await write
      directory.budget = Number.POSITIVE_INFINITY
      // A new process over the same files.
      const after = createBlobSlots(createDirectoryFiles(directory))
      const found = await after.read('model')
      outcomes.add(found?.[0])
      expect(found).toEqual(bytes(found?.[0] ?? 0))
      expect(await after.list()).toEqual([{ name: 'model', bytes: 40 }])
      await after.write('model', bytes(4))
      expect(await after.read('model')).toEqual(bytes(4))
    }
    expect(outcomes).toEqual(new Set([2, 3]))
  })

  it('again and again never loses the last whole copy', async () => {
    const directory = new FakeDirectory()
    const slots = createBlobSlots(createDirectoryFiles(directory))
    await slots.write('model', bytes(1))
    // 36 bytes of the header say everything; the rest is zero, as the file is already.
    for (let budget = 0; budget < 40 + 2 + 36; budget += 7) {
      directory.budget = budget
      await expect(slots.write('model', bytes(9))).rejects.toThrow(Killed)
      directory.budget = Number.POSITIVE_INFINITY
      expect(await slots.read('model')).toEqual(bytes(1))
    }
  })

  it('the very first one: there is no blob, and no error', async () => {
    for (const budget of [0, 1, 20, 60]) {
      const directory = new FakeDirectory()
      const slots = createBlobSlots(createDirectoryFiles(directory))
      directory.budget = budget
      await expect(slots.write('model', bytes(1))).rejects.toThrow(Killed)
      directory.budget = Number.POSITIVE_INFINITY
      expect(await slots.read('model')).toBeNull()
      expect(await slots.list()).toEqual([])
    }
  })
})

describe('damage', () => {
  async function twoCopies() {
    const directory = new FakeDirectory()
    const slots = createBlobSlots(createDirectoryFiles(directory))
    await slots.write('model', bytes(1))
    await slots.write('model', bytes(2))
    const flip = (file: string, at: number): void => {
      const content = directory.files.get(file)
      if (!content) throw new Error(`no ${file}`)
      content[at] = (content[at] ?? 0) ^ 1
    }
    return { slots, flip, directory }
  }

  it.each([
    ['in the content', HEADER_BYTES + 25],
    ['in the header', 12],
    ['in the mark', 0],
  ])('%s of the newest copy: the older one is read', async (_, at) => {
    const { slots, flip } = await twoCopies()
    flip('model.1', at)
    expect(await slots.read('model')).toEqual(bytes(1))
  })

  it('a newest copy that was cut short: the older one is read', async () => {
    const { slots, directory } = await twoCopies()
    directory.files.set('model.1', directory.files.get('model.1')?.slice(0, 80) ?? new Uint8Array(0))
    expect(await slots.read('model')).toEqual(bytes(1))
  })

  it('of the newest copy’s content is never the reason to write over the older one', async () => {
    const { slots, flip, directory } = await twoCopies()
    flip('model.1', HEADER_BYTES + 25)
    expect(await slots.read('model')).toEqual(bytes(1))
    directory.budget = HEADER_BYTES
    await expect(slots.write('model', bytes(3))).rejects.toThrow(Killed)
    directory.budget = Number.POSITIVE_INFINITY
    expect(await slots.read('model')).toEqual(bytes(1))
  })

  it('in both copies: an error that names the file, and the others are not affected', async () => {
    const { slots, flip } = await twoCopies()
    await slots.write('other', bytes(5))
    flip('model.0', HEADER_BYTES)
    flip('model.1', HEADER_BYTES)
    await expect(slots.read('model')).rejects.toThrow(new StoredBlobError('model'))
    await expect(slots.read('model')).rejects.toThrow('The stored file model is damaged in every copy; it has to be made again.')
    expect(await slots.read('other')).toEqual(bytes(5))
    await slots.write('model', bytes(6))
    expect(await slots.read('model')).toEqual(bytes(6))
  })
})

it('says that there is no room when a host takes no bytes', async () => {
  const directory = new FakeDirectory()
  directory.largestWrite = 0
  await expect(createBlobSlots(createDirectoryFiles(directory)).write('model', bytes(1))).rejects.toThrow('no space for this file')
})

/** The directory of a run of which something was damaged: it is said, what is whole is read, and the run is repaired as far as possible. */
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { RunRecord } from '../../src/records/run'
import { openFolderStore, type FolderStore } from '../../src/storage/folderStore'
import { newRun } from '../../src/studio/runs/newRun'
import { temporaryDirectory } from '../cli/commandContext'

const record = (changes: Partial<RunRecord> = {}): RunRecord => ({
  ...newRun({
    ...{ runId: 'run-1', kind: 'train', title: 'a run', algorithm: 'sft', config: { 2: 'two', lora_r: 8, 1: 'one' }, seed: 1 },
    ...{ model: { id: 'm', sha256: 'abc' }, adapter: null, worldHash: null, now: '2026-01-01T00:00:00.000Z' },
  }),
  ...changes,
})

async function storedRun(steps: number): Promise<string> {
  const directory = temporaryDirectory()
  const store = openFolderStore(temporaryDirectory())
  await store.folders.place('run-1', 'train', directory)
  for (let step = 0; step < steps; step++) {
    await store.metrics.append('run-1', { step: [step], columns: { loss: [step / 3], reward: [null] } })
    await store.runs.put(record({ steps_done: step + 1 }))
  }
  return directory
}

async function opened(directory: string): Promise<FolderStore> {
  const store = openFolderStore(temporaryDirectory())
  expect(await store.folders.open(directory)).toBe('run-1')
  return store
}

const change = (path: string, from: string | RegExp, to: string): void => {
  const before = readFileSync(path, 'utf8')
  const after = before.replace(from, to)
  expect(after).not.toBe(before)
  writeFileSync(path, after)
}

test('a run that is whole says nothing, also when its files carry no checksums', async () => {
  const directory = await storedRun(3)
  expect(await (await opened(directory)).folders.damage('run-1')).toEqual([])
  const withoutChecksum = (file: string): void => change(join(directory, file), /,\s*"crc32": ?\d+/g, '')
  for (const file of ['run.json', 'run.previous.json', 'metrics.jsonl']) withoutChecksum(file)
  const store = await opened(directory)
  expect(await store.folders.damage('run-1')).toEqual([])
  expect(await store.runs.get('run-1')).toEqual(record({ steps_done: 3 }))
  expect((await store.metrics.of('run-1')).step).toEqual([0, 1, 2])
  await store.metrics.append('run-1', { step: [3], columns: { loss: [1], reward: [1] } })
  expect((await store.metrics.of('run-1')).step).toEqual([0, 1, 2, 3])
})

test.each([
  ['another digit', /"loss":0.333/, '"loss":0.933'],
  ['text in the middle', /"step":1/, '"st\u0000p":1'],
])('a damaged line of metrics.jsonl is named and left out: %s', async (_name, from, to) => {
  const directory = await storedRun(4)
  change(join(directory, 'metrics.jsonl'), from, to)
  const store = await opened(directory)
  expect((await store.metrics.of('run-1')).step).toEqual([0, 2, 3])
  expect(await store.folders.damage('run-1')).toEqual([
    'metrics.jsonl has a damaged line (2): the metrics of their steps are missing, unless these steps are taken again.',
  ])
  // Taken again from step 1 on, every step is there once.
  for (const step of [1, 2, 3]) await store.metrics.append('run-1', { step: [step], columns: { loss: [9], reward: [0] } })
  const again = await opened(directory)
  expect(await again.metrics.of('run-1')).toEqual({ step: [0, 1, 2, 3], columns: { loss: [0, 9, 9, 9], reward: [null, 0, 0, 0] } })
  expect(await again.folders.damage('run-1')).toEqual([])
})

test('metric rows are unique by step, whatever two processes wrote; half a last line is no damage', async () => {
  const directory = await storedRun(4)
  const path = join(directory, 'metrics.jsonl')
  appendFileSync(path, readFileSync(path, 'utf8').split('\n').slice(2, 4).join('\n'))
  appendFileSync(path, '\n{"step":4,"lo')
  const store = await opened(directory)
  expect((await store.metrics.of('run-1')).step).toEqual([0, 1, 2, 3])
  expect(await store.folders.damage('run-1')).toEqual([])
  await store.metrics.append('run-1', { step: [4], columns: { loss: [4], reward: [1] } })
  expect(readFileSync(path, 'utf8').trimEnd().split('\n')).toHaveLength(5)
})

test.each([
  [
    'half of it',
    (path: string) => writeFileSync(path, readFileSync(path, 'utf8').slice(0, 200)),
    /^run\.json was damaged or changed by hand/,
  ],
  ['another value', (path: string) => change(path, '"steps_done": 3', '"steps_done": 2'), /^run\.json was damaged or changed by hand/],
  ['zeros', (path: string) => writeFileSync(path, new Uint8Array(512)), /^run\.json was damaged or changed by hand/],
  ['gone', (path: string) => rmSync(path), /^run\.json is missing/],
])('a damaged run.json is said, and the record before it is used: %s', async (_name, damage, said) => {
  const directory = await storedRun(3)
  damage(join(directory, 'run.json'))
  const store = await opened(directory)
  expect(await store.runs.get('run-1')).toEqual(record({ steps_done: 2 }))
  expect(await store.folders.damage('run-1')).toEqual([expect.stringMatching(said)])
  // The next write repairs it, and does not spoil the copy that was whole.
  await store.runs.put(record({ steps_done: 5 }))
  const again = await opened(directory)
  expect(await again.runs.get('run-1')).toEqual(record({ steps_done: 5 }))
  expect(await again.folders.damage('run-1')).toEqual([])
})

test('without a whole copy a changed record is used with a word, and one that is no JSON is not replaced', async () => {
  const directory = await storedRun(1)
  expect(existsSync(join(directory, 'run.previous.json'))).toBe(false)
  change(join(directory, 'run.json'), '"seed": 1', '"seed": 2')
  const store = await opened(directory)
  expect(await store.runs.get('run-1')).toEqual(record({ steps_done: 1, seed: 2 }))
  expect((await store.folders.damage('run-1'))[0]).toMatch(/no earlier copy is whole\. It is used as it is\.$/)
  writeFileSync(join(directory, 'run.json'), '{"version": 1, "run')
  await expect(openFolderStore(temporaryDirectory()).folders.open(directory)).rejects.toThrow(
    'is no run record of Hone: choose another --out.',
  )
})

test('runs in the home directory are listed, also those that another process began since', async () => {
  const home = temporaryDirectory()
  const store = openFolderStore(home)
  expect((await store.runs.list()).records).toEqual([])
  const other = openFolderStore(home)
  for (const id of ['run-2', 'run-1']) {
    await other.folders.place(id, 'train', join(home, 'runs', `directory-of-${id}`))
    await other.runs.put(record({ run_id: id }))
    await other.metrics.append(id, { step: [0], columns: { loss: [1] } })
  }
  writeFileSync(join(home, 'runs', 'a-file'), '')
  expect((await store.runs.list()).records.map(({ run_id }) => run_id)).toEqual(['run-1', 'run-2'])
  expect((await store.metrics.of('run-2')).step).toEqual([0])
  expect(await openFolderStore(home).runs.get('run-2')).toEqual(record({ run_id: 'run-2' }))
  expect(await openFolderStore(home).runs.get('run-3')).toBeNull()
})

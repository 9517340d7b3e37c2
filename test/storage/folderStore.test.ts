/** Runs in directories of their own: what lies there, and what is read back, also of a run that was killed or begun by an earlier Hone. */
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { RunRecord } from '../../src/records/run'
import { openFolderStore } from '../../src/storage/folderStore'
import { newRun } from '../../src/studio/runs/newRun'
import { temporaryDirectory } from '../cli/commandContext'

const record = (changes: Partial<RunRecord> = {}): RunRecord => ({
  ...newRun({
    runId: 'run-1',
    kind: 'train',
    title: 'a run',
    algorithm: 'sft',
    config: { lora_r: 8 },
    model: { id: 'm', sha256: 'abc' },
    seed: 1,
    adapter: null,
    worldHash: null,
    now: '2026-01-01T00:00:00.000Z',
  }),
  ...changes,
})
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const lines = (file: string): string[] => readFileSync(file, 'utf8').trim().split('\n')

test('a run’s record, metrics, checkpoints and files lie in its directory under plain names', async () => {
  const directory = join(temporaryDirectory(), 'new')
  const store = openFolderStore(temporaryDirectory())
  await store.folders.place('run-1', 'train', directory)
  await store.runs.put(record())
  await store.metrics.append('run-1', { step: [0, 1], columns: { loss: [1, null], reward: [0.5, 0.25] } })
  await store.metrics.append('run-1', { step: [2], columns: { loss: [3] } })
  await store.writeBlob('runs/run-1/checkpoint', bytes('one'))
  await store.writeBlob('runs/run-1/checkpoint', bytes('two'))
  await store.writeBlob('runs/run-1/adapter/adapter_config.json', bytes('{}'))
  await store.writeBlob('runs/run-1/best-adapter/adapter_config.json', bytes('{"best": true}'))
  await store.writeBlob('runs/run-1/init-adapter/adapter_config.json', bytes('{"first": true}'))
  await store.writeBlob('runs/run-1/detail.json', bytes('{}'))
  expect(readdirSync(directory).sort()).toEqual(
    ['adapter_config.json', 'best', 'checkpoint.0', 'checkpoint.1', 'detail.json', 'init-adapter', 'metrics.jsonl', 'run.json'].sort(),
  )
  expect(lines(join(directory, 'metrics.jsonl')).map((line) => line.replace(/,"crc32":\d+/, ''))).toEqual([
    '{"step":0,"loss":1,"reward":0.5}',
    '{"step":1,"loss":null,"reward":0.25}',
    '{"step":2,"loss":3}',
  ])
  expect((await store.listBlobs((name) => name.startsWith('runs/'))).map(({ name }) => name)).toEqual([
    'runs/run-1/adapter/adapter_config.json',
    'runs/run-1/best-adapter/adapter_config.json',
    'runs/run-1/checkpoint',
    'runs/run-1/detail.json',
    'runs/run-1/init-adapter/adapter_config.json',
  ])

  const again = openFolderStore(temporaryDirectory())
  expect(await again.folders.open(directory)).toBe('run-1')
  expect(await again.runs.get('run-1')).toEqual(record())
  expect((await again.runs.list()).records).toEqual([record()])
  expect(await again.metrics.of('run-1')).toEqual({ step: [0, 1, 2], columns: { loss: [1, null, 3], reward: [0.5, 0.25, null] } })
  expect(await again.readBlob('runs/run-1/checkpoint')).toEqual(bytes('two'))
  expect(await again.readBlob('runs/run-1/best-adapter/adapter_config.json')).toEqual(bytes('{"best": true}'))
  expect(await again.readBlob('runs/run-1/adapter/model.safetensors')).toBeNull()
})

test('steps that are taken again replace those after the checkpoint, and half a line of a killed process', async () => {
  const directory = temporaryDirectory()
  const first = openFolderStore(temporaryDirectory())
  await first.folders.place('run-1', 'train', directory)
  await first.runs.put(record())
  for (let step = 0; step < 5; step++) await first.metrics.append('run-1', { step: [step], columns: { loss: [step] } })
  appendFileSync(join(directory, 'metrics.jsonl'), '{"step":5,"lo')
  const second = openFolderStore(temporaryDirectory())
  await second.folders.open(directory)
  expect((await second.metrics.of('run-1')).step).toEqual([0, 1, 2, 3, 4])
  await second.metrics.append('run-1', { step: [3], columns: { loss: [33] } })
  expect(lines(join(directory, 'metrics.jsonl')).map((line) => (JSON.parse(line) as { loss: number }).loss)).toEqual([0, 1, 2, 33])
})

test('evaluations are written when the run that made them names them; an exam or rollout leaves no record of its own', async () => {
  const evaluation = (id: string) => ({
    ...{ version: 1 as const, evaluation_id: id, title: 't', benchmark: 'b', split: 's', strategy: 'cot', call_budget: 6, temperature: 0 },
    ...{
      judge: 'world',
      prompt_hash: null,
      world_hash: 'w',
      model: { id: 'm', adapter_sha256: null },
      seed: 1,
      created_at: 'now',
      rows: [],
    },
  })
  const [directory, story] = [temporaryDirectory(), temporaryDirectory()]
  const store = openFolderStore(temporaryDirectory())
  await store.folders.place('run-2', 'evaluate', directory)
  await store.runs.put(record({ run_id: 'run-2', kind: 'evaluate' }))
  await store.evaluations.put(evaluation('e1'))
  expect(existsSync(join(directory, 'evaluation.json'))).toBe(false)
  await store.runs.put(record({ run_id: 'run-2', kind: 'evaluate', evaluations: ['e1'] }))
  expect(readdirSync(directory)).toEqual(['evaluation.json'])
  expect(await store.evaluations.get('e1')).toMatchObject({ evaluation_id: 'e1', rows: [] })
  expect((await store.runs.get('run-2'))?.evaluations).toEqual(['e1'])

  await store.folders.place('run-3', 'story', story)
  await store.evaluations.put(evaluation('e2'))
  await store.runs.put(record({ run_id: 'run-3', kind: 'story', evaluations: ['e2'] }))
  await store.evaluations.put(evaluation('e3'))
  await store.runs.put(record({ run_id: 'run-3', kind: 'story', evaluations: ['e2', 'e3'] }))
  expect(readdirSync(story).sort()).toEqual(['evaluation-2.json', 'evaluation.json', 'run.json', 'run.previous.json'])
  expect((await store.evaluations.list()).records.map(({ evaluation_id }) => evaluation_id)).toEqual(['e1', 'e2', 'e3'])
})

test('a run outside the home is listed by every later store of that home, and by no other home’s', async () => {
  const home = temporaryDirectory()
  const outside = join(temporaryDirectory(), 'deep', 'out\nside')
  const store = openFolderStore(home)
  await store.folders.place('run-1', 'train', outside)
  await store.runs.put(record())
  await store.folders.place('run-2', 'train', join(home, 'runs', 'two'))
  await store.runs.put(record({ run_id: 'run-2' }))
  const listed = async (directory: string): Promise<string[]> =>
    (await openFolderStore(directory).runs.list()).records.map(({ run_id }) => run_id)
  expect(await listed(home)).toEqual(['run-1', 'run-2'])
  expect(await listed(temporaryDirectory())).toEqual([])
  // A run that takes the same directory takes its place in the list.
  const later = openFolderStore(home)
  await later.folders.place('run-3', 'train', outside)
  await later.runs.put(record({ run_id: 'run-3' }))
  expect(await listed(home)).toEqual(['run-2', 'run-3'])
  expect(lines(join(home, 'run-folders.jsonl')).map((line) => JSON.parse(line) as unknown)).toEqual([outside])
  expect(openFolderStore(home).folders.directoryOf('run-3')).toBeNull()
  // A directory that is gone, and half a line of a killed process, hide nothing else.
  rmSync(outside, { recursive: true })
  appendFileSync(join(home, 'run-folders.jsonl'), '"/no/such')
  expect(await listed(home)).toEqual(['run-2'])
})

test('a new run removes what a finished one left; a stranger’s file is not replaced', async () => {
  const directory = temporaryDirectory()
  const store = openFolderStore(temporaryDirectory())
  await store.folders.place('run-1', 'train', directory)
  await store.runs.put(record({ status: 'finished' }))
  await store.metrics.append('run-1', { step: [0], columns: { loss: [1] } })
  await store.writeBlob('runs/run-1/checkpoint', bytes('one'))
  mkdirSync(join(directory, 'practice'))
  await store.folders.place('run-2', 'train', directory)
  expect(readdirSync(directory)).toEqual(['run.json'])
  expect((await store.metrics.of('run-2')).step).toEqual([])
  writeFileSync(join(directory, 'run.json'), '{"mine": true}')
  await expect(store.folders.open(directory)).rejects.toThrow('is no run record of Hone: choose another --out.')
  expect(await openFolderStore(temporaryDirectory()).folders.open(temporaryDirectory())).toBeNull()
})

test('blobs that all runs share are on disk: another process reads, lists and removes them', async () => {
  const home = temporaryDirectory()
  const store = openFolderStore(home)
  expect(await store.listBlobs()).toEqual([])
  for (const name of ['kernels/table.json', 'tool-recordings/weather']) await store.writeBlob(name, bytes(name))
  const other = openFolderStore(home)
  expect((await other.listBlobs()).map(({ name }) => name)).toEqual(['kernels/table.json', 'tool-recordings/weather'])
  expect(new TextDecoder().decode((await other.readBlob('tool-recordings/weather')) ?? new Uint8Array())).toBe('tool-recordings/weather')
  await other.removeBlob('tool-recordings/weather')
  expect(await openFolderStore(home).readBlob('tool-recordings/weather')).toBeNull()
  expect((await other.listBlobs((name) => name.startsWith('tool-'))).length).toBe(0)
})

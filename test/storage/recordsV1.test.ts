/** What the version before stored (a store it wrote lies in test/fixtures/records-v1) is listed, opened and migrated. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { resolveRewards } from '../../src/annotation/resolver'
import { stepsOf, trajectory } from '../../src/records/trajectory'
import { openNodeStore } from '../../src/storage/nodeStore'

const FIXTURE = new URL('../fixtures/records-v1', import.meta.url).pathname
const FOLDER = join(FIXTURE, 'records/trajectories')

function copy(): string {
  const directory = mkdtempSync(join(process.env.HONE_TEST_DIRECTORY ?? tmpdir(), 'records-v1-'))
  cpSync(FIXTURE, directory, { recursive: true })
  return directory
}
const storedShape = z.looseObject({
  version: z.literal(1),
  query: z.string(),
  steps: z.array(z.looseObject({ observation: z.string().nullable(), tokens: z.unknown() })),
})
const written = (name: string) =>
  storedShape.parse(z.object({ value: z.unknown() }).parse(JSON.parse(readFileSync(join(FOLDER, name), 'utf8'))).value)

test('every trajectory of version 1 is listed, and its steps say the same', async () => {
  const store = await openNodeStore(copy())
  const [dataset] = (await store.datasets.list()).records
  const [run] = (await store.runs.list()).records
  const imported = await store.trajectories.listOf({ dataset_id: dataset?.dataset_id ?? '' })
  const rolled = await store.trajectories.listOf({ run_id: run?.run_id ?? '' })
  expect([...imported.corrupt, ...rolled.corrupt]).toEqual([])
  const records = [...imported.records, ...rolled.records]
  expect(records).toHaveLength(2)
  for (const [index, name] of readdirSync(FOLDER).sort().entries()) {
    const [old, now] = [written(name), records[index]]
    if (!now) throw new Error('a record is missing')
    expect(now.task.query).toBe(old.query)
    expect(stepsOf(now)).toHaveLength(old.steps.length)
    expect(stepsOf(now)).toMatchObject(old.steps)
    expect(trajectory.parse(now)).toEqual(now)
  }
  expect(rolled.records[0]?.agent.sampling).toBeNull()
  const [first] = imported.records
  const opinions = first ? (await store.opinions.listOf(first.trajectory_id)).records : []
  expect(first && resolveRewards(first, opinions).map(({ value }) => value)).toHaveLength(3)
  expect(opinions).toHaveLength(3)
  await store.close()
})

test('one that cannot be migrated is named and stays as it is; the others are listed', async () => {
  const directory = copy()
  const [name = ''] = readdirSync(FOLDER).filter((file) => file.startsWith('run'))
  const path = join(directory, 'records/trajectories', name)
  const text = readFileSync(path, 'utf8').replace('"completion":', '"komplet":')
  writeFileSync(path, text)
  const store = await openNodeStore(directory)
  const { records, corrupt } = await store.trajectories.listOf({ run_id: 'run-before' })
  expect(records).toEqual([])
  expect(corrupt.map(({ message }) => message)).toEqual([
    expect.stringMatching(
      /^The stored record run-before\/.* cannot be read: .*steps\.0\.completion: .*expected string.* The others are not affected\.$/,
    ),
  ])
  await store.close()
  expect(readFileSync(path, 'utf8')).toBe(text)
})

test('a record that is written again is of version 2', async () => {
  const directory = copy()
  const store = await openNodeStore(directory)
  const [record] = (await store.trajectories.listOf({ run_id: 'run-before' })).records
  if (!record) throw new Error('no record')
  await store.trajectories.put({ run_id: 'run-before' }, [record])
  await store.close()
  const again = await openNodeStore(directory)
  expect(await again.trajectories.get(record.trajectory_id)).toEqual(record)
  await again.close()
})

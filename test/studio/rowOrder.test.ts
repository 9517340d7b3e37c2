/** Lists of rows are in the order of the file and count as people do: row 2 before row 10. */
import { expect, it } from 'vitest'
import { createMemoryStore } from '../../src/storage/memoryStore'
import { sampleCsv } from '../../src/data/sampleCsv'
import { importDataset } from '../../src/data/importDataset'
import { file, openTestStudio } from './testStudio'

const [header = '', line = ''] = sampleCsv().split('\n')
const csv = `${header}\n${`${line}\n`.repeat(12)}`
const numbers = (ids: readonly { readonly trajectory_id: string }[]): (string | undefined)[] =>
  ids.map(({ trajectory_id }) => /row-(\d+)$/.exec(trajectory_id)?.[1])
const counted = Array.from({ length: 12 }, (_, at) => String(at + 2))

it('a data set’s rows are listed in the order of the file', async () => {
  const { studio } = await openTestStudio()
  const read = await studio.datasets.importFile(file('rows.tsv', csv))
  if (!read.ok) throw new Error(read.message)
  const { dataset_id } = read.value
  expect(numbers(await studio.trajectories.list({ dataset_id }))).toEqual(counted)
})

it('a store lists rows in natural order where nobody kept the file’s', async () => {
  const store = createMemoryStore()
  const { trajectories, dataset } = await importDataset(
    { name: 'rows.tsv', bytes: new TextEncoder().encode(csv) },
    { now: () => '2026-01-01T00:00:00.000Z' },
  )
  const owner = { dataset_id: dataset.dataset_id }
  await store.trajectories.put(owner, trajectories.toReversed())
  expect(numbers((await store.trajectories.listOf(owner)).records)).toEqual(counted)
})

/** What takes space, under the names people know: data sets, runs, models. */
import type { Store } from '../../storage/store'
import type { StorageApi } from '../../worker/studioApi'
import { STARTER, type Models } from '../models/models'
import type { RemoteModels } from '../models/remoteModels'
import { RECORDINGS } from '../worlds/toolRecordings'
import { unfinishedImports } from './unfinishedImports'
import type { ImportedAdapters } from '../models/importedAdapters'
import type { WorldData } from '../worlds/worldData'

export interface StoredModules {
  readonly models: Models
  readonly remote: Pick<RemoteModels, 'unfinished'>
  readonly importedAdapters: Pick<ImportedAdapters, 'list'>
  readonly worldData: Pick<WorldData, 'list'>
}
type Items = Awaited<ReturnType<StorageApi['usage']>>['items']

/** Records are counted as the JSON they would be; files as they are. */
export async function storageItems(store: Store, { models, remote, importedAdapters, worldData }: StoredModules): Promise<Items> {
  const [{ records: datasets }, { records: runs }, blobs, rows, unfinished] = await Promise.all([
    store.datasets.list(),
    store.runs.list(),
    store.listBlobs((name) => name.startsWith('runs/')),
    models.list(),
    remote.unfinished(),
  ])
  const size = (value: unknown): number => JSON.stringify(value).length
  const items: { name: string; bytes: number; kind: string }[] = []
  for (const dataset of datasets) {
    const { records } = await store.trajectories.listOf({ dataset_id: dataset.dataset_id })
    items.push({ name: dataset.dataset_id, bytes: size(dataset) + size(records), kind: 'data set' })
  }
  for (const run of runs) {
    const { records } = await store.trajectories.listOf({ run_id: run.run_id })
    const files = blobs.filter(({ name }) => name.startsWith(`runs/${run.run_id}/`)).reduce((sum, { bytes }) => sum + bytes, 0)
    items.push({ name: run.run_id, bytes: size(run) + size(records) + size(await store.metrics.of(run.run_id)) + files, kind: 'run' })
  }
  for (const { model_id, title, bytes } of rows) if (model_id !== STARTER) items.push({ name: title, bytes, kind: 'model' })
  for (const { title, bytes } of await importedAdapters.list()) items.push({ name: title, bytes, kind: 'adapter' })
  for (const { title, bytes, isStored } of await worldData.list())
    if (isStored) items.push({ name: title, bytes, kind: 'data for benchmarks' })
  for (const { title, keptBytes } of unfinished) items.push({ name: title, bytes: keptBytes, kind: 'interrupted download' })
  for (const { name, bytes } of await store.listBlobs((blob) => blob.startsWith(RECORDINGS)))
    items.push({ name: name.slice(RECORDINGS.length), bytes, kind: 'recording of a tool server' })
  for (const { kind, name, bytes } of await unfinishedImports(store))
    items.push({ name, bytes, kind: `unfinished import of a ${WORDS[kind]}` })
  return items
}
const WORDS = { dataset: 'data set', model: 'model', adapter: 'adapter', 'world-data': 'folder of data for benchmarks' } as const

/**
 * A store that keeps each run in a directory of its own (`runFolder.ts`), and in one for all of them each the measured kernels and the recorded
 * replies of tool servers. It knows the runs under `home`, those of this home in other directories, and those in directories that are named. Records that belong to no run, such as
 * imported data sets, last as long as the process.
 */
import { mkdir, readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { runRecord, type RunRecord } from '../records/run'
import { createSerialQueue } from '../base/serialQueue'
import type { BlobSlots } from './blobSlots'
import { createMemoryHost } from './memoryStore'
import { openNodeBlobs } from './nodeStore'
import type { RecordKind } from './recordKinds'
import { RunFolder } from './runFolder'
import { openRunDirectories, type RunDirectories } from './runDirectories'
import { createStore, type RunFolders, type Store, type StoredRow, type StoreHost } from './store'

export interface FolderStore extends Store {
  readonly folders: RunFolders
}

/** Folders under `home` for blobs that belong to no run; their names begin the names of the blobs. */
const SHARED = ['kernels', 'tool-recordings'] as const

/** @param home holds what all runs share. */
export function openFolderStore(home: string): FolderStore {
  const folders = new Map<string, RunFolder>()
  /** Runs of which the record is written down; of exams and rollouts the result is. */
  const recorded = new Set<string>()
  const base = createMemoryHost()
  const elsewhere = openRunDirectories(home)
  const discover = discoverRuns(join(home, 'runs'), elsewhere, { folders, recorded })
  const store = createStore(folderHost({ base, folders, recorded, discover }))
  const shared = new Map<string, Promise<BlobSlots>>()
  const openShared = (folder: string): Promise<BlobSlots> => {
    const opened = shared.get(folder) ?? openNodeBlobs(join(home, folder))
    shared.set(folder, opened)
    return opened
  }
  const placeOfBlob = (name: string): { readonly folder: RunFolder; readonly rest: string } | null => {
    const [, runId = '', rest = ''] = /^runs\/([^/]+)\/(.+)$/.exec(name) ?? []
    const folder = recorded.has(runId) ? folders.get(runId) : undefined
    return folder ? { folder, rest } : null
  }
  const memory: Omit<BlobSlots, 'list'> = {
    read: (name) => store.readBlob(name),
    write: (name, bytes) => store.writeBlob(name, bytes),
    remove: (name) => store.removeBlob(name),
  }
  /** Where a blob lies that belongs to no run; null: in memory. */
  const sharedPlace = async (name: string): Promise<Omit<BlobSlots, 'list'> | null> => {
    const folder = SHARED.find((each) => name.startsWith(`${each}/`))
    return folder === undefined ? null : openShared(folder)
  }
  return {
    ...store,
    async readBlob(name) {
      const place = placeOfBlob(name)
      return place ? place.folder.readBlob(place.rest) : ((await sharedPlace(name)) ?? memory).read(name)
    },
    async writeBlob(name, bytes) {
      const place = placeOfBlob(name)
      return place ? place.folder.writeBlob(place.rest, bytes) : ((await sharedPlace(name)) ?? memory).write(name, bytes)
    },
    async removeBlob(name) {
      const place = placeOfBlob(name)
      return place ? place.folder.removeBlob(place.rest) : ((await sharedPlace(name)) ?? memory).remove(name)
    },
    async listBlobs(wanted = () => true) {
      const found = [...(await store.listBlobs(wanted))]
      for (const folder of await foldersIn(home)) found.push(...(await (await openShared(folder)).list(wanted)))
      for (const runId of recorded)
        for (const { name, bytes } of (await folders.get(runId)?.listBlobs()) ?? []) {
          const whole = `runs/${runId}/${name}`
          if (wanted(whole)) found.push({ name: whole, bytes })
        }
      return found.sort((a, b) => (a.name < b.name ? -1 : 1))
    },
    folders: runFolders({ folders, recorded }, elsewhere),
  }
}

/** The shared folders that there are; none is made by looking. */
async function foldersIn(home: string): Promise<readonly string[]> {
  const names = await readdir(home).catch((): string[] => [])
  return SHARED.filter((folder) => names.includes(folder))
}

interface KnownRuns {
  readonly folders: Map<string, RunFolder>
  readonly recorded: Set<string>
}

function runFolders({ folders, recorded }: KnownRuns, elsewhere: RunDirectories): RunFolders {
  return {
    async place(runId, kind, directory) {
      await mkdir(directory, { recursive: true })
      const folder = new RunFolder(directory)
      const isRecorded = kind === 'train' || kind === 'story'
      await (isRecorded ? folder.clear() : folder.clearAttempts())
      folders.set(runId, folder)
      if (!isRecorded) return
      recorded.add(runId)
      await elsewhere.add(directory)
    },
    async open(directory) {
      const known = [...folders].find(([id, folder]) => recorded.has(id) && resolve(folder.directory) === resolve(directory))
      const folder = known?.[1] ?? new RunFolder(directory)
      const record = await recordIn(folder)
      if (record === null) return null
      folders.set(record.run_id, folder)
      recorded.add(record.run_id)
      return record.run_id
    },
    directoryOf: (runId) => folders.get(runId)?.directory ?? null,
    async damage(runId) {
      const folder = folders.get(runId)
      if (!folder || !recorded.has(runId)) return []
      await folder.record()
      await folder.metrics()
      await folder.entries()
      await folder.evaluations()
      return folder.damage
    },
  }
}

/** Returns a function that makes the runs in the directories of `parent` and in other places known; those of other processes come in time. */
function discoverRuns(parent: string, elsewhere: RunDirectories, { folders, recorded }: KnownRuns): () => Promise<void> {
  const seen = new Set<string>()
  return async () => {
    const entries = await readdir(parent, { withFileTypes: true }).catch(() => [])
    const own = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(parent, name))
    for (const directory of [...own, ...(await elsewhere.all())]) {
      if (seen.has(directory)) continue
      const folder = new RunFolder(directory)
      const record = await recordIn(folder).catch(() => null)
      // One that has no record yet may have one later.
      if (record === null) continue
      seen.add(directory)
      if (folders.has(record.run_id)) continue
      folders.set(record.run_id, folder)
      recorded.add(record.run_id)
    }
  }
}

/** Throws one sentence for a file of that name that is none of ours: it must not be replaced. */
async function recordIn(folder: RunFolder): Promise<RunRecord | null> {
  const foreign = (): never => {
    throw new Error(`${join(folder.directory, 'run.json')} is no run record of Hone: choose another --out.`)
  }
  const value = await folder.record().catch(foreign)
  if (value === null) return null
  return runRecord.safeParse(value).data ?? foreign()
}

const linked = z.looseObject({ evaluations: z.array(z.string()) })
const metricChunk = z.object({
  table: z.object({ step: z.array(z.number()), columns: z.record(z.string(), z.array(z.number().nullable())) }),
})

/** The runs that have a folder, and the store for everything else. */
interface RunFolderIndex {
  readonly base: StoreHost
  readonly folders: ReadonlyMap<string, RunFolder>
  /** Runs whose record is in the folder. */
  readonly recorded: ReadonlySet<string>
  /** Looks for runs that are not known yet. */
  readonly discover: () => Promise<void>
}

function folderHost(index: RunFolderIndex): StoreHost {
  const { base } = index
  // Files are read, changed and written: one after the other.
  const queue = createSerialQueue()
  return {
    get: (kind, id) => queue.run(() => getRow(index, kind, id)),
    list: (kind, owners) =>
      queue.run(async () => {
        const rows = [...(await base.list(kind, owners))]
        for (const owner of owners ? new Set(owners) : [undefined]) rows.push(...(await folderRows(index, kind, owner)))
        return rows.sort((a, b) => (a.id < b.id ? -1 : 1))
      }),
    owners: (kind) => queue.run(() => base.owners(kind)),
    put: (rows) => queue.run(() => putRows(index, rows)),
    // A person removes folders; the store does not.
    remove: (rows) => queue.run(() => base.remove(rows)),
    files: base.files,
    close: () => queue.idle().then(() => base.close()),
  }
}

const row = (kind: RecordKind, id: string, owner: string, value: unknown): StoredRow => ({ kind, id, owner, value })

/** The folder of the run that owns a record; undefined for other owners. */
const folderOfOwner = ({ folders }: RunFolderIndex, owner: string): RunFolder | undefined =>
  owner.startsWith('run:') ? folders.get(owner.slice(4)) : undefined

/** The folder of the run a trajectory belongs to, which begins its id. */
const folderOfTrajectory = ({ folders }: RunFolderIndex, id: string): RunFolder | undefined => folders.get(id.split('/')[0] ?? '')

/** Reads one record from its run's folder, or from the base store. */
async function getRow(index: RunFolderIndex, kind: RecordKind, id: string): ReturnType<StoreHost['get']> {
  const folder = index.folders.get(id)
  if (kind === 'runs' && !folder) {
    await index.discover()
    if (index.folders.has(id)) return getRow(index, kind, id)
  }
  if (kind === 'runs' && folder && index.recorded.has(id)) {
    const value = await folder.record()
    return value === null ? null : row(kind, id, '', value)
  }
  if (kind === 'trajectories') {
    const own = folderOfTrajectory(index, id)
    const entry = await own?.entry(id)
    if (own) return entry ? row(kind, id, `run:${id.split('/')[0] ?? ''}`, entry.trajectory) : null
  }
  if (kind === 'evaluations') {
    const found = (await evaluationRows(index)).find((one) => one.id === id)
    if (found) return found
  }
  return index.base.get(kind, id)
}

/** The rows of a kind that are stored in folders; trajectories, opinions and metrics only for the owner asked for. */
async function folderRows(index: RunFolderIndex, kind: RecordKind, owner: string | undefined): Promise<StoredRow[]> {
  if (kind === 'runs') return runRows(index)
  if (kind === 'evaluations') return evaluationRows(index)
  if (owner === undefined) return []
  if (kind === 'trajectories') {
    const entries = (await folderOfOwner(index, owner)?.entries()) ?? []
    return [...entries].map(([id, { trajectory }]) => row(kind, id, owner, trajectory))
  }
  if (kind === 'opinions') return opinionRows(owner, (await folderOfTrajectory(index, owner)?.entry(owner))?.opinions ?? [])
  if (kind === 'metrics') return metricRows(index, owner)
  return []
}

async function runRows({ folders, recorded, discover }: RunFolderIndex): Promise<StoredRow[]> {
  await discover()
  const rows: StoredRow[] = []
  for (const id of recorded) {
    // One that cannot be read, or was removed, does not hide the others.
    const value = await folders
      .get(id)
      ?.record()
      .catch(() => null)
    if (value !== null && value !== undefined) rows.push(row('runs', id, '', value))
  }
  return rows
}

async function evaluationRows({ folders }: RunFolderIndex): Promise<StoredRow[]> {
  const rows: StoredRow[] = []
  for (const folder of new Set(folders.values()))
    for (const value of await folder.evaluations()) {
      const id = z.looseObject({ evaluation_id: z.string() }).safeParse(value).data?.evaluation_id
      if (id !== undefined) rows.push(row('evaluations', id, '', value))
    }
  return rows
}

const opinionRows = (trajectoryId: string, opinions: readonly unknown[]): StoredRow[] =>
  opinions.map((value) => row('opinions', z.looseObject({ opinion_id: z.string() }).parse(value).opinion_id, trajectoryId, value))

/** A folder's whole metric table as one chunk. */
async function metricRows({ folders, recorded }: RunFolderIndex, runId: string): Promise<StoredRow[]> {
  const table = recorded.has(runId) ? await folders.get(runId)?.metrics() : undefined
  if (!table || table.step.length === 0) return []
  const chunk = { chunk_id: `${runId}/${'0'.repeat(8)}`, run_id: runId, table }
  return [row('metrics', chunk.chunk_id, runId, chunk)]
}

/** Writes each row to its run's folder, or to the base store. */
async function putRows(index: RunFolderIndex, rows: readonly StoredRow[]): Promise<void> {
  const of = (kind: RecordKind): StoredRow[] => rows.filter((one) => one.kind === kind)
  for (const run of of('runs')) await putRun(index, run)
  if (of('trajectories').length > 0) await putTrajectories(index, of('trajectories'))
  if (of('opinions').length > 0) await putOpinions(index, of('opinions'))
  for (const one of of('metrics')) {
    const folder = index.recorded.has(one.owner) ? index.folders.get(one.owner) : undefined
    await (folder ? folder.addMetrics(metricChunk.parse(one.value).table) : index.base.put([one]))
  }
  await index.base.put(rows.filter(({ kind }) => kind === 'datasets' || kind === 'evaluations'))
}

async function putRun({ base, folders, recorded }: RunFolderIndex, run: StoredRow): Promise<void> {
  const folder = folders.get(run.id)
  // What names its evaluations makes them the run's.
  for (const [index, id] of linked.parse(run.value).evaluations.entries()) {
    const waiting = await base.get('evaluations', id)
    if (!folder || !waiting) continue
    await folder.writeEvaluation(index, waiting.value)
    await base.remove([waiting])
  }
  if (folder && recorded.has(run.id)) await folder.writeRecord(z.looseObject({}).parse(run.value))
  else await base.put([run])
}

async function putTrajectories(index: RunFolderIndex, rows: readonly StoredRow[]): Promise<void> {
  const [first] = rows
  const folder = first && folderOfOwner(index, first.owner)
  await (folder ? folder.putTrajectories(rows) : index.base.put(rows))
}

/** Adds opinions folder by folder, so that each folder's file is written once. */
async function putOpinions(index: RunFolderIndex, rows: readonly StoredRow[]): Promise<void> {
  const byFolder = new Map<RunFolder, Map<string, unknown[]>>()
  const others: StoredRow[] = []
  for (const one of rows) {
    const folder = folderOfTrajectory(index, one.owner)
    if (!folder) {
      others.push(one)
      continue
    }
    const added = byFolder.get(folder) ?? new Map<string, unknown[]>()
    const of = added.get(one.owner)
    if (of) of.push(one.value)
    else added.set(one.owner, [one.value])
    byFolder.set(folder, added)
  }
  await index.base.put(others)
  for (const [folder, added] of byFolder) await folder.addOpinions(added)
}

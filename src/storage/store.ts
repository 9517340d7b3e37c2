/** The seam between the studio and the place where records are stored. What a store means is implemented once; hosts implement where its rows and files lie. */
import { byNaturalOrder } from '../base/naturalOrder'
import type { Opinion } from '../records/annotation'
import type { DatasetRow } from '../records/dataset'
import type { EvaluationRecord } from '../records/evaluation'
import type { MetricTable, RunRecord } from '../records/run'
import type { Trajectory } from '../records/trajectory'
import { createBlobSlots, type BlobEntry, type BlobFiles } from './blobSlots'
import { migrateRecord, recordKinds, recordMigrations, type MetricChunk, type RecordKind, type RecordMigration } from './recordKinds'

/** A stored record that cannot be read: which, and why. The others can. */
export interface CorruptRecord {
  readonly kind: RecordKind
  readonly id: string
  readonly message: string
}

export class StoredRecordError extends Error {
  override readonly name = 'StoredRecordError'
  readonly record: CorruptRecord
  constructor(record: CorruptRecord) {
    super(record.message)
    this.record = record
  }
}

export interface Listing<T> {
  readonly records: readonly T[]
  readonly corrupt: readonly CorruptRecord[]
}

export interface Collection<T> {
  /** null when there is none. Rejects with StoredRecordError when it cannot be read. */
  get(id: string): Promise<T | null>
  /** In the natural order of ids: row-2 before row-10. */
  list(): Promise<Listing<T>>
  /** Adds or replaces; all or none. Rejects, storing nothing, when a record does not fit its schema. */
  put(...records: readonly T[]): Promise<void>
  remove(...ids: readonly string[]): Promise<void>
}

/** A data set's or a run's. */
export type TrajectoryOwner = { readonly dataset_id: string } | { readonly run_id: string }

/** Directories that runs are stored in, on a host that has directories. */
export interface RunFolders {
  /** What a new run stores goes into `directory`, which is made; what an earlier run of its kind left there is removed. */
  place(runId: string, kind: RunRecord['kind'], directory: string): Promise<void>
  /** The id of the run a directory holds, which is then one of the store's; null when it holds none. Throws for a foreign run.json. */
  open(directory: string): Promise<string | null>
  /** Where a run that is known here is stored. */
  directoryOf(runId: string): string | null
  /** What is damaged of a run's files, a sentence each; reads all of them. */
  damage(runId: string): Promise<readonly string[]>
}

export interface Store {
  /** Absent where the host has no directories. */
  readonly folders?: RunFolders
  readonly runs: Collection<RunRecord>
  readonly datasets: Collection<DatasetRow>
  readonly evaluations: Collection<EvaluationRecord>
  readonly trajectories: {
    get(id: string): Promise<Trajectory | null>
    listOf(owner: TrajectoryOwner): Promise<Listing<Trajectory>>
    /** Whose trajectories are stored. */
    owners(): Promise<readonly TrajectoryOwner[]>
    put(owner: TrajectoryOwner, records: readonly Trajectory[]): Promise<void>
    remove(...ids: readonly string[]): Promise<void>
  }
  /** Rows are only added: one whose id is stored already is left as it is. */
  readonly opinions: {
    /** Of one trajectory, or of several with one question to the host. */
    listOf(...trajectoryIds: readonly string[]): Promise<Listing<Opinion>>
    add(rows: readonly Opinion[]): Promise<void>
  }
  readonly metrics: {
    /** Adds rows. Rows from the first new step on replace older ones: a resumed run repeats the steps after its checkpoint. */
    append(runId: string, rows: MetricTable): Promise<void>
    of(runId: string): Promise<MetricTable>
  }
  /** Checkpoints, weights, imported files: two slots and a checksum each. */
  writeBlob(name: string, bytes: Uint8Array): Promise<void>
  /** null when there is none. Rejects with StoredBlobError when no copy is whole. */
  readBlob(name: string): Promise<Uint8Array<ArrayBuffer> | null>
  removeBlob(name: string): Promise<void>
  /** All, or those with a name that is `wanted`. A model has thousands: name what is looked for. */
  listBlobs(wanted?: (name: string) => boolean): Promise<readonly BlobEntry[]>
  /** A data set with its trajectories and their opinions. */
  removeDataset(datasetId: string): Promise<void>
  /** A run with its trajectories, opinions, metrics, and the blobs under `runs/<id>/`. */
  removeRun(runId: string): Promise<void>
  close(): Promise<void>
}

/** A record as a host stores it. */
export interface StoredRow {
  readonly kind: RecordKind
  readonly id: string
  /** What it is listed under: an owner of trajectories, a trajectory of opinions, a run of metrics; '' for none. */
  readonly owner: string
  readonly value: unknown
}

/** What a host must do: store rows and files. Rows that it cannot read come back with `unreadable`, which says why. */
export interface StoreHost {
  get(kind: RecordKind, id: string): Promise<(StoredRow & { readonly unreadable?: string }) | null>
  /** All of a kind, or those of these owners, in the order of ids. */
  list(kind: RecordKind, owners?: readonly string[]): Promise<readonly (StoredRow & { readonly unreadable?: string })[]>
  /** The owners of a kind's rows, each once. */
  owners(kind: RecordKind): Promise<readonly string[]>
  /** All or none. */
  put(rows: readonly StoredRow[]): Promise<void>
  remove(rows: readonly Pick<StoredRow, 'kind' | 'id'>[]): Promise<void>
  readonly files: BlobFiles
  close(): Promise<void>
}

interface Shape<T> {
  safeParse(
    value: unknown,
  ): { success: true; data: T } | { success: false; error: { issues: readonly { path: readonly PropertyKey[]; message: string }[] } }
}

/** Reads and checks the rows of a host. */
interface Rows {
  getOne: <T>(kind: RecordKind, schema: Shape<T>, id: string) => Promise<T | null>
  listAll: <T>(kind: RecordKind, schema: Shape<T>, owners?: readonly string[]) => Promise<Listing<T>>
  /** The rows to store for `records`. Throws StoredRecordError where a record does not fit its schema. */
  rowsOf: <T>(
    kind: RecordKind,
    schema: Shape<T>,
    records: readonly T[],
    idOf: (record: T) => string,
    ownerOf: (record: T) => string,
  ) => StoredRow[]
}

type ReadRow<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly corrupt: CorruptRecord }

/** Brings a row up to the present version and checks it. Never throws: a row that cannot be read says why in one sentence. */
function readRow<T>(
  schema: Shape<T>,
  row: StoredRow & { readonly unreadable?: string },
  migrations: readonly RecordMigration[],
): ReadRow<T> {
  const { kind, id } = row
  const corrupt = (why: string): ReadRow<T> => ({
    ok: false,
    corrupt: { kind, id, message: `The stored record ${id} (${kind}) cannot be read: ${why}. The others are not affected.` },
  })
  if (row.unreadable !== undefined) return corrupt(row.unreadable)
  let value: unknown
  try {
    value = migrateRecord(kind, row.value, migrations)
  } catch (error) {
    return corrupt(`bringing it up to date failed (${error instanceof Error ? error.message : String(error)})`)
  }
  const parsed = schema.safeParse(value)
  if (parsed.success) return { ok: true, value: parsed.data }
  const issue = parsed.error.issues[0]
  return corrupt(`${issue?.path.join('.') || 'the record'}: ${issue?.message ?? 'it has another shape'}`)
}

function rowsIn(host: StoreHost, migrations: readonly RecordMigration[]): Rows {
  return {
    async getOne(kind, schema, id) {
      const row = await host.get(kind, id)
      if (!row) return null
      const result = readRow(schema, row, migrations)
      if (!result.ok) throw new StoredRecordError(result.corrupt)
      return result.value
    },
    async listAll<T>(kind: RecordKind, schema: Shape<T>, owners?: readonly string[]) {
      const records: T[] = []
      const corrupt: CorruptRecord[] = []
      const rows = [...(await host.list(kind, owners))].sort((a, b) => byNaturalOrder(a.id, b.id))
      for (const row of rows) {
        const result = readRow(schema, row, migrations)
        if (result.ok) records.push(result.value)
        else corrupt.push(result.corrupt)
      }
      return { records, corrupt }
    },
    rowsOf: (kind, schema, records, idOf, ownerOf) =>
      records.map((record) => {
        const id = idOf(record)
        const result = readRow(schema, { kind, id, owner: '', value: record }, migrations)
        if (!result.ok) throw new StoredRecordError(result.corrupt)
        return { kind, id, owner: ownerOf(record), value: result.value }
      }),
  }
}

/** Records of one kind that belong to nothing else. */
function collection<T>(host: StoreHost, rows: Rows, kind: RecordKind, schema: Shape<T>, idOf: (record: T) => string): Collection<T> {
  return {
    get: (id) => rows.getOne(kind, schema, id),
    list: () => rows.listAll(kind, schema),
    put: async (...records) => host.put(rows.rowsOf(kind, schema, records, idOf, () => '')),
    remove: (...ids) => host.remove(ids.map((id) => ({ kind, id }))),
  }
}

const ownerKey = (owner: TrajectoryOwner): string => ('dataset_id' in owner ? `dataset:${owner.dataset_id}` : `run:${owner.run_id}`)

function ownerOfKey(key: string): TrajectoryOwner[] {
  const [, kind, id = ''] = /^(dataset|run):(.*)$/s.exec(key) ?? []
  if (kind === undefined) return []
  return [kind === 'dataset' ? { dataset_id: id } : { run_id: id }]
}

/** Removes trajectories together with the opinions about them. */
async function removeTrajectories(host: StoreHost, ids: readonly string[]): Promise<void> {
  const rows: Pick<StoredRow, 'kind' | 'id'>[] = ids.map((id) => ({ kind: 'trajectories', id }))
  rows.push(...(await host.list('opinions', ids)))
  await host.remove(rows)
}

async function removeOwned(host: StoreHost, owner: TrajectoryOwner): Promise<void> {
  const owned = await host.list('trajectories', [ownerKey(owner)])
  await removeTrajectories(
    host,
    owned.map(({ id }) => id),
  )
}

function trajectoriesIn(host: StoreHost, { getOne, listAll, rowsOf }: Rows): Store['trajectories'] {
  const schema = recordKinds.trajectories
  const idOf = (record: Trajectory): string => record.trajectory_id
  return {
    get: (id) => getOne('trajectories', schema, id),
    listOf: (owner) => listAll('trajectories', schema, [ownerKey(owner)]),
    owners: async () => (await host.owners('trajectories')).flatMap(ownerOfKey),
    put: async (owner, records) => host.put(rowsOf('trajectories', schema, records, idOf, () => ownerKey(owner))),
    remove: (...ids) => removeTrajectories(host, ids),
  }
}

function opinionsIn(host: StoreHost, { listAll, rowsOf }: Rows): Store['opinions'] {
  const schema = recordKinds.opinions
  const idOf = (row: Opinion): string => row.opinion_id
  const ownerOf = (row: Opinion): string => row.trajectory_id
  return {
    listOf: (...trajectoryIds) => listAll('opinions', schema, trajectoryIds),
    async add(rows) {
      const made = rowsOf('opinions', schema, rows, idOf, ownerOf)
      if (made.length === 0) return
      const before = await host.list('opinions', [...new Set(made.map((row) => row.owner))])
      const stored = new Set(before.map(({ id }) => id))
      await host.put(made.filter(({ id }) => !stored.has(id)))
    },
  }
}

/** Metrics are stored in numbered chunks, one for each append; a run appends one chunk at a time. */
function metricsIn(host: StoreHost, { listAll, rowsOf }: Rows): Store['metrics'] & { readonly forget: (runId: string) => void } {
  const schema = recordKinds.metrics
  const idOf = (chunk: MetricChunk): string => chunk.chunk_id
  const ownerOf = (chunk: MetricChunk): string => chunk.run_id
  /** For each run, the number of chunks after the append under way. */
  const appending = new Map<string, Promise<number>>()
  return {
    async append(runId, table) {
      if (table.step.length === 0) return
      const before = appending.get(runId) ?? host.list('metrics', [runId]).then((rows) => rows.length)
      const after = before.then(async (count) => {
        const chunk: MetricChunk = { chunk_id: `${runId}/${String(count).padStart(8, '0')}`, run_id: runId, table }
        await host.put(rowsOf('metrics', schema, [chunk], idOf, ownerOf))
        return count + 1
      })
      appending.set(runId, after)
      try {
        await after
      } catch (error) {
        // After a failure the chunks are counted again.
        appending.delete(runId)
        throw error
      }
    },
    of: async (runId) => joinMetrics((await listAll('metrics', schema, [runId])).records.map(({ table }) => table)),
    forget: (runId) => appending.delete(runId),
  }
}

/** A Store over a host. */
export function createStore(host: StoreHost, migrations: readonly RecordMigration[] = recordMigrations): Store {
  const { runs, datasets, evaluations } = recordKinds
  const rows = rowsIn(host, migrations)
  const blobs = createBlobSlots(host.files)
  const { forget, ...metrics } = metricsIn(host, rows)
  return {
    runs: collection(host, rows, 'runs', runs, ({ run_id }) => run_id),
    datasets: collection(host, rows, 'datasets', datasets, ({ dataset_id }) => dataset_id),
    evaluations: collection(host, rows, 'evaluations', evaluations, ({ evaluation_id }) => evaluation_id),
    trajectories: trajectoriesIn(host, rows),
    opinions: opinionsIn(host, rows),
    metrics,
    writeBlob: blobs.write,
    readBlob: blobs.read,
    removeBlob: blobs.remove,
    listBlobs: blobs.list,
    async removeDataset(datasetId) {
      await removeOwned(host, { dataset_id: datasetId })
      await host.remove([{ kind: 'datasets', id: datasetId }])
    },
    async removeRun(runId) {
      await removeOwned(host, { run_id: runId })
      await host.remove([{ kind: 'runs', id: runId }, ...(await host.list('metrics', [runId]))])
      forget(runId)
      for (const { name } of await blobs.list((one) => one.startsWith(`runs/${runId}/`))) await blobs.remove(name)
    },
    close: () => host.close(),
  }
}

/** Chunks one after another; a chunk that begins at a step already there replaces everything from that step on. */
export function joinMetrics(chunks: readonly MetricTable[]): MetricTable {
  let rows: { step: number; values: ReadonlyMap<string, number | null> }[] = []
  const names = new Set<string>()
  for (const { step, columns } of chunks) {
    for (const name of Object.keys(columns)) names.add(name)
    const first = step[0]
    if (first !== undefined && (rows.at(-1)?.step ?? Number.NEGATIVE_INFINITY) >= first) rows = rows.filter((row) => row.step < first)
    for (const [index, at] of step.entries())
      rows.push({ step: at, values: new Map(Object.entries(columns).map(([name, values]) => [name, values[index] ?? null])) })
  }
  const columns = Object.fromEntries([...names].map((name) => [name, rows.map(({ values }) => values.get(name) ?? null)]))
  return { step: rows.map(({ step }) => step), columns }
}

/** The seam between the studio and wherever records are kept. One implementation of the meaning, three of the keeping. */
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
  /** In the order of ids. */
  list(): Promise<Listing<T>>
  /** Adds or replaces; all or none. Rejects, storing nothing, when a record does not fit its schema. */
  put(...records: readonly T[]): Promise<void>
  remove(...ids: readonly string[]): Promise<void>
}

/** A data set's or a run's. */
export type TrajectoryOwner = { readonly dataset_id: string } | { readonly run_id: string }

/** Directories that runs are kept in, where the host has such. */
export interface RunFolders {
  /** What a new run stores goes into `directory`, which is made; what an earlier run of its kind left there is removed. */
  place(runId: string, kind: RunRecord['kind'], directory: string): Promise<void>
  /** The id of the run a directory holds, which is then one of the store's; null when it holds none. Throws for a foreign run.json. */
  open(directory: string): Promise<string | null>
}

export interface Store {
  /** Left out: the host has no directories. */
  readonly folders?: RunFolders
  readonly runs: Collection<RunRecord>
  readonly datasets: Collection<DatasetRow>
  readonly evaluations: Collection<EvaluationRecord>
  readonly trajectories: {
    get(id: string): Promise<Trajectory | null>
    listOf(owner: TrajectoryOwner): Promise<Listing<Trajectory>>
    put(owner: TrajectoryOwner, records: readonly Trajectory[]): Promise<void>
    remove(...ids: readonly string[]): Promise<void>
  }
  /** Rows are only added: one whose id is stored already is left as it is. */
  readonly opinions: {
    listOf(trajectoryId: string): Promise<Listing<Opinion>>
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

/** A record as a host keeps it. */
export interface StoredRow {
  readonly kind: RecordKind
  readonly id: string
  /** What it is listed under: an owner of trajectories, a trajectory of opinions, a run of metrics; '' for none. */
  readonly owner: string
  readonly value: unknown
}

/** What a host must do: keep rows and files. Rows it cannot read come back with `unreadable`. */
export interface StoreHost {
  get(kind: RecordKind, id: string): Promise<(StoredRow & { readonly unreadable?: string }) | null>
  /** All of a kind, or those of one owner, in the order of ids. */
  list(kind: RecordKind, owner?: string): Promise<readonly (StoredRow & { readonly unreadable?: string })[]>
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

/** A Store over a host. */
export function createStore(host: StoreHost, migrations: readonly RecordMigration[] = recordMigrations): Store {
  type Read<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly corrupt: CorruptRecord }
  function read<T>(schema: Shape<T>, row: Awaited<ReturnType<StoreHost['list']>>[number]): Read<T> {
    const corrupt = (why: string): Read<T> => ({
      ok: false,
      corrupt: {
        kind: row.kind,
        id: row.id,
        message: `The stored record ${row.id} (${row.kind}) cannot be read: ${why}. The others are not affected.`,
      },
    })
    if (row.unreadable !== undefined) return corrupt(row.unreadable)
    let value: unknown
    try {
      value = migrateRecord(row.kind, row.value, migrations)
    } catch (error) {
      return corrupt(`bringing it up to date failed (${error instanceof Error ? error.message : String(error)})`)
    }
    const parsed = schema.safeParse(value)
    if (parsed.success) return { ok: true, value: parsed.data }
    const issue = parsed.error.issues[0]
    return corrupt(`${issue?.path.join('.') || 'the record'}: ${issue?.message ?? 'it has another shape'}`)
  }
  async function getOne<T>(kind: RecordKind, schema: Shape<T>, id: string): Promise<T | null> {
    const row = await host.get(kind, id)
    if (!row) return null
    const result = read(schema, row)
    if (!result.ok) throw new StoredRecordError(result.corrupt)
    return result.value
  }
  async function listAll<T>(kind: RecordKind, schema: Shape<T>, owner?: string): Promise<Listing<T>> {
    const records: T[] = []
    const corrupt: CorruptRecord[] = []
    for (const row of await host.list(kind, owner)) {
      const result = read(schema, row)
      if (result.ok) records.push(result.value)
      else corrupt.push(result.corrupt)
    }
    return { records, corrupt }
  }
  function rowsOf<T>(
    kind: RecordKind,
    schema: Shape<T>,
    records: readonly T[],
    idOf: (record: T) => string,
    ownerOf: (record: T) => string,
  ): StoredRow[] {
    return records.map((record) => {
      const id = idOf(record)
      const result = read(schema, { kind, id, owner: '', value: record })
      if (!result.ok) throw new StoredRecordError(result.corrupt)
      return { kind, id, owner: ownerOf(record), value: result.value }
    })
  }
  function collection<T>(kind: RecordKind, schema: Shape<T>, idOf: (record: T) => string): Collection<T> {
    return {
      get: (id) => getOne(kind, schema, id),
      list: () => listAll(kind, schema),
      put: async (...records) => host.put(rowsOf(kind, schema, records, idOf, () => '')),
      remove: (...ids) => host.remove(ids.map((id) => ({ kind, id }))),
    }
  }
  const { runs, datasets, trajectories, opinions, evaluations, metrics } = recordKinds
  const blobs = createBlobSlots(host.files)
  const ownerKey = (owner: TrajectoryOwner): string => ('dataset_id' in owner ? `dataset:${owner.dataset_id}` : `run:${owner.run_id}`)
  /** One append at a time for each run: chunks are numbered. */
  const appending = new Map<string, Promise<number>>()

  async function removeOwned(owner: TrajectoryOwner): Promise<void> {
    const owned = await host.list('trajectories', ownerKey(owner))
    const rows: Pick<StoredRow, 'kind' | 'id'>[] = [...owned]
    for (const { id } of owned) rows.push(...(await host.list('opinions', id)))
    await host.remove(rows)
  }

  return {
    runs: collection('runs', runs, ({ run_id }) => run_id),
    datasets: collection('datasets', datasets, ({ dataset_id }) => dataset_id),
    evaluations: collection('evaluations', evaluations, ({ evaluation_id }) => evaluation_id),
    trajectories: {
      get: (id) => getOne('trajectories', trajectories, id),
      listOf: (owner) => listAll('trajectories', trajectories, ownerKey(owner)),
      put: async (owner, records) =>
        host.put(
          rowsOf(
            'trajectories',
            trajectories,
            records,
            ({ trajectory_id }) => trajectory_id,
            () => ownerKey(owner),
          ),
        ),
      remove: async (...ids) => {
        const rows: Pick<StoredRow, 'kind' | 'id'>[] = ids.map((id) => ({ kind: 'trajectories', id }))
        for (const id of ids) rows.push(...(await host.list('opinions', id)))
        await host.remove(rows)
      },
    },
    opinions: {
      listOf: (trajectoryId) => listAll('opinions', opinions, trajectoryId),
      async add(rows) {
        const made = rowsOf(
          'opinions',
          opinions,
          rows,
          ({ opinion_id }) => opinion_id,
          ({ trajectory_id }) => trajectory_id,
        )
        const stored = new Set<string>()
        for (const owner of new Set(made.map((row) => row.owner))) for (const { id } of await host.list('opinions', owner)) stored.add(id)
        await host.put(made.filter(({ id }) => !stored.has(id)))
      },
    },
    metrics: {
      async append(runId, table) {
        if (table.step.length === 0) return
        const before = appending.get(runId) ?? host.list('metrics', runId).then((rows) => rows.length)
        const after = before.then(async (count) => {
          const chunk: MetricChunk = { chunk_id: `${runId}/${String(count).padStart(8, '0')}`, run_id: runId, table }
          await host.put(
            rowsOf(
              'metrics',
              metrics,
              [chunk],
              ({ chunk_id }) => chunk_id,
              ({ run_id }) => run_id,
            ),
          )
          return count + 1
        })
        // After a failure the number is counted afresh.
        appending.set(runId, after)
        try {
          await after
        } catch (error) {
          appending.delete(runId)
          throw error
        }
      },
      of: async (runId) => joinMetrics((await listAll('metrics', metrics, runId)).records.map(({ table }) => table)),
    },
    writeBlob: blobs.write,
    readBlob: blobs.read,
    removeBlob: blobs.remove,
    listBlobs: blobs.list,
    async removeDataset(datasetId) {
      await removeOwned({ dataset_id: datasetId })
      await host.remove([{ kind: 'datasets', id: datasetId }])
    },
    async removeRun(runId) {
      await removeOwned({ run_id: runId })
      await host.remove([{ kind: 'runs', id: runId }, ...(await host.list('metrics', runId))])
      appending.delete(runId)
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

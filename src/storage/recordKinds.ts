/** The kinds of stored records, their schemas, and how records of earlier versions are migrated. */
import { z } from 'zod'
import { opinion } from '../records/annotation'
import { datasetRow } from '../records/dataset'
import { evaluationRecord } from '../records/evaluation'
import { metricTable, runRecord } from '../records/run'
import { trajectory } from '../records/trajectory'
import { migrateTrajectoryV1 } from '../records/trajectoryV1'

/** A piece of a run's metrics, in the order it was appended. */
export const metricChunk = z.object({ chunk_id: z.string(), run_id: z.string(), table: metricTable })
export type MetricChunk = z.infer<typeof metricChunk>

export const recordKinds = {
  runs: runRecord,
  datasets: datasetRow,
  trajectories: trajectory,
  opinions: opinion,
  evaluations: evaluationRecord,
  metrics: metricChunk,
} as const
export type RecordKind = keyof typeof recordKinds

/** Layout of the stores themselves. Raise it when files, object stores or indexes change, and add the step to each store. */
export const STORE_VERSION = 1

/** The store was written by a later version of Hone: it is left alone. */
export class StoreVersionError extends Error {
  override readonly name = 'StoreVersionError'
  constructor(place: string) {
    super(`${place} was written by a newer version of Hone. Update Hone to open it; nothing was changed.`)
  }
}

/** Brings a record of `kind` from `version` to the next one. */
export interface RecordMigration {
  readonly kind: RecordKind
  readonly version: number
  readonly migrate: (record: Readonly<Record<string, unknown>>) => Record<string, unknown>
}

/** Oldest first. Trajectories are of version 2 (a tree of turns), every other kind of version 1. */
export const recordMigrations: readonly RecordMigration[] = [{ kind: 'trajectories', version: 1, migrate: migrateTrajectoryV1 }]

/** Applies every migration that fits, in turn; what carries no version is left to the schema. */
export function migrateRecord(kind: RecordKind, value: unknown, migrations: readonly RecordMigration[]): unknown {
  let current = value
  for (let steps = 0; steps <= migrations.length; steps++) {
    const record = z.looseObject({ version: z.number() }).safeParse(current)
    const migration = migrations.find((each) => each.kind === kind && each.version === record.data?.version)
    if (!record.data || !migration) return current
    current = migration.migrate(record.data)
  }
  throw new Error(`The migrations of ${kind} run in a circle.`)
}

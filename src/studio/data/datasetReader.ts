/**
 * Reads a file of data for storing: first what it is as a whole, then its trajectories in pieces, each with the opinions of the file and of the
 * rules. In the browser this runs in a worker of its own, so that a file of any size takes no time from a run that trains; in Node it runs in
 * the studio's thread.
 */
import type { RowParts } from '../../annotation/opinions'
import { annotateByRules } from '../../annotation/rules'
import { importDataset, type ImportedDataset } from '../../data/importDataset'
import type { Opinion } from '../../records/annotation'
import type { Trajectory } from '../../records/trajectory'

export interface DatasetToRead {
  readonly file: Blob
  readonly name: string
  /** Whether the rules give an opinion on every step. */
  readonly suggestions: boolean
}

export interface DatasetHead extends Pick<ImportedDataset, 'dataset' | 'settings'> {
  /** In the order of the file. */
  readonly trajectoryIds: readonly string[]
}

export interface DatasetPiece {
  readonly trajectories: readonly Trajectory[]
  /** What the file says of the steps. */
  readonly given: readonly Opinion[]
  /** What the rules say of them, for trajectories that have no opinions of rules yet. */
  readonly suggested: readonly Opinion[]
}

export interface DatasetReader {
  /** Reads the whole file. The first call. */
  read(onProgress: (bytes: number) => void): Promise<DatasetHead>
  /** The next trajectories in the order of the file; null after the last. */
  next(): Promise<DatasetPiece | null>
  /** Ends the reader, whatever is under way. */
  close(): void
}

/** @param signal ends the reading: what was asked of the reader rejects. */
export type OpenDatasetReader = (of: DatasetToRead, signal: AbortSignal) => DatasetReader

export interface ReaderParts extends RowParts {
  readonly signal?: AbortSignal
  /** Awaited between rows: whoever shares the thread gets a turn. Absent where the thread is the reader's own. */
  readonly pause?: () => Promise<void> | undefined
}

/** Trajectories stored in one write: some milliseconds of work. */
const STORED_AT_ONCE = 50

export function createDatasetReader({ file, name, suggestions }: DatasetToRead, { signal, pause, ...rows }: ReaderParts): DatasetReader {
  let trajectories: readonly Trajectory[] = []
  let given: ReadonlyMap<string, readonly Opinion[]> = new Map()
  let next = 0

  async function suggestedFor(piece: readonly Trajectory[]): Promise<Opinion[]> {
    const found: Opinion[] = []
    for (const trajectory of piece) {
      found.push(...annotateByRules(trajectory, given.get(trajectory.trajectory_id) ?? [], rows))
      await pause?.()
    }
    return found
  }

  return {
    async read(onProgress) {
      const parts = { now: rows.now, onProgress, ...(signal ? { signal } : {}), ...(pause ? { pause } : {}) }
      const found = await importDataset({ name, bytes: file.stream() }, parts)
      trajectories = found.trajectories
      given = byTrajectory(found.opinions)
      const trajectoryIds = trajectories.map(({ trajectory_id }) => trajectory_id)
      return { dataset: found.dataset, settings: found.settings, trajectoryIds }
    },
    async next() {
      signal?.throwIfAborted()
      const piece = trajectories.slice(next, next + STORED_AT_ONCE)
      next += piece.length
      if (piece.length === 0) return null
      return {
        trajectories: piece,
        given: piece.flatMap(({ trajectory_id }) => given.get(trajectory_id) ?? []),
        suggested: suggestions ? await suggestedFor(piece) : [],
      }
    },
    close: () => {
      trajectories = []
    },
  }
}

function byTrajectory(opinions: readonly Opinion[]): Map<string, Opinion[]> {
  const found = new Map<string, Opinion[]>()
  for (const opinion of opinions) {
    const of = found.get(opinion.trajectory_id)
    if (of) of.push(opinion)
    else found.set(opinion.trajectory_id, [opinion])
  }
  return found
}

/** Data files named on the command line, read to records. */
import { createReadStream, existsSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import { resolveRewards } from '../annotation/resolver'
import { createNewId } from '../base/id'
import { importDataset, type ImportedDataset } from '../data/importDataset'
import type { Opinion } from '../records/annotation'
import type { Trajectory } from '../records/trajectory'
import type { LabelledTrajectory } from '../training/batches/labelledTrajectory'
import { UsageError, type CommandContext } from './command'

/** Dates and ids for rows that a command adds. */
export const rowParts = {
  newId: createNewId({ now: () => Date.now(), random: () => Math.random() }),
  now: (): string => new Date().toISOString(),
}

/** Reads each file. A missing one is an error; what is wrong inside a file is in its `problems`. */
export async function readDatasets(files: readonly string[], context: Pick<CommandContext, 'signal'>): Promise<ImportedDataset[]> {
  const missing = files.find((file) => !existsSync(file))
  if (missing !== undefined) throw new UsageError(`There is no file ${missing}.`)
  const directory = files.find((file) => !statSync(file).isFile())
  if (directory !== undefined) throw new UsageError(`${directory} is not a file.`)
  const read: ImportedDataset[] = []
  for (const file of files) {
    const bytes: AsyncIterable<Uint8Array> = createReadStream(file)
    read.push(await importDataset({ name: basename(file), bytes }, { now: rowParts.now, signal: context.signal }))
  }
  return read
}

export interface AnnotatedTrajectory {
  readonly trajectory: Trajectory
  readonly opinions: readonly Opinion[]
}

export interface TrajectoryFiles {
  readonly annotated: readonly AnnotatedTrajectory[]
  /** The files and their content's hashes. */
  readonly sources: { readonly id: string; readonly sha256: string }[]
}

/** Every trajectory of the files with what is said about it. Throws the first problem of a file that has none. */
export async function readTrajectories(
  files: readonly string[],
  context: Pick<CommandContext, 'signal' | 'progress'>,
): Promise<TrajectoryFiles> {
  const found: AnnotatedTrajectory[] = []
  const sources: { id: string; sha256: string }[] = []
  for (const { dataset, trajectories, opinions, problems } of await readDatasets(files, context)) {
    sources.push({ id: dataset.name, sha256: dataset.sha256 })
    if (trajectories.length === 0) throw new UsageError(problems[0]?.message ?? 'The file holds no trajectory.')
    for (const { message } of problems) context.progress(message)
    const byTrajectory = new Map<string, Opinion[]>()
    for (const opinion of opinions) {
      const rows = byTrajectory.get(opinion.trajectory_id)
      if (rows) rows.push(opinion)
      else byTrajectory.set(opinion.trajectory_id, [opinion])
    }
    for (const trajectory of trajectories) found.push({ trajectory, opinions: byTrajectory.get(trajectory.trajectory_id) ?? [] })
  }
  return { annotated: found, sources }
}

/** The reward of each step as labels resolve it. */
export function labelled({ trajectory, opinions }: AnnotatedTrajectory): LabelledTrajectory {
  return { trajectory, rewards: resolveRewards(trajectory, opinions).map(({ value }) => value) }
}

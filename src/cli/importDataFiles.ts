/** Data files that a command names, imported as the page imports them; they last as long as the command. */
import { existsSync, openAsBlob, statSync } from 'node:fs'
import { basename } from 'node:path'
import type { DatasetRow } from '../worker/protocol'
import { UsageError, type CommandContext } from './command'
import { must, type CommandStudio } from './openStudio'

/** Throws one sentence for a file that is missing, or that is no file. */
export function checkFiles(files: readonly string[]): void {
  const missing = files.find((file) => !existsSync(file))
  if (missing !== undefined) throw new UsageError(`There is no file ${missing}.`)
  const directory = files.find((file) => !statSync(file).isFile())
  if (directory !== undefined) throw new UsageError(`${directory} is not a file.`)
}

/** One data set for each file, without suggestions of the rules. Throws the first problem of a file that holds no trajectory. */
export async function importDataFiles(
  studio: Pick<CommandStudio, 'datasets'>,
  files: readonly string[],
  { progress }: Pick<CommandContext, 'progress'>,
): Promise<DatasetRow[]> {
  checkFiles(files)
  const rows: DatasetRow[] = []
  for (const file of files) {
    const named = new File([await openAsBlob(file)], basename(file))
    const row = must(await studio.datasets.importFile(named, { suggestions: false }))
    if (row.trajectories === 0) throw new UsageError(row.problems[0]?.message ?? 'The file holds no trajectory.')
    for (const { message } of row.problems) progress(message)
    rows.push(row)
  }
  return rows
}

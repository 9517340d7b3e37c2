/** `run:ID` and `run:DIRECTORY` beside data files: the practice of a run, as a source of data. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { practiceSourceId, runOfSource } from '../records/dataSource'
import { UsageError, type CommandContext } from './command'
import { openRunDirectories } from '../storage/runDirectories'
import { importDataFiles } from './importDataFiles'
import { must, type CommandStudio } from './openStudio'

/**
 * The ids of the sources that words name, in their order: files are imported, the directories of runs are opened.
 * @param use `label`: opinions are added to the practice, so a run that another process works on is refused.
 */
export async function openDataWords(
  studio: Pick<CommandStudio, 'datasets' | 'runs'>,
  words: readonly string[],
  context: Pick<CommandContext, 'progress' | 'homeDirectory'>,
  use: 'read' | 'label' = 'read',
): Promise<string[]> {
  const ids: string[] = []
  for (const word of words) {
    const run = runOfSource(word)
    if (run === null) {
      ids.push(...(await importDataFiles(studio, [word], context)).map(({ dataset_id }) => dataset_id))
      continue
    }
    const detail = must(await studio.runs.openFolder(await directoryOf(run, context.homeDirectory)))
    if (use === 'label' && detail.elsewhere !== undefined)
      throw new UsageError(`The run ${detail.run.run_id} is at work ${detail.elsewhere}: label its practice after that process has ended.`)
    ids.push(practiceSourceId(detail.run.run_id))
  }
  return ids
}

/** Where a run lies: the word is its directory, or the id of one under the home directory or of that home elsewhere. */
async function directoryOf(word: string, home: string): Promise<string> {
  if (existsSync(join(word, 'run.json'))) return word
  const runs = join(home, 'runs')
  const own = (existsSync(runs) ? readdirSync(runs) : []).map((name) => join(runs, name))
  const found = [...own, ...(await openRunDirectories(home).all())].find((one) => idIn(one) === word)
  if (found === undefined) throw new UsageError(`There is no run ${word}: expected the directory of a run, or the id of one in ${runs}.`)
  return found
}

function idIn(directory: string): string | null {
  try {
    return z.looseObject({ run_id: z.string() }).parse(JSON.parse(readFileSync(join(directory, 'run.json'), 'utf8'))).run_id
  } catch {
    return null
  }
}

/** The directories outside a home in which its runs are stored, as `--out` names them: a list in the home, one JSON text a line. */
import { appendFile, mkdir, readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { z } from 'zod'

export interface RunDirectories {
  /** Lists a directory, unless it is one that the home's own `runs` contains. */
  add(directory: string): Promise<void>
  all(): Promise<readonly string[]>
}

const entry = z.string().min(1)

export function openRunDirectories(home: string): RunDirectories {
  const file = join(home, 'run-folders.jsonl')
  const own = resolve(home, 'runs')
  async function all(): Promise<readonly string[]> {
    const text = await readFile(file, 'utf8').catch(() => '')
    return [...new Set(text.split('\n').flatMap(directoryOf))]
  }
  return {
    all,
    async add(directory) {
      const absolute = resolve(directory)
      if (dirname(absolute) === own || (await all()).includes(absolute)) return
      await mkdir(home, { recursive: true })
      await appendFile(file, `${JSON.stringify(absolute)}\n`)
    },
  }
}

/** A line that a killed process left half written names nothing. */
function directoryOf(line: string): string[] {
  try {
    return [entry.parse(JSON.parse(line))]
  } catch {
    return []
  }
}

/** A folder for new replies of tools. A file is replaced as a whole, so that none is ever half written. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { CacheOverlay } from '../../environments/stabletoolbench/responseCache'

export const overlayFolder = (folder: string): CacheOverlay => ({
  read: async (path) => {
    try {
      return await readFile(join(folder, path), 'utf8')
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
      throw error
    }
  },
  write: async (path, text) => {
    const file = join(folder, path)
    await mkdir(dirname(file), { recursive: true })
    const unfinished = `${file}.${process.pid}.part`
    await writeFile(unfinished, text)
    await rename(unfinished, file)
  },
})

/** A directory as a folder of files that are read where they are needed: no file need be in memory as a whole. */
import { open, readdir, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { sourceFromHandle, type FolderSource } from '../../models/weights/byteSource'

export interface OpenFolder extends FolderSource {
  /** Closes the files that were opened. */
  close(): Promise<void>
}

export function nodeFolder(directory: string): OpenFolder {
  const handles: { close(): Promise<void> }[] = []
  return {
    name: directory,
    async open(file) {
      const path = join(directory, file)
      const found = await stat(path).catch(() => null)
      if (!found?.isFile()) return null
      const handle = await open(path)
      handles.push(handle)
      // As tools that build know a file: whoever changes it changes its time.
      const identity = `${resolve(path)} ${found.size} ${found.mtimeMs} ${found.ino}`
      return { ...sourceFromHandle(handle, found.size, path), identity }
    },
    names: () => readdir(directory),
    async close() {
      for (const handle of handles.splice(0)) await handle.close()
    },
  }
}

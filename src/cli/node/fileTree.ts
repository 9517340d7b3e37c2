/** A file, an archive or a folder of this computer as a tree of files. */
import { openAsBlob } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { basename, join, sep } from 'node:path'
import type { FileTree } from '../../base/fileTree'
import { fileOrArchive } from '../../data/files/blobTree'

/** Rejects with an Error of one sentence if there is nothing under the path. */
export async function openFileTree(path: string): Promise<FileTree> {
  const found = await stat(path).catch(() => null)
  if (!found) throw new Error(`There is no file or folder ${path}.`)
  return found.isDirectory() ? folderTree(path) : fileOrArchive(await openAsBlob(path), basename(path))
}

function folderTree(folder: string): FileTree {
  let listed: Promise<readonly string[]> | null = null
  return {
    title: basename(folder),
    paths: () => (listed ??= listFiles(folder)),
    async blob(path) {
      // Paths come from data files too, and may try to leave the folder.
      if (path.split(/[\\/]/).includes('..')) return null
      const found = await stat(join(folder, path)).catch(() => null)
      return found?.isFile() ? openAsBlob(join(folder, path)) : null
    },
  }
}

async function listFiles(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.replace(/[\\/]+$/, '').length + 1)
        .split(sep)
        .join('/'),
    )
    .sort()
}

/** Files in Node that survive a power cut: what was written is on the disk, and so is its name, before a call resolves. */
import { mkdir, open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Replaces a file whole: written beside its place, synced, renamed, and the directory synced. */
export async function replaceFileDurably(path: string, content: string | Uint8Array, suffix = '.writing'): Promise<void> {
  const directory = dirname(path)
  await mkdir(directory, { recursive: true })
  await writeSynced(`${path}${suffix}`, [content])
  await rename(`${path}${suffix}`, path)
  await syncDirectory(directory)
}

/** Writes the pieces one after another and syncs the file. */
export async function writeSynced(path: string, pieces: Iterable<string | Uint8Array>): Promise<void> {
  const handle = await open(path, 'w')
  try {
    for (const piece of pieces) await handle.writeFile(piece)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

export async function appendSynced(path: string, text: string): Promise<void> {
  const handle = await open(path, 'a')
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** A rename is on the disk once its directory is. Systems that cannot sync directories, such as Windows, are left as they are. */
export async function syncDirectory(directory: string): Promise<void> {
  try {
    const handle = await open(directory, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || !UNSUPPORTED.has(error.code)) throw error
  }
}
const UNSUPPORTED = new Set<unknown>(['EPERM', 'EISDIR', 'EINVAL', 'EACCES', 'ENOTSUP', 'EBADF'])

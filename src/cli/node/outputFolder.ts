/** A directory that the files of a model are written into. */
import { createWriteStream } from 'node:fs'
import { mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { syncDirectory } from '../../storage/durableFile'
import type { OutputFolder } from '../../studio/models/outputFolder'
import { nodeFolder } from './folder'

export async function openOutputFolder(directory: string): Promise<OutputFolder> {
  await mkdir(directory, { recursive: true })
  const written = nodeFolder(directory)
  return {
    written,
    blobs: new Map(),
    async write(name, pieces) {
      const path = join(directory, name)
      await pipeline(pieces, createWriteStream(`${path}.writing`, { flush: true }))
      await rename(`${path}.writing`, path)
      await syncDirectory(directory)
    },
    close: () => written.close(),
  }
}

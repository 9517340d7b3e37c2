/**
 * What is kept of models so that they open fast the next time: tensors as they were packed, and the hash over all bytes.
 *
 *   packed/<model>/spec          how the model was named
 *   packed/<model>/<version>/    blobs of one version of its files
 *
 * Another version takes the place of the one before, and what belongs to a folder that is gone goes too.
 */
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { sha256 } from '../../base/sha256'
import type { PieceStore } from '../../models/weights/cachedSource'
import { packedCache, type PackedCache } from '../../models/weights/packedCache'
import { openNodeBlobs } from '../../storage/nodeStore'

export interface KeptModel {
  readonly packed: PackedCache
  /** The hash over every byte, from `compute` the first time. */
  sha256(compute: () => Promise<string>): Promise<string>
}

const SPEC = 'spec'
const HASH = 'sha256'
const short = (text: string): string => sha256(text).slice(0, 16)

/**
 * @param spec names the model: an absolute path, or a place elsewhere.
 * @param identity names the version of its files.
 */
export async function keptModel(homeDirectory: string, spec: string, identity: string): Promise<KeptModel> {
  const root = join(homeDirectory, 'packed')
  await sweep(root)
  const own = join(root, short(spec))
  const version = short(identity)
  await mkdir(own, { recursive: true })
  await writeFile(join(own, SPEC), spec)
  for (const name of await readdir(own)) if (name !== SPEC && name !== version) await rm(join(own, name), { recursive: true, force: true })
  const blobs: PieceStore = await openNodeBlobs(join(own, version))
  return {
    packed: packedCache(blobs, identity),
    async sha256(compute) {
      const known = await blobs.read(HASH).catch(() => null)
      if (known) return new TextDecoder().decode(known)
      const hash = await compute()
      await blobs.write(HASH, new TextEncoder().encode(hash))
      return hash
    },
  }
}

async function sweep(root: string): Promise<void> {
  for (const name of await readdir(root).catch(() => [])) {
    const spec = await readFile(join(root, name, SPEC), 'utf8').catch(() => null)
    if (spec !== null && isAbsolute(spec) && !existsSync(spec)) await rm(join(root, name), { recursive: true, force: true })
  }
}

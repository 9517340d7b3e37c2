/** The files in `starter/` that come with the page, each checked against the manifest's hash before it is used. */
import { sha256 } from '../../base/sha256'
import { CheckpointError, parseJson, sourceFromBytes, type FolderSource } from '../../models/weights/byteSource'
import { starterManifest } from '../../records/recording'
import { refuse, type Refusal } from '../failure'

export type ReadAsset = (path: string) => Promise<Uint8Array<ArrayBuffer> | null>

/** `starter/` as a folder. A file that is not the one the build was made with is refused by name. */
export function starterFolder(readAsset: ReadAsset): FolderSource {
  const files = new Map<string, Promise<Uint8Array<ArrayBuffer> | null>>()
  let expected: Promise<ReadonlyMap<string, string>> | null = null

  async function manifest(): Promise<ReadonlyMap<string, string>> {
    const bytes = await readAsset('starter/manifest.json')
    if (!bytes) return new Map()
    const parsed = starterManifest.safeParse(parseJson(new TextDecoder().decode(bytes), 'starter/manifest.json'))
    if (!parsed.success) throw new CheckpointError('starter/manifest.json: expected {"files": {name: {"sha256": …}}}')
    return new Map(Object.entries(parsed.data.files).map(([name, { sha256: hash }]) => [name, hash]))
  }
  async function load(name: string): Promise<Uint8Array<ArrayBuffer> | null> {
    const listed = await (expected ??= manifest())
    const hash = listed.get(name)
    // Nothing is asked for that the build does not have; a folder without a manifest may have anything.
    if (hash === undefined && listed.size > 0) return null
    const bytes = await readAsset(`starter/${name}`)
    if (!bytes) return null
    const found = hash === undefined ? hash : sha256(bytes)
    if (found !== hash)
      throw new CheckpointError(
        `starter/${name} is not the file this build was made with: expected SHA-256 ${hash ?? ''}, found ${found ?? ''}. Reload the page, or install the build again.`,
      )
    return bytes
  }
  return {
    name: 'starter',
    open: async (name) => {
      const known = files.get(name) ?? load(name)
      files.set(name, known)
      // A failed download may work the next time.
      known.catch(() => {
        files.delete(name)
        expected = null
      })
      const bytes = await known
      if (!bytes) files.delete(name)
      return bytes && sourceFromBytes(bytes)
    },
  }
}

export const missingStarter = (): Refusal =>
  refuse('no-starter', 'This build has no starter model (starter/model.safetensors is missing). Open a model folder on the Models page.')

/** What a finished run was made with: a hash of sources, so that a result is used again only while they are the same. */
import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { sha256 } from '../../src/base/sha256'
import { filesUnder, projectRoot } from './sources'

/**
 * SHA-256 in hex over the paths and contents of all files below `folders` of `root`, in the order of their paths, and over `words`.
 * The screens are left out: no command runs them.
 */
export function sourceFingerprint(
  words: readonly string[] = [],
  root = projectRoot,
  folders: readonly string[] = ['src', 'shaders'],
): string {
  const files = folders.flatMap((folder) => filesUnder(join(root, folder)))
  const named = files
    .map((path) => ({ path, name: relative(root, path).replaceAll('\\', '/') }))
    .filter(({ name }) => !name.startsWith('src/ui/'))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  const hashes = named.map(({ path, name }) => [name, sha256(new Uint8Array(readFileSync(path)))])
  return sha256(new TextEncoder().encode(JSON.stringify([hashes, words])))
}

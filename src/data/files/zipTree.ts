/** A zip archive as a tree of files. Its directory is read once; entries are read one by one, so an archive may be larger than memory. */
import { BlobReader, BlobWriter, ZipReader, type FileEntry } from '@zip.js/zip.js'
import type { FileTree } from '../../base/fileTree'
import { oneLine } from '../../base/visibleText'

/** An entry may hold at most this many bytes: JSON files of tools and caches are far smaller. */
const MOST_ENTRY_BYTES = 256 << 20
/** An archive may have at most this many entries; ToolBench's has 70,000. */
const MOST_ENTRIES = 1_000_000

/** Rejects with an Error of one sentence if the file is no zip archive or has too many entries. */
export async function zipTree(blob: Blob, title: string): Promise<FileTree> {
  const reader = new ZipReader(new BlobReader(blob))
  const entries = await entriesOf(reader, title)
  const paths = [...entries.keys()].sort()
  return {
    title,
    paths: () => Promise.resolve(paths),
    async blob(path) {
      const entry = entries.get(path)
      if (!entry) return null
      if (entry.uncompressedSize > MOST_ENTRY_BYTES)
        throw new Error(`${title}: ${oneLine(path)}: expected at most ${MOST_ENTRY_BYTES} bytes, found ${entry.uncompressedSize}.`)
      try {
        // The library stops at the size that the directory of the archive states.
        return await entry.getData(new BlobWriter())
      } catch (error) {
        throw new Error(`${title}: ${oneLine(path)} cannot be read from the archive: ${oneLine(String(error))}.`, { cause: error })
      }
    },
  }
}

async function entriesOf(reader: ZipReader<Blob>, title: string): Promise<Map<string, FileEntry>> {
  const entries = new Map<string, FileEntry>()
  try {
    for await (const entry of reader.getEntriesGenerator()) {
      if (entry.directory) continue
      if (entries.size >= MOST_ENTRIES) throw new Error(`expected at most ${MOST_ENTRIES} entries`)
      entries.set(entry.filename.replaceAll('\\', '/').replace(/^\.?\//, ''), entry)
    }
  } catch (error) {
    throw new Error(`${title}: expected a zip archive: ${oneLine(error instanceof Error ? error.message : String(error))}.`, {
      cause: error,
    })
  }
  return entries
}

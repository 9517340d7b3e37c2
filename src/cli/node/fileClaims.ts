/** What one process at a time may do, claimed by lock files. */
import { join } from 'node:path'
import type { FolderStore } from '../../storage/folderStore'
import { RUN_LOCK } from '../../storage/runFolder'
import type { StudioParts } from '../../studio/parts'
import { IMPORT_CLAIM } from '../../studio/storage/unfinishedImports'
import { takeFileLock } from './fileLock'

export function fileClaims(store: Pick<FolderStore, 'folders'>, home: string): StudioParts['claim'] {
  return async (name) => {
    // Data sets, models and adapters last as long as the process here: another one may import the same.
    if (name.startsWith(IMPORT_CLAIM)) return { ok: true, release: () => undefined, takenOver: null }
    const lock = await takeFileLock(lockFileOf(name, store, home))
    return lock.ok ? lock : { ok: false, owner: `in ${lock.owner}` }
  }
}

/** A run's lock lies beside what it locks, so that every process that may write there finds it, whatever its home. */
function lockFileOf(name: string, { folders }: Pick<FolderStore, 'folders'>, home: string): string {
  const runId = /^hone-run-(.+)$/.exec(name)?.[1]
  const directory = runId === undefined ? null : folders.directoryOf(runId)
  return directory === null ? join(home, 'locks', `${encodeURIComponent(name)}.lock`) : join(directory, RUN_LOCK)
}

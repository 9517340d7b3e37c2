/** The storage is full, whatever the host calls that. */

export class StorageFullError extends Error {
  override readonly name = 'StorageFullError'
}

const NAMES = new Set(['StorageFullError', 'QuotaExceededError'])
/** Node's: no space on the disk, quota of the user used up. */
const CODES = new Set<unknown>(['ENOSPC', 'EDQUOT'])

/** Whether a write failed because the browser, or the disk, takes no more. What was stored before is whole. */
export function isStorageFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return NAMES.has(error.name) || ('code' in error && CODES.has(error.code)) || isStorageFull(error.cause)
}

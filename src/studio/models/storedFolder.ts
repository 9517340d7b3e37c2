/** The store's blobs under a name as the files of a folder. */
import type { Store } from '../../storage/store'

/** @param folder ends in `/`. */
export async function readStoredFolder(store: Store, folder: string): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>()
  for (const { name } of await store.listBlobs((one) => one.startsWith(folder))) {
    const bytes = await store.readBlob(name)
    if (bytes) files.set(name.slice(folder.length), bytes)
  }
  return files
}

/** @param folder ends in `/`. */
export async function removeStoredFolder(store: Store, folder: string): Promise<void> {
  for (const { name } of await store.listBlobs((one) => one.startsWith(folder))) await store.removeBlob(name)
}

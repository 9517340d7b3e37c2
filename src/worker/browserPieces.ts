/**
 * Where a browser keeps the fetched pieces of a model: a directory of the origin's private file system, written in place in a
 * dedicated worker. Each piece has a checksum and is whole or absent, whenever the tab is closed.
 */
import type { PieceStore } from '../models/weights/cachedSource'
import { createBlobSlots } from '../storage/blobSlots'
import { createDirectoryFiles, type DirectoryAccess } from '../storage/browserStore'

/** The part of a FileSystemDirectoryHandle that is used. */
export interface RootDirectory {
  getDirectoryHandle(name: string, options: { readonly create: boolean }): Promise<DirectoryAccess>
}

/** @param root from `navigator.storage.getDirectory()`. */
export async function openBrowserPieces(root: RootDirectory): Promise<PieceStore> {
  return createBlobSlots(createDirectoryFiles(await root.getDirectoryHandle('downloads', { create: true })))
}

/** Trees of files for tests: a folder of this project, or files written in the test. */
import { join } from 'node:path'
import type { FileTree } from '../../src/base/fileTree'
import { openFileTree } from '../../src/cli/node/fileTree'
import { blobTree } from '../../src/data/files/blobTree'
import { projectRoot } from './sources'

export const folderOfProject = (path: string): Promise<FileTree> => openFileTree(join(projectRoot, path))

export const treeOf = (files: Readonly<Record<string, string | Uint8Array<ArrayBuffer>>>, title = 'files'): FileTree =>
  blobTree(new Map(Object.entries(files).map(([path, content]) => [path, new Blob([content])])), title)

/** Measured kernel tables, kept by adapter and version of the kernels: another driver or another Hone measures anew. */
import { sha256 } from '../base/sha256'
import { kernelTable, type KernelTable } from '../records/kernelTable'
import { StoredBlobError } from './blobSlots'

/** What a store and a folder of blobs both offer. */
export interface TableFiles {
  read(name: string): Promise<Uint8Array | null>
  write(name: string, bytes: Uint8Array): Promise<void>
}
type TableKey = Pick<KernelTable, 'adapter' | 'kernels' | 'half'>

const nameOf = ({ adapter, kernels, half }: TableKey): string =>
  `kernels/${sha256(JSON.stringify([adapter, kernels, half])).slice(0, 16)}.json`

/** null when none was measured, or what is kept cannot be read: it can be measured again. */
export async function loadKernelTable(files: TableFiles, key: TableKey): Promise<KernelTable | null> {
  try {
    const bytes = await files.read(nameOf(key))
    if (!bytes) return null
    const found = kernelTable.safeParse(JSON.parse(new TextDecoder().decode(bytes)))
    return found.success && nameOf(found.data) === nameOf(key) ? found.data : null
  } catch (error) {
    if (error instanceof StoredBlobError || error instanceof SyntaxError) return null
    throw error
  }
}

export const saveKernelTable = (files: TableFiles, table: KernelTable): Promise<void> =>
  files.write(nameOf(table), new TextEncoder().encode(JSON.stringify(table)))

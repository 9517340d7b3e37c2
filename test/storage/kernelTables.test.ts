import { expect, test } from 'vitest'
import type { KernelTable } from '../../src/records/kernelTable'
import { StoredBlobError } from '../../src/storage/blobSlots'
import { loadKernelTable, saveKernelTable, type TableFiles } from '../../src/storage/kernelTables'

const table: KernelTable = {
  ...{ version: 1, adapter: 'nvidia / hopper / / driver 1', kernels: 1, half: false },
  choices: { 'nt 2048 x 2048 int4': 'tile 128x128 by 8x8' },
}
function memory(): TableFiles & { readonly files: Map<string, Uint8Array> } {
  const files = new Map<string, Uint8Array>()
  return {
    files,
    read: (name) => Promise.resolve(files.get(name) ?? null),
    write: (name, bytes) => Promise.resolve(void files.set(name, bytes)),
  }
}

test('a table is found for its adapter, driver and kernels, and for no other', async () => {
  const files = memory()
  await saveKernelTable(files, table)
  expect(await loadKernelTable(files, table)).toEqual(table)
  for (const other of [{ adapter: 'nvidia / hopper / / driver 2' }, { kernels: 2 }, { half: true }])
    expect(await loadKernelTable(files, { ...table, ...other })).toBeNull()
})

test('a table that cannot be read counts as none', async () => {
  const files = memory()
  await saveKernelTable(files, table)
  const [name = ''] = files.files.keys()
  for (const text of ['{', '{"version":1}', JSON.stringify({ ...table, adapter: 'another' })]) {
    files.files.set(name, new TextEncoder().encode(text))
    expect(await loadKernelTable(files, table)).toBeNull()
  }
  const damaged = { ...files, read: () => Promise.reject(new StoredBlobError(name)) }
  expect(await loadKernelTable(damaged, table)).toBeNull()
})

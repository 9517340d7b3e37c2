/** `studio.adapters`: LoRA adapters a person imported. */
import { folderFromFiles } from '../../models/weights/byteSource'
import type { AdaptersApi } from '../../worker/studioApi'
import { accept, attempt } from '../failure'
import type { Imports } from '../imports'
import { rewrittenAdapter } from './adapterFiles'
import type { ImportedAdapters } from './importedAdapters'

export const createAdaptersApi = (adapters: ImportedAdapters, imports: Pick<Imports, 'cancel'>): AdaptersApi => ({
  list: () => adapters.list(),
  importFiles: (modelId, name, files, importId) => adapters.importFiles(modelId, name, files, importId),
  cancelImport: (importId) => imports.cancel(importId),
  exportFiles: (name, files, baseModel) =>
    attempt('adapter', async () => accept(Object.fromEntries(await rewrittenAdapter(folderFromFiles(name, files), baseModel)))),
  remove: (id) => adapters.remove(id),
})

/** `studio.adapters`: LoRA adapters a person imported. */
import type { AdaptersApi } from '../../worker/studioApi'
import type { ImportedAdapters } from './importedAdapters'

export const createAdaptersApi = (adapters: ImportedAdapters): AdaptersApi => ({
  list: () => adapters.list(),
  importFiles: (modelId, name, files) => adapters.importFiles(modelId, name, files),
  remove: (id) => adapters.remove(id),
})

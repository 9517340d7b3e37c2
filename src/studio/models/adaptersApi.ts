/** `studio.adapters`: LoRA adapters a person imported. */
import type { AdaptersApi } from '../../worker/studioApi'
import type { InitialAdapters } from './initialAdapters'

export const createAdaptersApi = (adapters: InitialAdapters): AdaptersApi => ({
  list: () => adapters.list(),
  importFiles: (modelId, name, files) => adapters.importFiles(modelId, name, files),
  remove: (id) => adapters.remove(id),
})

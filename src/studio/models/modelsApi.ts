/** `studio.models`: models that are stored, imported or downloaded. */
import type { ModelsApi } from '../../worker/studioApi'
import { accept } from '../failure'
import type { Models } from './models'
import type { RemoteModels } from './remoteModels'

export const createModelsApi = (models: Models, remote: RemoteModels): ModelsApi => ({
  list: () => models.list(),
  open: async (id, seed) => {
    const text = await models.text(id, seed)
    return text.ok ? accept({ title: text.value.title }) : text
  },
  importFiles: (name, files) => models.importModel(name, files),
  planDownload: (model) => remote.plan(model),
  unfinishedDownloads: () => remote.unfinished(),
  remove: (id) => models.remove(id),
})

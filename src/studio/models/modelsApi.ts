/** `studio.models`: models that are stored, imported or downloaded. */
import { callFormatFor } from '../../agents/callFormats/callFormatFor'
import type { ModelsApi } from '../../worker/studioApi'
import { accept } from '../failure'
import type { Imports } from '../imports'
import type { Models } from './models'
import type { RemoteModels } from './remoteModels'
import type { ServerChatParts } from './serverChat'
import { testServer } from './testServer'

interface ModelModules {
  readonly models: Models
  readonly remote: RemoteModels
  readonly imports: Pick<Imports, 'cancel'>
  readonly serverParts: ServerChatParts
}

export const createModelsApi = ({ models, remote, imports, serverParts }: ModelModules): ModelsApi => ({
  list: () => models.list(),
  open: async (id, seed) => {
    const text = await models.text(id, seed)
    if (!text.ok) return text
    const choice = callFormatFor(text.value)
    const acting = choice.ok ? { callFormat: choice.format.name, how: choice.format.how } : { callFormat: null, how: choice.message }
    return accept({ title: text.value.title, ...acting })
  },
  importFiles: (name, files, importId) => models.importModel(name, files, importId),
  cancelImport: (importId) => imports.cancel(importId),
  planDownload: (model) => remote.plan(model),
  unfinishedDownloads: () => remote.unfinished(),
  remove: (id) => models.remove(id),
  testServer: (server, asksForCall) => testServer(server, asksForCall, serverParts),
})

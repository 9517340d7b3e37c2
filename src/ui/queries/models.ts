import type {
  DownloadPlan,
  ImportedAdapter,
  ModelRow,
  OpenedModel,
  RemoteModel,
  ServerModel,
  UnfinishedDownload,
} from '../../worker/protocol'
import { keys } from './keys'
import { useCommand, type Command } from './useCommand'
import { useStudioQuery, type StudioQuery } from './useStudioQuery'

export const useModels = (): StudioQuery<readonly ModelRow[]> => useStudioQuery(keys.models, (studio) => studio.models.list())

/** How a model acts. One that cannot be opened says so where it is listed. */
export const useOpenedModel = (modelId: string): StudioQuery<OpenedModel | null> =>
  useStudioQuery(modelId === '' ? null : keys.openedModel(modelId), async (studio) => {
    const opened = await studio.models.open(modelId)
    return opened.ok ? opened.value : null
  })

export interface NamedFiles {
  readonly name: string
  readonly files: readonly File[]
  readonly importId: string
}
export const useImportModel = (): Command<NamedFiles, ModelRow> =>
  useCommand((studio, { name, files, importId }: NamedFiles) => studio.models.importFiles(name, files, importId), {
    invalidates: [keys.models, keys.storage],
  })

/** Removes a model, or what an interrupted download left. */
export const useRemoveModel = (): Command<string, null> =>
  useCommand((studio, modelId: string) => studio.models.remove(modelId), {
    invalidates: [keys.models, keys.unfinishedDownloads, keys.storage],
  })

export const useUnfinishedDownloads = (): StudioQuery<readonly UnfinishedDownload[]> =>
  useStudioQuery(keys.unfinishedDownloads, (studio) => studio.models.unfinishedDownloads())

/** Asks the server what there is to download. */
export const usePlanDownload = (): Command<RemoteModel, DownloadPlan> =>
  useCommand((studio, model: RemoteModel) => studio.models.planDownload(model))

export interface ServerQuestion {
  readonly server: ServerModel
  /** Whether the model will act with tools, and so has to call one. */
  readonly asksForCall: boolean
}
/** Whether a server's model answers, in a sentence. */
export const useTestServer = (): Command<ServerQuestion, string> =>
  useCommand((studio, { server, asksForCall }: ServerQuestion) => studio.models.testServer(server, asksForCall))

/** LoRA adapters a person imported; those that runs left are in the runs' records. */
export const useAdapters = (): StudioQuery<readonly ImportedAdapter[]> => useStudioQuery(keys.adapters, (studio) => studio.adapters.list())

export interface AdapterImport {
  readonly modelId: string
  readonly files: readonly File[]
  readonly importId: string
}
export const useImportAdapter = (): Command<AdapterImport, ImportedAdapter> =>
  useCommand((studio, { modelId, files, importId }: AdapterImport) => studio.adapters.importFiles(modelId, '', files, importId), {
    invalidates: [keys.adapters, keys.storage],
  })

export const useRemoveAdapter = (): Command<string, null> =>
  useCommand((studio, adapterId: string) => studio.adapters.remove(adapterId), { invalidates: [keys.adapters, keys.storage] })

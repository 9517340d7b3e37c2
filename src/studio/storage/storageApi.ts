/** `studio.storage`: what takes space, and how much there is. */
import type { UnfinishedImport } from '../../worker/protocol'
import type { StorageApi } from '../../worker/studioApi'
import type { StudioServices } from '../services'
import { storageItems, type StoredModules } from './storageItems'

export const createStorageApi = (
  { store, storageEstimate }: Pick<StudioServices, 'store' | 'storageEstimate'>,
  modules: StoredModules,
  removed: readonly UnfinishedImport[],
): StorageApi => ({
  usage: async () => ({ items: await storageItems(store, modules), removed, ...(await storageEstimate()) }),
})

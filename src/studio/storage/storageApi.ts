/** `studio.storage`: what takes space, and how much there is. */
import type { StorageApi } from '../../worker/studioApi'
import type { StudioServices } from '../services'
import { storageItems, type StoredModules } from './storageItems'

export const createStorageApi = (
  { store, storageEstimate }: Pick<StudioServices, 'store' | 'storageEstimate'>,
  modules: StoredModules,
): StorageApi => ({
  usage: async () => ({ items: await storageItems(store, modules), ...(await storageEstimate()) }),
})

import type { StorageApi } from '../../worker/studioApi'
import { keys } from './keys'
import { useStudioQuery, type StudioQuery } from './useStudioQuery'

type Usage = Awaited<ReturnType<StorageApi['usage']>>

export const useStorage = (): StudioQuery<Usage> => useStudioQuery(keys.storage, (studio) => studio.storage.usage())

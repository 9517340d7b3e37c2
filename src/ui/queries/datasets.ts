import type { DatasetRow } from '../../worker/protocol'
import { keys } from './keys'
import { useCommand, type Command } from './useCommand'
import { useStudioQuery, type StudioQuery } from './useStudioQuery'

export const useDatasets = (): StudioQuery<readonly DatasetRow[]> => useStudioQuery(keys.datasets, (studio) => studio.datasets.list())

export const useRemoveDataset = (): Command<string, null> =>
  useCommand((studio, datasetId: string) => studio.datasets.remove(datasetId), { invalidates: [keys.datasets, keys.storage] })

/** A small file that shows what a file of trajectories may hold. */
export const useSampleCsv = (): Command<null, string> =>
  useCommand(async (studio, _: null) => ({ ok: true as const, value: await studio.datasets.sampleCsv() }))

/** The labels of a dataset as StepTool's CSV. */
export const useExportLabels = (): Command<string, string> => useCommand((studio, datasetId: string) => studio.labels.exportCsv(datasetId))

import { useMemo } from 'react'
import type { DatasetRow, DataSourceRow } from '../../worker/protocol'
import type { ExportedFile } from '../../worker/studioApi'
import { distinctNames } from '../distinctNames'
import { keys } from './keys'
import { useCommand, type Command } from './useCommand'
import { useStudioQuery, type StudioQuery } from './useStudioQuery'

export const useDatasets = (): StudioQuery<readonly DatasetRow[]> => useStudioQuery(keys.datasets, (studio) => studio.datasets.list())

export const useRemoveDataset = (): Command<string, null> =>
  useCommand((studio, datasetId: string) => studio.datasets.remove(datasetId), { invalidates: [keys.datasets, keys.storage] })

/** What a run can be trained on: data sets, and the practice of runs. */
export const useDataSources = (): StudioQuery<readonly DataSourceRow[]> =>
  useStudioQuery(keys.dataSources, (studio) => studio.datasets.sources())

/** The name each source of data goes by, under its id: of several with one name, which is from when. */
export function useDataNames(): ReadonlyMap<string, string> {
  const rows = useDataSources().data
  return useMemo(() => {
    const names = distinctNames((rows ?? []).map(({ name, created_at: when }) => ({ name, when })))
    return new Map((rows ?? []).map(({ id }, at) => [id, names[at] ?? id]))
  }, [rows])
}

/** A small file that shows what a file of trajectories may hold. */
export const useSampleCsv = (): Command<null, string> =>
  useCommand(async (studio, _: null) => ({ ok: true as const, value: await studio.datasets.sampleCsv() }))

export interface ExportRequest {
  readonly sourceId: string
  readonly format: 'steptool-csv' | 'hone-jsonl'
}

/** A source of data with its labels: as StepTool's CSV the resolved rewards, as Hone's JSON Lines every opinion. */
export const useExportSource = (): Command<ExportRequest, ExportedFile> =>
  useCommand((studio, { sourceId, format }: ExportRequest) => studio.labels.exportFile([sourceId], format))

/** `studio.datasets`: imported files. */
import { sampleCsv } from '../../data/sampleCsv'
import type { DatasetsApi } from '../../worker/studioApi'
import type { Datasets } from './datasets'
import type { DataSources } from './dataSources'

export const createDatasetsApi = (datasets: Datasets, sources: DataSources): DatasetsApi => ({
  list: () => datasets.list(),
  sources: () => sources.list(),
  importFile: (file, options) => datasets.importFile(file, options),
  cancelImport: (importId) => datasets.cancelImport(importId),
  remove: (id) => datasets.remove(id),
  sampleCsv: () => Promise.resolve(sampleCsv()),
})

/** `studio.datasets`: imported files. */
import { sampleCsv } from '../../data/sampleCsv'
import type { DatasetsApi } from '../../worker/studioApi'
import type { Datasets } from './datasets'

export const createDatasetsApi = (datasets: Datasets): DatasetsApi => ({
  list: () => datasets.list(),
  importFile: (file, options) => datasets.importFile(file, options),
  remove: (id) => datasets.remove(id),
  sampleCsv: () => Promise.resolve(sampleCsv()),
})

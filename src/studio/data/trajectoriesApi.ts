/** `studio.trajectories`: what data sets and runs hold, and how a model's tokenizer reads one. */
import type { Store } from '../../storage/store'
import type { TrajectoriesApi } from '../../worker/studioApi'
import { accept, refuse } from '../failure'
import type { Previews } from '../labels/preview'
import type { Datasets } from './datasets'

export const createTrajectoriesApi = (store: Store, datasets: Datasets, previews: Previews): TrajectoriesApi => ({
  list: (of) => datasets.trajectories(of),
  get: async (id) => {
    const found = await store.trajectories.get(id)
    return found ? accept(found) : refuse('unknown-trajectory', `There is no trajectory ${id}.`)
  },
  tokenPreview: (id, options) => previews.tokenPreview(id, options),
})

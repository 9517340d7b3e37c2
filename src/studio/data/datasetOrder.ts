/** The order in which a file held its trajectories. Stores list them by id; training takes them in the order of the file. */
import { z } from 'zod'
import type { Trajectory } from '../../records/trajectory'
import type { Store } from '../../storage/store'

const orderName = (datasetId: string): string => `datasets/${datasetId}/order.json`

export const writeDatasetOrder = (store: Store, datasetId: string, ids: readonly string[]): Promise<void> =>
  store.writeBlob(orderName(datasetId), new TextEncoder().encode(JSON.stringify(ids)))

export const removeDatasetOrder = (store: Store, datasetId: string): Promise<void> => store.removeBlob(orderName(datasetId))

/** In the file's order; in that of ids where the data set was imported by a version that did not store it. */
export async function datasetTrajectories(store: Store, datasetId: string): Promise<readonly Trajectory[]> {
  const { records } = await store.trajectories.listOf({ dataset_id: datasetId })
  const bytes = await store.readBlob(orderName(datasetId)).catch(() => null)
  if (!bytes) return records
  const ids = z.array(z.string()).parse(JSON.parse(new TextDecoder().decode(bytes)))
  const place = new Map(ids.map((id, index) => [id, index]))
  const placeOf = ({ trajectory_id }: Trajectory): number => place.get(trajectory_id) ?? ids.length
  return [...records].sort((a, b) => placeOf(a) - placeOf(b))
}

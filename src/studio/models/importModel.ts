/** Imports a checkpoint a person picked. One that is stored already is found again instead of stored twice. */
import { openCheckpoint } from '../../models/checkpointFolder'
import { folderFromFiles } from '../../models/weights/byteSource'
import type { Store } from '../../storage/store'
import type { ModelRow, Reply } from '../../worker/protocol'
import { accept, attempt } from '../failure'
import { checkUsable, keepModel, keptSize, readCards, removeModel, type Card } from './modelCards'
import { removeModelFiles } from './modelFiles'
import { listedModel } from './modelRows'

interface ImportParts {
  readonly store: Store
  readonly newModelId: (name: string) => Promise<string>
  /** ISO time. */
  readonly now: () => string
}

export function importModel(name: string, files: readonly File[], { store, newModelId, now }: ImportParts): Promise<Reply<ModelRow>> {
  return attempt('model', async () => {
    const folder = folderFromFiles(name, files)
    const checkpoint = await openCheckpoint(folder)
    checkUsable(checkpoint)
    const stored = await readCards(store)
    const found = async (card: Card): Promise<Reply<ModelRow>> => accept(await listedModel(store, card))
    // Keeping a model reads every byte of it: only one of the same size is worth reading before.
    const bytes = await keptSize(folder, checkpoint)
    const sha256 = stored.some((card) => card.bytes === bytes) ? await checkpoint.sha256() : null
    const same = stored.find((card) => card.sha256 === sha256)
    if (same) return await found(same)
    const model_id = await newModelId(name)
    try {
      const kept = await keepModel(store, folder, { model_id, title: name, origin: null, now: now() })
      const twin = stored.find((card) => card.sha256 === kept.sha256)
      if (!twin) return await found(kept)
      await removeModel(store, model_id)
      return await found(twin)
    } catch (error) {
      await removeModelFiles(store, model_id).catch(() => undefined)
      throw error
    }
  })
}

/** Imports a checkpoint a person picked. One that is stored already is found again instead of stored twice. */
import { bounded } from '../../base/visibleText'
import { openCheckpoint } from '../../models/checkpointFolder'
import { folderFromFiles, type FolderSource } from '../../models/weights/byteSource'
import type { Store } from '../../storage/store'
import type { ModelRow, Reply } from '../../worker/protocol'
import { accept, refuse } from '../failure'
import type { ClaimName } from '../claim'
import type { ImportControl, Imports } from '../imports'
import { claimOf } from '../storage/unfinishedImports'
import { checkUsable, keepModel, keptSize, readCards, removeModel, type Card } from './modelCards'
import { removeModelFiles } from './modelFiles'
import { listedModel } from './modelRows'
import { watchedFolder } from './watchedFolder'

/** A longer name is cut: it is drawn on every page. */
const NAME_CHARS = 200

interface ImportParts {
  readonly store: Store
  readonly newModelId: (name: string) => Promise<string>
  /** ISO time. */
  readonly now: () => string
  readonly claim: ClaimName
  readonly imports: Pick<Imports, 'run'>
}

export function importModel(
  folderName: string,
  files: readonly File[],
  importId: string | undefined,
  { store, newModelId, now, claim, imports }: ImportParts,
): Promise<Reply<ModelRow>> {
  const name = bounded(folderName, NAME_CHARS).shown
  return imports.run('model', importId, async (control) => {
    const folder = folderFromFiles(name, files)
    const checkpoint = await openCheckpoint(folder)
    checkUsable(checkpoint)
    const stored = await readCards(store)
    const found = async (card: Card): Promise<Reply<ModelRow>> => accept(await listedModel(store, card))
    // Keeping a model reads every byte of it: only one of the same size is worth reading before.
    const bytes = await keptSize(folder, checkpoint)
    const isSameSize = stored.some((card) => card.bytes === bytes)
    const sha256 = isSameSize ? await (await openCheckpoint(reported(folder, 'comparing', bytes, control))).sha256() : null
    const same = stored.find((card) => card.sha256 === sha256)
    if (same) return await found(same)
    const model_id = await newModelId(name)
    const claimed = await claim(claimOf('model', model_id))
    if (!claimed.ok) return refuse('busy', `A model of this name is being imported ${claimed.owner}.`)
    try {
      const kept = await keepModel(store, reported(folder, 'storing', bytes, control), { model_id, title: name, origin: null, now: now() })
      const twin = stored.find((card) => card.sha256 === kept.sha256)
      if (!twin) return await found(kept)
      await removeModel(store, model_id)
      return await found(twin)
    } catch (error) {
      await removeModelFiles(store, model_id).catch(() => undefined)
      throw error
    } finally {
      claimed.release()
    }
  })
}

/** The folder; its reads are reported as the progress of a phase. */
function reported(
  folder: FolderSource,
  phase: 'comparing' | 'storing',
  total: number,
  { signal, report }: Pick<ImportControl, 'signal' | 'report'>,
): FolderSource {
  let done = 0
  report(phase, 0, total)
  return watchedFolder(folder, {
    signal,
    onRead: (bytes, file) => {
      done += bytes
      report(phase, Math.min(done, total), total, file)
    },
  })
}

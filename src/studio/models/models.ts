/** Models that can be trained: the starter, and imported or downloaded checkpoints. A checkpoint counts once its card is written, which happens last. */
import { EMBEDDED_MODEL } from '../../models/embeddedModel'
import { openCheckpoint } from '../../models/checkpointFolder'
import type { FolderSource } from '../../models/weights/byteSource'
import { packedCache } from '../../models/weights/packedCache'
import { readerOf } from '../../models/weights/safetensors'
import type { Store } from '../../storage/store'
import type { ModelRow, Reply } from '../../worker/protocol'
import { accept, attempt, refuse } from '../failure'
import { importModel } from './importModel'
import type { LoadedModel, ModelText } from './loadedModel'
import { checkUsable, freeId, readCards, readNotes, removeModel, rowOf, type Card } from './modelCards'
import { keptFolder, piecesOf } from './modelFiles'
import { starterRow, withAdapters } from './modelRows'
import { createModelTexts } from './modelTexts'
import type { ClaimName } from '../claim'
import type { Imports } from '../imports'
import type { ModelSource, SourcedModel } from './modelSource'
import { createSourcedModels } from './sourcedModels'
import { missingStarter } from './starterFiles'

export { withCallFormat, withPrecision, type LoadedModel, type ModelText } from './loadedModel'

export const STARTER = EMBEDDED_MODEL
const STARTER_TITLE = 'Starter model'

export interface Models {
  list(): Promise<readonly ModelRow[]>
  importModel(name: string, files: readonly File[], importId?: string): Promise<Reply<ModelRow>>
  /** An id nothing stored has. */
  newModelId(name: string): Promise<string>
  /** Of a model or of a download that has not ended, everything. Adapters trained on it stay. */
  remove(modelId: string): Promise<Reply<null>>
  /** @param seed of a model whose weights are drawn at random. */
  text(modelId: string, seed?: number): Promise<Reply<ModelText>>
  /** With weights that can be read. Checks every tensor's name and shape first. */
  load(modelId: string, seed?: number): Promise<Reply<LoadedModel>>
  /** Its files, for copies of the small ones. */
  folder(modelId: string): Promise<FolderSource>
}

interface ModelParts {
  readonly store: Store
  readonly starter: FolderSource
  readonly now: () => string
  readonly clock: () => number
  /** Opens every model but the starter and those that are stored. When absent, there are only these. */
  readonly source?: ModelSource | undefined
  readonly claim: ClaimName
  readonly imports: Imports
}

export function createModels({ store, starter, now, clock, source, claim, imports }: ModelParts): Models {
  const sourced = source && createSourcedModels(source)
  const cardOf = async (id: string): Promise<Card | undefined> => (await readCards(store)).find(({ model_id }) => model_id === id)
  const folder = async (id: string): Promise<FolderSource> =>
    id === STARTER ? starter : ((await sourced?.folder(id)) ?? keptFolder(store, id, (await cardOf(id))?.files ?? null))
  const texts = createModelTexts({
    clock,
    folder,
    title: async (id) => (id === STARTER ? STARTER_TITLE : ((await cardOf(id))?.title ?? id)),
    missing: (id) => (id === STARTER ? 'This build has no starter model.' : `There is no model ${id}.`),
  })
  const hashOf = createHashes(cardOf)

  /** null for models that are stored here. */
  async function openedBySource(id: string, seed: number): Promise<Reply<SourcedModel> | null> {
    return !sourced || id === STARTER || (await cardOf(id)) ? null : sourced.open(id, seed)
  }
  async function newModelId(name: string): Promise<string> {
    const taken = [...(await readCards(store)), ...(await readNotes(store))].map(({ model_id }) => model_id)
    return freeId(name, new Set([STARTER, ...taken]))
  }
  async function loadStored(id: string): Promise<Reply<LoadedModel>> {
    const text = await texts.of(id)
    if (!text.ok) return text
    const files = await folder(id)
    if (id === STARTER && !(await files.open('model.safetensors'))) return missingStarter()
    const checkpoint = await openCheckpoint(files)
    checkUsable(checkpoint)
    const sha256 = await hashOf(id, checkpoint)
    const reader = readerOf(checkpoint.tensors)
    // Some of the configuration only the weights tell.
    const model = { ...text.value, config: checkpoint.config, sha256 }
    // The starter is small, and belongs to the page.
    if (id === STARTER || sha256 === '') return accept({ ...model, reader })
    return accept({ ...model, reader: { ...reader, packed: packedCache(piecesOf(store, id), sha256) } })
  }

  return {
    async list() {
      const [first, cards, { records: runs }] = await Promise.all([texts.of(STARTER), readCards(store), store.runs.list()])
      return [...(first.ok ? [starterRow(first.value)] : []), ...cards.map(rowOf)].map((row) => withAdapters(row, runs))
    },
    importModel: (name, files, importId) => importModel(name, files, importId, { store, newModelId, now, claim, imports }),
    newModelId,
    remove: (id) =>
      attempt('model', async () => {
        if (id === STARTER) return refuse('starter', 'The starter model is part of this page and cannot be removed.')
        texts.forget(id)
        await removeModel(store, id)
        return accept(null)
      }),
    text: async (id, seed = 1) => (await openedBySource(id, seed)) ?? texts.of(id),
    folder,
    load: (id, seed = 1) => attempt<LoadedModel>('model', async () => (await openedBySource(id, seed)) ?? loadStored(id)),
  }
}

/** SHA-256 of a stored model: a card has it, and the starter's is computed once. */
function createHashes(cardOf: (id: string) => Promise<Card | undefined>) {
  let starterHash: Promise<string> | null = null
  return async (id: string, checkpoint: { sha256(): Promise<string> }): Promise<string> => {
    if (id !== STARTER) return (await cardOf(id))?.sha256 ?? ''
    starterHash ??= checkpoint.sha256()
    starterHash.catch(() => (starterHash = null))
    return starterHash
  }
}

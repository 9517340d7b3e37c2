/** Models one can train: the starter, and checkpoints a person brought. An imported one counts once its card is written, which is last. */
import { EMBEDDED_MODEL } from '../../models/embeddedModel'
import { openCheckpoint } from '../../models/checkpointFolder'
import { openTokenizer } from '../../models/checkpointTokenizer'
import { readModelConfig } from '../../models/modelConfigFile'
import { ropeTypeOf } from '../../models/claims'
import { parameterCount } from '../../models/languageModel'
import { createHfTokenizer } from '../../models/tokenizer/hfTokenizer'
import { folderFromFiles, type FolderSource } from '../../models/weights/byteSource'
import { packedCache } from '../../models/weights/packedCache'
import { readerOf } from '../../models/weights/safetensors'
import type { RunRecord } from '../../records/run'
import type { Store } from '../../storage/store'
import type { ModelRow, Reply } from '../../worker/protocol'
import { accept, attempt, refuse } from '../failure'
import { checkUsable, freeId, keepModel, keptSize, readCards, readNotes, removeModel, rowOf, type Card } from './modelCards'
import { keptFolder, piecesOf, removeModelFiles } from './modelFiles'
import type { LoadedModel, ModelText } from './loadedModel'
import type { ModelSource, SourcedModel } from './modelSource'
import { missingStarter } from './starterFiles'

export { withPrecision, type LoadedModel, type ModelText } from './loadedModel'

export const STARTER = EMBEDDED_MODEL

export interface Models {
  list(): Promise<readonly ModelRow[]>
  importModel(name: string, files: readonly File[]): Promise<Reply<ModelRow>>
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
  /** Opens every model but the starter and those that are stored. Left out: only these are known. */
  readonly source?: ModelSource | undefined
}

export function createModels({ store, starter, now, source }: ModelParts): Models {
  const sourced = new Map<string, Promise<Reply<SourcedModel>>>()
  const texts = new Map<string, Promise<Reply<ModelText>>>()
  let starterHash: Promise<string> | null = null

  const cards = (): Promise<Card[]> => readCards(store)
  const cardOf = async (id: string): Promise<Card | undefined> => (await cards()).find(({ model_id }) => model_id === id)
  /** null for models that are stored here. */
  async function openedBySource(id: string, seed: number): Promise<Reply<SourcedModel> | null> {
    if (!source || id === STARTER || (await cardOf(id))) return null
    const key = JSON.stringify([id, seed])
    const opened = sourced.get(key) ?? attempt('model', async () => accept(await source.open(id, seed)))
    sourced.set(key, opened)
    const reply = await opened
    if (!reply.ok) sourced.delete(key)
    return reply
  }
  async function folderOf(id: string): Promise<FolderSource> {
    if (id === STARTER) return starter
    for (const [key, opened] of sourced) {
      const reply = await opened
      if (reply.ok && (reply.value.id === id || key.startsWith(`[${JSON.stringify(id)},`))) return reply.value.folder
    }
    return keptFolder(store, id, (await cardOf(id))?.files ?? null)
  }

  async function starterRow(): Promise<ModelRow | null> {
    const text = await textOf(STARTER)
    if (!text.ok) return null
    const { config } = text.value
    const parameters = parameterCount(config)
    return {
      model_id: STARTER,
      title: 'Starter model',
      architecture: config.model_type,
      rope: ropeTypeOf(config),
      parameters,
      bytes: parameters * 2,
      contextLength: config.max_position_embeddings,
      vocabulary: config.vocab_size,
      origin: null,
      revision: null,
      adapters: [],
    }
  }

  function textOf(id: string): Promise<Reply<ModelText>> {
    const known = texts.get(id)
    if (known) return known
    const made = attempt('model', async () => {
      const folder = await folderOf(id)
      if (!(await folder.open('config.json')))
        return refuse('unknown-model', id === STARTER ? 'This build has no starter model.' : `There is no model ${id}.`)
      const { config } = await readModelConfig(folder)
      const { tokenizerJson, tokenizerConfig, chatTemplate } = await openTokenizer(folder, config.vocab_size)
      const tokenizer = createHfTokenizer(tokenizerJson, tokenizerConfig)
      const title = id === STARTER ? 'Starter model' : ((await cardOf(id))?.title ?? id)
      return accept({ id, title, config, tokenizer, chatTemplate })
    })
    texts.set(id, made)
    void made.then((reply) => {
      if (!reply.ok) texts.delete(id)
    })
    return made
  }

  async function newModelId(name: string): Promise<string> {
    const taken = [...(await cards()), ...(await readNotes(store))].map(({ model_id }) => model_id)
    return freeId(name, new Set([STARTER, ...taken]))
  }

  return {
    async list() {
      const [first, imported, { records: runs }] = await Promise.all([starterRow(), cards(), store.runs.list()])
      return [...(first ? [first] : []), ...imported.map(rowOf)].map((row) => ({ ...row, adapters: adaptersOf(row.model_id, runs) }))
    },

    importModel: (name, files) =>
      attempt('model', async () => {
        const folder = folderFromFiles(name, files)
        const checkpoint = await openCheckpoint(folder)
        checkUsable(checkpoint)
        const stored = await cards()
        const found = async (card: Card): Promise<Reply<ModelRow>> =>
          accept({ ...rowOf(card), adapters: adaptersOf(card.model_id, (await store.runs.list()).records) })
        // Keeping a model reads every byte of it: only one of the same size is worth reading before.
        const bytes = await keptSize(folder, checkpoint)
        const sha256 = stored.some((card) => card.bytes === bytes) ? await checkpoint.sha256() : null
        const same = stored.find((card) => card.sha256 === sha256)
        if (same) return await found(same)
        const model_id = await newModelId(name)
        try {
          const kept = await keepModel(store, folder, { model_id, title: name, origin: null, now: now() })
          const twin = stored.find((card) => card.sha256 === kept.sha256)
          if (!twin) return accept(rowOf(kept))
          await removeModel(store, model_id)
          return await found(twin)
        } catch (error) {
          await removeModelFiles(store, model_id).catch(() => undefined)
          throw error
        }
      }),

    newModelId,

    remove: (id) =>
      attempt('model', async () => {
        if (id === STARTER) return refuse('starter', 'The starter model is part of this page and cannot be removed.')
        texts.delete(id)
        await removeModel(store, id)
        return accept(null)
      }),

    text: async (id, seed = 1) => (await openedBySource(id, seed)) ?? textOf(id),

    folder: folderOf,

    load: (id, seed = 1) =>
      attempt<LoadedModel>('model', async () => {
        const opened = await openedBySource(id, seed)
        if (opened) return opened
        const text = await textOf(id)
        if (!text.ok) return text
        const folder = await folderOf(id)
        if (id === STARTER && !(await folder.open('model.safetensors'))) return missingStarter()
        const checkpoint = await openCheckpoint(folder)
        checkUsable(checkpoint)
        if (id === STARTER) {
          starterHash ??= checkpoint.sha256()
          starterHash.catch(() => (starterHash = null))
        }
        const sha256 = id === STARTER && starterHash ? await starterHash : ((await cardOf(id))?.sha256 ?? '')
        const reader = readerOf(checkpoint.tensors)
        // With what only the weights tell.
        const model = { ...text.value, config: checkpoint.config }
        // The starter is small, and belongs to the page.
        if (id === STARTER || sha256 === '') return accept({ ...model, sha256, reader })
        return accept({ ...model, sha256, reader: { ...reader, packed: packedCache(piecesOf(store, id), sha256) } })
      }),
  }
}

function adaptersOf(modelId: string, runs: readonly RunRecord[]): ModelRow['adapters'] {
  return runs.flatMap((run) => {
    const sha256 = run.adapter_sha256?.after ?? null
    return sha256 === null || run.model.id !== modelId ? [] : [{ run_id: run.run_id, title: run.title, sha256 }]
  })
}

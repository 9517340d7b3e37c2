/** Models one can train: the starter, and checkpoints a person brought. An imported one counts once its card is written, which is last. */
import { z } from 'zod'
import { architectures } from '../models/architectures'
import { parseModelConfig, type ModelConfig } from '../models/architectures/config'
import { openCheckpoint, type Checkpoint } from '../models/checkpointFolder'
import { architectureOf, parameterCount, type WeightReader } from '../models/languageModel'
import { createHfTokenizer, type HfTokenizer } from '../models/tokenizer/hfTokenizer'
import { CheckpointError, folderFromFiles, parseJson, sourceFromBytes, type FolderSource } from '../models/weights/byteSource'
import type { RunRecord } from '../records/run'
import type { Store } from '../storage/store'
import type { ModelRow, Reply } from '../worker/protocol'
import { accept, attempt, refuse } from './failure'
import { missingStarter } from './starterFiles'

export const STARTER = 'starter'
const CARD = 'hone.json'
/** One stored file must fit one array. */
const MAX_FILE_BYTES = 2 ** 31 - 1
const SMALL_FILES = [
  'config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'generation_config.json',
  'chat_template.jinja',
  'model.safetensors.index.json',
]

const cardSchema = z.object({
  model_id: z.string(),
  title: z.string(),
  architecture: z.string(),
  parameters: z.number(),
  bytes: z.number(),
  contextLength: z.number(),
  vocabulary: z.number(),
  sha256: z.string(),
  created_at: z.string(),
})
type Card = z.infer<typeof cardSchema>

/** What one needs to put text in and get text out; reading it needs no weights. */
export interface ModelText {
  readonly id: string
  readonly title: string
  readonly config: ModelConfig
  readonly tokenizer: HfTokenizer
}
export interface LoadedModel extends ModelText {
  readonly sha256: string
  readonly reader: WeightReader
}

export interface ModelRoom {
  list(): Promise<readonly ModelRow[]>
  importModel(name: string, files: readonly File[]): Promise<Reply<ModelRow>>
  text(modelId: string): Promise<Reply<ModelText>>
  /** With weights that can be read. Checks every tensor's name and shape first. */
  load(modelId: string): Promise<Reply<LoadedModel>>
}

interface ModelParts {
  readonly store: Store
  readonly starter: FolderSource
  readonly now: () => string
}

const blobName = (id: string, file: string): string => `models/${id}/${file}`

export function createModelRoom({ store, starter, now }: ModelParts): ModelRoom {
  const texts = new Map<string, Promise<Reply<ModelText>>>()
  let starterHash: Promise<string> | null = null

  const folderOf = (id: string): FolderSource => (id === STARTER ? starter : storedFolder(store, id))

  async function cards(): Promise<Card[]> {
    const found: Card[] = []
    for (const { name } of await store.listBlobs()) {
      if (!name.startsWith('models/') || !name.endsWith(`/${CARD}`)) continue
      const bytes = await store.readBlob(name).catch(() => null)
      const parsed = cardSchema.safeParse(bytes && parseJson(new TextDecoder().decode(bytes), name))
      if (parsed.success) found.push(parsed.data)
    }
    return found.sort((a, b) => (a.created_at < b.created_at ? -1 : 1))
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
      parameters,
      bytes: parameters * 2,
      contextLength: config.max_position_embeddings,
      vocabulary: config.vocab_size,
      adapters: [],
    }
  }

  function textOf(id: string): Promise<Reply<ModelText>> {
    const known = texts.get(id)
    if (known) return known
    const made = attempt('model', async () => {
      const folder = folderOf(id)
      const configBytes = await folder.open('config.json')
      if (!configBytes) return refuse('unknown-model', id === STARTER ? 'This build has no starter model.' : `There is no model ${id}.`)
      const config = parseModelConfig(await jsonOf(folder, 'config.json'))
      const tokenizer = createHfTokenizer(await jsonOf(folder, 'tokenizer.json'), (await jsonOf(folder, 'tokenizer_config.json')) ?? {})
      const title = id === STARTER ? 'Starter model' : ((await cards()).find((card) => card.model_id === id)?.title ?? id)
      return accept({ id, title, config, tokenizer })
    })
    texts.set(id, made)
    void made.then((reply) => {
      if (!reply.ok) texts.delete(id)
    })
    return made
  }

  return {
    async list() {
      const [first, imported, { records: runs }] = await Promise.all([starterRow(), cards(), store.runs.list()])
      const rows: ModelRow[] = imported.map(({ sha256: _hash, created_at: _at, ...row }) => ({ ...row, adapters: [] }))
      return [...(first ? [first] : []), ...rows].map((row) => ({ ...row, adapters: adaptersOf(row.model_id, runs) }))
    },

    importModel: (name, files) =>
      attempt('model', async () => {
        const checkpoint = await openCheckpoint(folderFromFiles(name, files))
        checkUsable(checkpoint)
        const large = files.find((file) => file.size > MAX_FILE_BYTES && checkpoint.tensors.files.includes(file.name))
        if (large)
          return refuse(
            'too-large',
            `${large.name} has ${large.size} bytes; a stored file may have ${MAX_FILE_BYTES}. Save the model in smaller shards (max_shard_size="1GB").`,
          )
        const sha256 = await checkpoint.sha256()
        const stored = await cards()
        const same = stored.find((card) => card.sha256 === sha256)
        if (same) return accept({ ...rowOf(same), adapters: adaptersOf(same.model_id, (await store.runs.list()).records) })
        const model_id = freeId(name, new Set([STARTER, ...stored.map((card) => card.model_id)]))
        const kept = files.filter((file) => SMALL_FILES.includes(file.name) || checkpoint.tensors.files.includes(file.name))
        const card: Card = {
          model_id,
          title: name,
          architecture: checkpoint.config.model_type,
          parameters: parameterCount(checkpoint.config),
          bytes: kept.reduce((sum, file) => sum + file.size, 0),
          contextLength: checkpoint.config.max_position_embeddings,
          vocabulary: checkpoint.config.vocab_size,
          sha256,
          created_at: now(),
        }
        try {
          for (const file of kept) await store.writeBlob(blobName(model_id, file.name), new Uint8Array(await file.arrayBuffer()))
          await store.writeBlob(blobName(model_id, CARD), new TextEncoder().encode(JSON.stringify(card)))
        } catch (error) {
          for (const file of kept) await store.removeBlob(blobName(model_id, file.name)).catch(() => undefined)
          throw error
        }
        return accept(rowOf(card))
      }),

    text: textOf,

    load: (id) =>
      attempt('model', async () => {
        const text = await textOf(id)
        if (!text.ok) return text
        const folder = folderOf(id)
        if (id === STARTER && !(await folder.open('model.safetensors'))) return missingStarter()
        const checkpoint = await openCheckpoint(folder)
        checkUsable(checkpoint)
        if (id === STARTER) {
          starterHash ??= checkpoint.sha256()
          starterHash.catch(() => (starterHash = null))
        }
        const sha256 =
          id === STARTER && starterHash ? await starterHash : ((await cards()).find((card) => card.model_id === id)?.sha256 ?? '')
        return accept({ ...text.value, sha256, reader: { read: (name, shape) => checkpoint.tensors.float32(name, shape) } })
      }),
  }
}

const rowOf = ({ sha256: _hash, created_at: _at, ...row }: Card): ModelRow => ({ ...row, adapters: [] })

function adaptersOf(modelId: string, runs: readonly RunRecord[]): ModelRow['adapters'] {
  return runs.flatMap((run) => {
    const sha256 = run.adapter_sha256?.after ?? null
    return sha256 === null || run.model.id !== modelId ? [] : [{ run_id: run.run_id, title: run.title, sha256 }]
  })
}

/** Throws a sentence for what the engine cannot compute with. */
function checkUsable({ config, requireTensors }: Checkpoint): void {
  if (!(config.model_type in architectures))
    throw new CheckpointError(
      `config.json: model_type "${config.model_type}" cannot be trained yet; expected ${Object.keys(architectures).join(', ')}`,
    )
  if (config.rope_scaling)
    throw new CheckpointError(`config.json: rope_scaling "${config.rope_scaling.rope_type}" is not supported yet; expected none`)
  requireTensors(architectureOf(config).parameters(config))
}

function freeId(name: string, taken: ReadonlySet<string>): string {
  const base =
    name
      .toLowerCase()
      .replaceAll(/[^a-z0-9.]+/g, '-')
      .replaceAll(/^[-.]+|[-.]+$/g, '')
      .slice(0, 60) || 'model'
  let id = base
  for (let n = 2; taken.has(id); n++) id = `${base}-${n}`
  return id
}

function storedFolder(store: Store, id: string): FolderSource {
  return {
    name: id,
    open: async (file) => {
      const bytes = await store.readBlob(blobName(id, file))
      return bytes && sourceFromBytes(bytes)
    },
  }
}

async function jsonOf(folder: FolderSource, file: string): Promise<unknown> {
  const source = await folder.open(file)
  return source && parseJson(new TextDecoder().decode(await source.read(0, source.size)), file)
}

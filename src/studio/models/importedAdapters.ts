/** LoRA adapters a person imported: their files, each folder with a card that is written last. */
import { z } from 'zod'
import type { NewId } from '../../base/id'
import { sha256 } from '../../base/sha256'
import { folderFromFiles, folderFromMap, type FolderSource } from '../../models/weights/byteSource'
import { ADAPTER_CONFIG } from '../../models/weights/peft'
import type { Store } from '../../storage/store'
import type { ImportedAdapter, Reply } from '../../worker/protocol'
import type { AdaptersApi } from '../../worker/studioApi'
import { accept, attempt, refuse } from '../failure'
import type { ClaimName } from '../claim'
import type { ImportControl, Imports } from '../imports'
import { claimOf } from '../storage/unfinishedImports'
import { ADAPTER_FILES, readInitialAdapter, type NamedInitialAdapter, type StoredInitialAdapter } from './initialAdapter'
import type { Models, ModelText } from './models'
import { readStoredFolder, removeStoredFolder } from './storedFolder'
import { watchedFolder } from './watchedFolder'

export interface ImportedAdapters extends Omit<AdaptersApi, 'exportFiles' | 'cancelImport'> {
  /** Reads one that is stored. */
  open(adapterId: string, model: ModelText): Promise<Reply<NamedInitialAdapter>>
}

interface AdapterParts {
  readonly store: Store
  readonly models: Pick<Models, 'text'>
  readonly newId: NewId
  readonly now: () => string
  readonly claim: ClaimName
  readonly imports: Pick<Imports, 'run'>
}

const cardSchema = z.object({
  ...{ version: z.literal(1), adapter_id: z.string(), model_id: z.string(), title: z.string(), sha256: z.string() },
  ...{ bytes: z.number(), created_at: z.string() },
})
const ROOT = 'adapters/'
const CARD = 'hone.json'
const folderOf = (id: string): string => `${ROOT}${id}/`

export function createImportedAdapters({ store, models, newId, now, claim, imports }: AdapterParts): ImportedAdapters {
  return {
    async open(id, model) {
      const card = (await readCards(store)).find(({ adapter_id }) => adapter_id === id)
      if (!card) return refuse('unknown-adapter', 'The imported adapter to begin from is not stored here any more.')
      const files = await readStoredFolder(store, folderOf(id))
      return accept({ adapter: await readInitialAdapter(folderFromMap(card.title, files), model), from: card.title })
    },
    list: () => readCards(store),
    importFiles: (modelId, name, files, importId) =>
      imports.run('adapter', importId, async (control) => {
        const model = await models.text(modelId)
        if (!model.ok) return model
        const adapter = await readInitialAdapter(await readFiles(folderFromFiles(name || 'The files', files), control), model.value)
        const same = await storedTwin(store, modelId, adapter)
        if (same) return accept(same)
        const title = name === '' ? `Adapter of rank ${adapter.lora.rank}, ${adapter.sha256.slice(0, 6)}` : name
        const bytes = [...adapter.files.values()].reduce((sum, file) => sum + file.byteLength, 0)
        const card = { adapter_id: newId('adapter'), model_id: modelId, title, sha256: adapter.sha256, bytes, created_at: now() }
        const claimed = await claim(claimOf('adapter', card.adapter_id))
        if (!claimed.ok) return refuse('busy', `This adapter is being imported ${claimed.owner}.`)
        await storeAdapter(store, card, adapter, control).finally(() => {
          claimed.release()
        })
        return accept(card)
      }),
    remove: (id) =>
      attempt('adapter', async () => {
        await removeStoredFolder(store, folderOf(id))
        return accept(null)
      }),
  }
}

/** The same adapter, imported before: the same weights may mean something else under another configuration. */
async function storedTwin(
  store: Store,
  modelId: string,
  { sha256: weights, files }: StoredInitialAdapter,
): Promise<ImportedAdapter | null> {
  const config = sha256(files.get(ADAPTER_CONFIG) ?? new Uint8Array(0))
  for (const card of await readCards(store)) {
    if (card.sha256 !== weights || card.model_id !== modelId) continue
    const own = await store.readBlob(folderOf(card.adapter_id) + ADAPTER_CONFIG)
    if (own && sha256(own) === config) return card
  }
  return null
}

/** The files of an adapter, read once, whole. */
async function readFiles(folder: FolderSource, { signal, report }: ImportControl): Promise<FolderSource> {
  let [done, total] = [0, 0]
  const onRead = (bytes: number, file: string): void => {
    done += bytes
    report('reading', done, total, file)
  }
  const watched = watchedFolder(folder, { signal, onRead })
  const found = await Promise.all(ADAPTER_FILES.map(async (name) => ({ name, source: await watched.open(name) })))
  total = found.reduce((sum, { source }) => sum + (source?.size ?? 0), 0)
  const files = new Map<string, Uint8Array>()
  for (const { name, source } of found) if (source) files.set(name, await source.read(0, source.size))
  return folderFromMap(folder.name, files)
}

/** Leaves nothing when it fails or is stopped. */
async function storeAdapter(
  store: Store,
  card: ImportedAdapter,
  { files }: StoredInitialAdapter,
  { signal, report }: ImportControl,
): Promise<void> {
  const folder = folderOf(card.adapter_id)
  try {
    let done = 0
    for (const [file, content] of files) {
      report('storing', done, card.bytes, file)
      await store.writeBlob(folder + file, content)
      done += content.byteLength
      signal.throwIfAborted()
    }
    report('storing', done, card.bytes)
    // The card comes last: it makes it an adapter.
    await store.writeBlob(folder + CARD, new TextEncoder().encode(JSON.stringify({ version: 1, ...card })))
  } catch (error) {
    await removeStoredFolder(store, folder).catch(() => undefined)
    throw error
  }
}

/** The oldest first. */
async function readCards(store: Store): Promise<ImportedAdapter[]> {
  const found: ImportedAdapter[] = []
  for (const { name } of await store.listBlobs((one) => one.startsWith(ROOT) && one.endsWith(`/${CARD}`))) {
    const bytes = await store.readBlob(name).catch(() => null)
    const card = cardSchema.safeParse(bytes && JSON.parse(new TextDecoder().decode(bytes)))
    if (!card.success) continue
    const { version: _version, ...adapter } = card.data
    found.push(adapter)
  }
  return found.sort((a, b) => (a.created_at < b.created_at ? -1 : 1))
}

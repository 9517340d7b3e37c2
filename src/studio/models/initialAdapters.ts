/** Adapters a run can begin from: those earlier runs left and those a person imported; and the copy that a run keeps of its own. */
import { z } from 'zod'
import type { NewId } from '../../base/id'
import { folderFromFiles, folderFromMap } from '../../models/weights/byteSource'
import type { Store } from '../../storage/store'
import type { ImportedAdapter, Reply, StartFrom } from '../../worker/protocol'
import type { AdaptersApi } from '../../worker/studioApi'
import { storedAdapterFiles } from './adapterFiles'
import { accept, attempt, refuse } from '../failure'
import type { ResumedRun } from '../runs/resume'
import type { Models, ModelText } from './models'
import { readInitialAdapter, type NamedInitialAdapter, type StoredInitialAdapter } from './initialAdapter'

export interface InitialAdapters extends AdaptersApi {
  /** What a request names. A run that is resumed takes its own copy: what it began from may be gone. */
  open(from: StartFrom | undefined, model: ModelText, resumed: ResumedRun | null): Promise<Reply<NamedInitialAdapter | null>>
  /** The run's own copy. */
  keep(runId: string, start: NamedInitialAdapter): Promise<void>
  forget(runId: string): Promise<void>
}

const cardSchema = z.object({
  ...{ version: z.literal(1), adapter_id: z.string(), model_id: z.string(), title: z.string(), sha256: z.string() },
  ...{ bytes: z.number(), created_at: z.string() },
})
const ROOT = 'adapters/'
const CARD = 'hone.json'
const folderOf = (id: string): string => `${ROOT}${id}/`
const copyOf = (runId: string): string => `runs/${runId}/init-adapter/`

interface StartParts {
  readonly store: Store
  readonly models: Pick<Models, 'text'>
  readonly newId: NewId
  readonly now: () => string
}

export function createInitialAdapters({ store, models, newId, now }: StartParts): InitialAdapters {
  const filesUnder = async (folder: string): Promise<Map<string, Uint8Array<ArrayBuffer>>> => {
    const files = new Map<string, Uint8Array<ArrayBuffer>>()
    for (const { name } of await store.listBlobs((one) => one.startsWith(folder))) {
      const bytes = await store.readBlob(name)
      if (bytes) files.set(name.slice(folder.length), bytes)
    }
    return files
  }
  const removeUnder = async (folder: string): Promise<void> => {
    for (const { name } of await store.listBlobs((one) => one.startsWith(folder))) await store.removeBlob(name)
  }
  const read = (name: string, files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>, model: ModelText): Promise<StoredInitialAdapter> =>
    readInitialAdapter(folderFromMap(name, files), model)

  async function cards(): Promise<ImportedAdapter[]> {
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

  async function ofRun(from: Extract<StartFrom, { kind: 'run' }>, model: ModelText): Promise<Reply<NamedInitialAdapter>> {
    const run = await store.runs.get(from.run_id)
    if (!run) return refuse('unknown-run', `There is no run ${from.run_id} to begin from; it may have been removed.`)
    const files = await storedAdapterFiles(store, from.run_id, from.which)
    const name = from.which === 'best' ? `${from.run_id}/best` : from.run_id
    if (files.size === 0) return refuse('no-adapter', `${run.title} left no adapter to begin from.`)
    if (files.has('model.safetensors')) return refuse('no-adapter', `${run.title} trained all weights: it left no adapter to begin from.`)
    return accept({ adapter: await read(name, files, model), from: name })
  }

  async function imported(from: Extract<StartFrom, { kind: 'imported' }>, model: ModelText): Promise<Reply<NamedInitialAdapter>> {
    const card = (await cards()).find(({ adapter_id }) => adapter_id === from.adapter_id)
    if (!card) return refuse('unknown-adapter', 'The imported adapter to begin from is not stored here any more.')
    return accept({ adapter: await read(card.title, await filesUnder(folderOf(card.adapter_id)), model), from: card.title })
  }

  const named = (from: StartFrom, model: ModelText): Promise<Reply<NamedInitialAdapter>> =>
    from.kind === 'run' ? ofRun(from, model) : imported(from, model)

  /** null when the run began from a new adapter. */
  async function ownCopy({ record, folder }: ResumedRun, model: ModelText): Promise<Reply<NamedInitialAdapter> | null> {
    const files = await filesUnder(copyOf(record.run_id))
    const { init_adapter: from, init_adapter_sha256: hash } = record.config
    if (files.size === 0 || typeof from !== 'string') return null
    const adapter = await read(from, files, model)
    if (adapter.sha256 === hash) return accept({ adapter, from })
    const place = folder === undefined ? 'The copy of the adapter it began from' : `${folder}/init-adapter`
    return refuse(
      'changed',
      `${place} was changed since the run began (SHA-256 ${adapter.sha256.slice(0, 12)}): the run cannot go on from it.`,
    )
  }

  /** A command that resumes a run may name its adapter again, but no other. */
  async function sameAsNamed(
    own: NamedInitialAdapter,
    from: StartFrom | undefined,
    model: ModelText,
    { folder }: ResumedRun,
  ): Promise<Reply<NamedInitialAdapter>> {
    const again = folder !== undefined && from ? await named(from, model) : null
    return again?.ok && again.value.adapter.sha256 !== own.adapter.sha256
      ? refuse(
          'changed',
          `${folder ?? ''} holds a run that began from another adapter than ${again.value.from}: leave --init-adapter out to go on.`,
        )
      : accept(own)
  }

  return {
    open: (from, model, resumed) =>
      attempt('adapter', async () => {
        const own = resumed && (await ownCopy(resumed, model))
        if (own) return own.ok ? sameAsNamed(own.value, from, model, resumed) : own
        return from ? named(from, model) : accept(null)
      }),
    async keep(runId, { adapter }) {
      for (const [name, bytes] of adapter.files) await store.writeBlob(copyOf(runId) + name, bytes)
    },
    forget: (runId) => removeUnder(copyOf(runId)),

    list: cards,
    importFiles: (modelId, name, files) =>
      attempt('adapter', async () => {
        const model = await models.text(modelId)
        if (!model.ok) return model
        const adapter = await readInitialAdapter(folderFromFiles(name || 'The files', files), model.value)
        const same = (await cards()).find(({ sha256, model_id }) => sha256 === adapter.sha256 && model_id === modelId)
        if (same) return accept(same)
        const adapter_id = newId('adapter')
        const title = name === '' ? `Adapter of rank ${adapter.lora.rank}, ${adapter.sha256.slice(0, 6)}` : name
        const bytes = [...adapter.files.values()].reduce((sum, file) => sum + file.byteLength, 0)
        const card = { adapter_id, model_id: modelId, title, sha256: adapter.sha256, bytes, created_at: now() }
        try {
          for (const [file, content] of adapter.files) await store.writeBlob(folderOf(adapter_id) + file, content)
          // The card comes last: it makes it an adapter.
          await store.writeBlob(folderOf(adapter_id) + CARD, new TextEncoder().encode(JSON.stringify({ version: 1, ...card })))
        } catch (error) {
          await removeUnder(folderOf(adapter_id)).catch(() => undefined)
          throw error
        }
        return accept(card)
      }),
    remove: (id) =>
      attempt('adapter', async () => {
        await removeUnder(folderOf(id))
        return accept(null)
      }),
  }
}

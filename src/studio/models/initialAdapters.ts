/** The adapter a run starts from: one that an earlier run left, or an imported one. The run stores a copy, for resuming. */
import { folderFromMap } from '../../models/weights/byteSource'
import type { Store } from '../../storage/store'
import type { Reply, StartFrom } from '../../worker/protocol'
import { accept, attempt, refuse } from '../failure'
import type { ResumedRun } from '../runs/resume'
import { storedAdapterFiles } from './adapterFiles'
import type { ImportedAdapters } from './importedAdapters'
import { checkTrainable, readInitialAdapter, type NamedInitialAdapter } from './initialAdapter'
import type { ModelText } from './models'
import { readStoredFolder, removeStoredFolder } from './storedFolder'

export interface InitialAdapters {
  /** The adapter a request names to act with: all that it does is computed, whether it is trained here or not. */
  openToAct(from: StartFrom | undefined, model: ModelText): Promise<Reply<NamedInitialAdapter | null>>
  /** The adapter a request names to train from. A run that is resumed takes its own copy, because the original may be gone. */
  open(from: StartFrom | undefined, model: ModelText, resumed: ResumedRun | null): Promise<Reply<NamedInitialAdapter | null>>
  /** The model that an imported adapter was imported for; null when it is not here. */
  modelOf(from: Extract<StartFrom, { kind: 'imported' }>): Promise<string | null>
  /** Stores the run's own copy. */
  keep(runId: string, adapter: NamedInitialAdapter): Promise<void>
  forget(runId: string): Promise<void>
}

interface InitialParts {
  readonly store: Store
  readonly importedAdapters: ImportedAdapters
}

const copyOf = (runId: string): string => `runs/${runId}/init-adapter/`

export function createInitialAdapters({ store, importedAdapters }: InitialParts): InitialAdapters {
  const named = (from: StartFrom, model: ModelText): Promise<Reply<NamedInitialAdapter>> =>
    from.kind === 'run' ? adapterOfRun(store, from, model) : importedAdapters.open(from.adapter_id, model)

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
          `${folder ?? ''} contains a run that started from another adapter than ${again.value.from}: leave --init-adapter out to resume it.`,
        )
      : accept(own)
  }

  return {
    open: (from, model, resumed) =>
      attempt('adapter', async () => {
        const own = resumed && (await copyOfRun(store, resumed, model))
        if (own) return own.ok ? sameAsNamed(own.value, from, model, resumed) : own
        const start = from ? await named(from, model) : accept(null)
        if (start.ok && start.value) checkTrainable(start.value.adapter.whole)
        return start
      }),
    openToAct: (from, model) => attempt('adapter', async () => (from ? named(from, model) : accept(null))),
    modelOf: async ({ adapter_id: id }) => (await importedAdapters.list()).find(({ adapter_id }) => adapter_id === id)?.model_id ?? null,
    async keep(runId, { adapter }) {
      for (const [name, bytes] of adapter.files) await store.writeBlob(copyOf(runId) + name, bytes)
    },
    forget: (runId) => removeStoredFolder(store, copyOf(runId)),
  }
}

async function adapterOfRun(
  store: Store,
  { run_id, which }: Extract<StartFrom, { kind: 'run' }>,
  model: ModelText,
): Promise<Reply<NamedInitialAdapter>> {
  const run = await store.runs.get(run_id)
  if (!run) return refuse('unknown-run', `There is no run ${run_id} to begin from; it may have been removed.`)
  const files = await storedAdapterFiles(store, run_id, which)
  const name = which === 'best' ? `${run_id}/best` : run_id
  if (files.size === 0) return refuse('no-adapter', `${run.title} left no adapter to begin from.`)
  if (files.has('model.safetensors')) return refuse('no-adapter', `${run.title} trained all weights: it left no adapter to begin from.`)
  return accept({ adapter: await readInitialAdapter(folderFromMap(name, files), model), from: name })
}

/** null when the run began from a new adapter. */
async function copyOfRun(store: Store, { record, folder }: ResumedRun, model: ModelText): Promise<Reply<NamedInitialAdapter> | null> {
  const files = await readStoredFolder(store, copyOf(record.run_id))
  const { init_adapter: from, init_adapter_sha256: hash } = record.config
  if (files.size === 0 || typeof from !== 'string') return null
  const adapter = await readInitialAdapter(folderFromMap(from, files), model)
  if (adapter.sha256 === hash) return accept({ adapter, from })
  const place = folder === undefined ? 'The copy of the initial adapter' : `${folder}/init-adapter`
  return refuse(
    'changed',
    `${place} was changed since the run began (SHA-256 ${adapter.sha256.slice(0, 12)}): the run cannot be resumed from it.`,
  )
}

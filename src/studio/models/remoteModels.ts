/**
 * Models from the Hub or from a folder behind an address: looked up first, so that host and size are known before anything is fetched; then
 * a job that fetches what is missing, and goes on where it was interrupted. The access token is in memory only.
 */
import type { FetchLedger, FetchLike } from '../../network/fetchLedger'
import { openWeightsFolder, SIDE_FILES } from '../../models/checkpointFolder'
import type { ModelConfig } from '../../models/architectures/config'
import { parameterCount } from '../../models/languageModel'
import { CheckpointError, type FolderSource } from '../../models/weights/byteSource'
import type { HttpParts } from '../../models/weights/httpClient'
import { folderFromUrl } from '../../models/weights/httpSource'
import { openHubModel } from '../../models/weights/hub'
import type { Store } from '../../storage/store'
import type { DownloadPlan, RemoteModel, Reply, UnfinishedDownload } from '../../worker/protocol'
import { accept, attempt, refuse, sentenceOf } from '../failure'
import type { JobControl, JobWork } from '../jobs/jobQueue'
import { checkUsable, keepModel, readCards, readNotes, removeModel, unfinishedOf, writeNote, type ModelOrigin } from './modelCards'
import { keptBytes } from './modelFiles'
import type { Models } from './models'
import type { StudioParts } from '../parts'
import { placeOf, type RemotePlace } from './remotePlace'

export interface RemoteModels {
  plan(model: RemoteModel): Promise<Reply<DownloadPlan>>
  unfinished(): Promise<readonly UnfinishedDownload[]>
  job(model: RemoteModel, runId: string): Promise<Reply<JobWork>>
}

interface RemoteParts extends Pick<StudioParts, 'sleep' | 'clock' | 'claim' | 'storageEstimate'> {
  readonly store: Store
  readonly models: Pick<Models, 'newModelId'>
  readonly ledger: FetchLedger
  /** ISO time. */
  readonly now: () => string
  readonly isOffline: () => boolean
}

/** A model as a server has it, its weights' headers read and checked. */
interface Found {
  readonly title: string
  readonly origin: ModelOrigin
  readonly folder: FolderSource
  readonly config: ModelConfig
  readonly files: number
  readonly bytes: number
}

const INDEX_FILE = 'model.safetensors.index.json'
const TOKENIZERS = ['tokenizer.json', 'tokenizer.model']
/** How often progress is told, and the network is looked for while there is none. */
const [TELL_MS, OFFLINE_MS] = [100, 1000]

export function createRemoteModels(parts: RemoteParts): RemoteModels {
  const { store, models, ledger } = parts

  /** Naming a server in the form is what allows it. */
  function httpOf({ token }: RemoteModel, place: RemotePlace, fetch: FetchLike, signal?: AbortSignal): HttpParts {
    ledger.allow(place.base)
    const own = token.trim()
    return { fetch, sleep: parts.sleep, signal, ...(own === '' ? {} : { token: own }) }
  }

  async function openPlace(place: RemotePlace, http: HttpParts): Promise<Pick<Found, 'title' | 'origin' | 'folder'>> {
    const { host } = new URL(place.base)
    if (place.kind === 'folder') {
      const folder = folderFromUrl(place.base, http)
      return { folder, title: place.title, origin: { host, pinned: place.base, revision: null } }
    }
    const folder = await openHubModel(place, http, { endpoint: place.base })
    return { folder, title: place.title, origin: { host, pinned: `${folder.repo}@${folder.commit}`, revision: folder.commit } }
  }

  async function lookUp(place: RemotePlace, http: HttpParts): Promise<Found> {
    const opened = await openPlace(place, http)
    const { folder } = opened
    const weights = await openWeightsFolder(folder)
    checkUsable(weights)
    const { config, tensors } = weights
    const sizes = new Map<string, number>()
    for (const name of [...SIDE_FILES, ...(tensors.files.length > 1 ? [INDEX_FILE] : []), ...tensors.files]) {
      const source = await folder.open(name)
      if (source) sizes.set(name, source.size)
    }
    if (!TOKENIZERS.some((name) => sizes.has(name))) throw new CheckpointError(`${folder.name}: file missing: ${TOKENIZERS.join(' or ')}`)
    return { ...opened, config, files: sizes.size, bytes: [...sizes.values()].reduce((sum, size) => sum + size, 0) }
  }

  /** What is stored of it: a whole model, or what a download that did not end left. */
  async function stored({
    host,
    pinned,
  }: ModelOrigin): Promise<{ readonly id: string | null; readonly isWhole: boolean; readonly bytes: number }> {
    const isSame = ({ origin }: { readonly origin: ModelOrigin | null }): boolean => origin?.host === host && origin.pinned === pinned
    const card = (await readCards(store)).find(isSame)
    // A folder without revisions may hold another model today.
    if (card && card.origin?.revision !== null) return { id: card.model_id, isWhole: true, bytes: card.bytes }
    const note = (await readNotes(store)).find(isSame)
    return { id: note?.model_id ?? null, isWhole: false, bytes: note ? await keptBytes(store, note.model_id) : 0 }
  }

  async function fetchAll(model: RemoteModel, place: RemotePlace, control: JobControl): Promise<void> {
    let [counted, told] = [0, Number.NEGATIVE_INFINITY]
    let total = 0
    const onBytes = (bytes: number): void => {
      counted += bytes
      if (total === 0 || parts.clock() - told < TELL_MS) return
      told = parts.clock()
      control.advance(Math.min(counted, total))
    }
    const fetch: FetchLike = async (url, init) => {
      await control.gate()
      while (parts.isOffline()) {
        control.say('This computer is offline. The download goes on when it is back.')
        await parts.sleep(OFFLINE_MS, control.signal)
      }
      return countedResponse(await ledger.fetch(url, init), onBytes)
    }
    const found = await lookUp(place, httpOf(model, place, fetch, control.signal))
    const { title, origin, bytes } = found
    const before = await stored(origin)
    if (before.isWhole) {
      control.say(`${title} is here already.`)
      return
    }
    const model_id = before.id ?? (await models.newModelId(place.title))
    await writeNote(store, { model_id, title, hub: model.hub, bytes, origin })
    counted = 0
    total = Math.max(1, bytes - Math.min(before.bytes, bytes))
    control.phase('downloading', total, `From ${origin.host}`)
    const card = await keepModel(store, found.folder, { model_id, title, origin, now: parts.now() }).catch((error: unknown) => {
      throw control.signal.aborted ? error : new Error(`${sentenceOf(error)} What arrived is kept.`, { cause: error })
    })
    const twin = (await readCards(store)).find(({ sha256, model_id: id }) => sha256 === card.sha256 && id !== model_id)
    if (twin) await removeModel(store, model_id)
    control.advance(total, twin ? `${twin.title} is the same model: it is kept once.` : `${title} is here.`)
  }

  return {
    plan: (model) =>
      attempt('download', async (): Promise<Reply<DownloadPlan>> => {
        const place = placeOf(model)
        if (parts.isOffline()) return refuse('offline', 'This computer is offline: connect it, then look again.')
        const found = await lookUp(place, httpOf(model, place, ledger.fetch))
        const { title, origin, config, files, bytes } = found
        const [before, { usage, quota }] = await Promise.all([stored(origin), parts.storageEstimate()])
        return accept({
          ...{ title, files, bytes, ...origin },
          keptBytes: Math.min(before.bytes, bytes),
          freeBytes: usage === null || quota === null ? null : Math.max(0, quota - usage),
          architecture: config.model_type,
          parameters: parameterCount(config),
          model_id: before.isWhole ? before.id : null,
        })
      }),

    async unfinished() {
      const whole = new Set((await readCards(store)).map(({ model_id }) => model_id))
      const notes = (await readNotes(store)).filter(({ model_id }) => !whole.has(model_id))
      return Promise.all(notes.map(async (note) => unfinishedOf(note, await keptBytes(store, note.model_id))))
    },

    job: (model, runId) =>
      attempt('download', () => {
        const place = placeOf(model)
        return Promise.resolve(
          accept<JobWork>({
            kind: 'download',
            title: `Download of ${place.title}`,
            runId,
            usesGpu: false,
            run: async (control) => {
              const release = await parts.claim(`hone-download-${place.base}${place.title}`)
              if (!release) throw new Error(`${place.title} is being downloaded already, here or in another tab.`)
              try {
                await fetchAll(model, place, control)
              } finally {
                release()
              }
            },
          }),
        )
      }),
  }
}

/** The same answer, its body counted as it passes. */
function countedResponse(response: Response, onBytes: (bytes: number) => void): Response {
  if (!response.body) return response
  const counting = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform: (chunk, controller) => {
      onBytes(chunk.length)
      controller.enqueue(chunk)
    },
  })
  const { status, statusText, headers } = response
  return new Response(response.body.pipeThrough(counting), { status, statusText, headers })
}

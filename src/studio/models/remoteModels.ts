/**
 * Models from the Hub or from a folder behind an address. They are looked up first, so that host and size are known before anything is
 * fetched; then a job downloads what is missing. The access token stays in memory.
 */
import type { FetchLedger, FetchLike } from '../../network/fetchLedger'
import { parameterCount } from '../../models/languageModel'
import type { HttpParts } from '../../models/weights/httpClient'
import type { Store } from '../../storage/store'
import type { DownloadPlan, RemoteModel, Reply, UnfinishedDownload } from '../../worker/protocol'
import { accept, attempt, refuse } from '../failure'
import type { JobWork } from '../jobs/jobControl'
import type { StudioParts } from '../parts'
import { readCards, readNotes, storedCopy, unfinishedOf } from './modelCards'
import { downloadModel } from './modelDownload'
import { keptBytes } from './modelFiles'
import type { Models } from './models'
import { lookUp } from './remoteLookup'
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

export function createRemoteModels(parts: RemoteParts): RemoteModels {
  const { store, ledger } = parts

  /** A server that the form names is allowed by that. */
  function httpOf({ token }: RemoteModel, place: RemotePlace, fetch: FetchLike, signal?: AbortSignal): HttpParts {
    ledger.allow(place.base)
    const own = token.trim()
    return { fetch, sleep: parts.sleep, signal, ...(own === '' ? {} : { token: own }) }
  }

  return {
    plan: (model) =>
      attempt('download', async (): Promise<Reply<DownloadPlan>> => {
        const place = placeOf(model)
        if (parts.isOffline()) return refuse('offline', 'This computer is offline: connect it, then look again.')
        const found = await lookUp(place, httpOf(model, place, ledger.fetch))
        const { title, origin, config, files, bytes } = found
        const [before, { usage, quota }] = await Promise.all([storedCopy(store, origin), parts.storageEstimate()])
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
        const run: JobWork['run'] = async (control) => {
          const claim = await parts.claim(`hone-download-${place.base}${place.title}`)
          if (!claim.ok) throw new Error(`${place.title} is being downloaded already, here or ${claim.owner}.`)
          const look = (fetch: FetchLike) => lookUp(place, httpOf(model, place, fetch, control.signal))
          try {
            await downloadModel(model, place, control, { ...parts, fetch: ledger.fetch, lookUp: look })
          } finally {
            claim.release()
          }
        }
        return Promise.resolve(accept<JobWork>({ kind: 'download', title: `Download of ${place.title}`, runId, usesGpu: false, run }))
      }),
  }
}

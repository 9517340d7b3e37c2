/** The work of a download: fetches what is missing of a model, and continues one that was interrupted. */
import type { FetchLike } from '../../network/fetchLedger'
import type { Store } from '../../storage/store'
import type { RemoteModel } from '../../worker/protocol'
import { sentenceOf } from '../failure'
import type { JobControl } from '../jobs/jobControl'
import type { StudioParts } from '../parts'
import { keepModel, readCards, removeModel, storedCopy, writeNote } from './modelCards'
import type { Models } from './models'
import type { RemoteCheckpoint } from './remoteLookup'
import type { RemotePlace } from './remotePlace'

export interface DownloadParts extends Pick<StudioParts, 'sleep' | 'clock'> {
  readonly store: Store
  readonly models: Pick<Models, 'newModelId'>
  readonly fetch: FetchLike
  /** Looks the model up, its files read through `fetch`. */
  readonly lookUp: (fetch: FetchLike) => Promise<RemoteCheckpoint>
  /** ISO time. */
  readonly now: () => string
  readonly isOffline: () => boolean
}

/** How often progress is reported, and how often an offline download looks for the network. */
const [REPORT_MS, OFFLINE_MS] = [100, 1000]

export async function downloadModel(
  { hub }: RemoteModel,
  place: RemotePlace,
  control: JobControl,
  { store, models, ...parts }: DownloadParts,
): Promise<void> {
  const progress = new DownloadProgress(control, parts.clock)
  const found = await parts.lookUp(countingFetch(control, progress, parts))
  const { title, origin, bytes } = found
  const before = await storedCopy(store, origin)
  if (before.isWhole) {
    control.say(`${title} is here already.`)
    return
  }
  const model_id = before.id ?? (await models.newModelId(place.title))
  await writeNote(store, { model_id, title, hub, bytes, origin })
  const total = Math.max(1, bytes - Math.min(before.bytes, bytes))
  progress.begin(total, origin.host)
  control.phase('downloading', total, `From ${origin.host}`)
  const card = await keepModel(store, found.folder, { model_id, title, origin, now: parts.now() }).catch((error: unknown) => {
    throw control.signal.aborted ? error : new Error(`${sentenceOf(error)} The part that arrived is kept.`, { cause: error })
  })
  const twin = (await readCards(store)).find(({ sha256, model_id: id }) => sha256 === card.sha256 && id !== model_id)
  if (twin) await removeModel(store, model_id)
  control.advance(total, twin ? `${twin.title} is the same model: it is kept once.` : `${title} is here.`)
}

/** Bytes that arrived since `begin`. The headers read before it are not counted. */
class DownloadProgress {
  readonly #control: JobControl
  readonly #clock: () => number
  #host = ''
  #total = 0
  #arrived = 0
  #lastReport = Number.NEGATIVE_INFINITY

  constructor(control: JobControl, clock: () => number) {
    this.#control = control
    this.#clock = clock
  }

  begin(total: number, host: string): void {
    this.#arrived = 0
    this.#host = host
    this.#total = total
  }

  add(bytes: number, file: string): void {
    this.#arrived += bytes
    if (this.#total === 0 || this.#clock() - this.#lastReport < REPORT_MS) return
    this.#lastReport = this.#clock()
    this.#control.advance(Math.min(this.#arrived, this.#total), `${file} from ${this.#host}`)
  }
}

/** Waits while the job is paused or the computer is offline, and counts what arrives. */
function countingFetch(
  control: JobControl,
  progress: DownloadProgress,
  { fetch, sleep, isOffline }: Pick<DownloadParts, 'fetch' | 'sleep' | 'isOffline'>,
): FetchLike {
  return async (url, init) => {
    await control.gate()
    while (isOffline()) {
      control.say('This computer is offline. The download continues when it is online again.')
      await sleep(OFFLINE_MS, control.signal)
    }
    return countedResponse(await fetch(url, init), (bytes) => {
      progress.add(bytes, fileOf(url))
    })
  }
}

/** The last part of an address, as a person reads it. */
function fileOf(url: Parameters<FetchLike>[0]): string {
  const last = new URL(url).pathname.split('/').at(-1) ?? ''
  try {
    return decodeURIComponent(last)
  } catch {
    return last
  }
}

/** The same response, whose body is counted while it is read. */
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

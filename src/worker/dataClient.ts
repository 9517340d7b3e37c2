/** The studio's side of the worker that reads files of data. Each file has its own worker, which ends with it. */
import { proxy, wrap, type Endpoint } from 'comlink'
import type { DatasetReader, OpenDatasetReader } from '../studio/data/datasetReader'
import dataScript from './data.worker.ts?worker&url'
import type { DataWorker } from './dataWorker'
import { startWorker } from './startWorker'

export const openDataWorker: OpenDatasetReader = (of, signal) => {
  const worker = startWorker(dataScript, import.meta.url, 'hone-data')
  const failed = new Promise<never>((_resolve, reject) => {
    worker.addEventListener('error', (event) => {
      reject(new Error(event.message || 'The worker that reads files of data could not be loaded: reload the page, then try again.'))
    })
  })
  const end = (): void => {
    worker.terminate()
  }
  return readerBehind(worker, { of, signal, failed, end })
}

interface Behind {
  readonly of: Parameters<OpenDatasetReader>[0]
  readonly signal: AbortSignal
  /** Rejects when the worker is lost. */
  readonly failed: Promise<never>
  /** Ends the worker. */
  readonly end: () => void
}

/** A reader at the other end of a channel. A call that is under way when the reading is stopped rejects, because a worker that was ended never answers. */
export function readerBehind(endpoint: Endpoint, { of, signal, failed, end }: Behind): DatasetReader {
  const remote = wrap<DataWorker>(endpoint)
  const stopped = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => {
      end()
      reject(signal.reason instanceof Error ? signal.reason : new Error('The reading was stopped.'))
    })
  })
  for (const lost of [failed, stopped]) lost.catch(() => undefined)
  const answered = <T>(call: Promise<T>): Promise<T> => Promise.race([call, failed, stopped])
  return {
    read: (onProgress) => answered(remote.read(of, proxy(onProgress))),
    next: () => answered(remote.next()),
    close: end,
  }
}

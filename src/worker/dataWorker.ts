/** What the worker that reads files of data answers: a reader for one file, after which it is ended. */
import { createNewId } from '../base/id'
import { createDatasetReader, type DatasetReader, type DatasetToRead } from '../studio/data/datasetReader'

export interface DataWorker {
  read(of: DatasetToRead, onProgress: (bytes: number) => void): ReturnType<DatasetReader['read']>
  next(): ReturnType<DatasetReader['next']>
}

export function createDataWorker(): DataWorker {
  const newId = createNewId({ now: () => Date.now(), random: () => Math.random() })
  let reader: DatasetReader | null = null
  return {
    read: (of, onProgress) => {
      reader = createDatasetReader(of, { newId, now: () => new Date().toISOString() })
      return reader.read(onProgress)
    },
    next: () => {
      if (!reader) throw new Error('read must be the first call')
      return reader.next()
    },
  }
}

/** One file on its way into the store: read, stored in pieces with progress, and taken out again when it is stopped halfway. */
import { bounded, moreText } from '../../base/visibleText'
import { createPacer } from '../../base/pacer'
import type { Opinion } from '../../records/annotation'
import type { DatasetRow } from '../../records/dataset'
import type { Reply } from '../../worker/protocol'
import { accept, refuse } from '../failure'
import type { ImportControl } from '../imports'
import type { StudioServices } from '../services'
import { claimOf, noteImport, removeImport } from '../storage/unfinishedImports'
import { writeDatasetOrder } from './datasetOrder'
import { createDatasetReader, type DatasetHead, type DatasetPiece, type DatasetReader, type OpenDatasetReader } from './datasetReader'

export interface ImportParts extends Pick<StudioServices, 'store' | 'rows' | 'emit' | 'clock' | 'sleep' | 'claim'> {
  /** Reads in another thread. When absent, the file is read in this one, in pieces of some milliseconds. */
  readonly openDatasetReader?: OpenDatasetReader | undefined
}

const NAME_CHARS = 200
const PROBLEM_CHARS = 2000

export async function importFile(file: File, suggestions: boolean, control: ImportControl, parts: ImportParts): Promise<Reply<DatasetRow>> {
  const name = bounded(file.name, NAME_CHARS).shown
  const pause = createPacer(parts)
  const { signal } = control
  const open: OpenDatasetReader = parts.openDatasetReader ?? ((of) => createDatasetReader(of, { ...parts.rows, signal, pause }))
  const reader = open({ file, name, suggestions }, signal)
  try {
    const head = await reader.read((bytes) => {
      control.report('reading', bytes, file.size)
    })
    return await storeRead({ name, head, reader, pause }, control, parts)
  } finally {
    reader.close()
  }
}

interface Reading {
  readonly name: string
  readonly head: DatasetHead
  readonly reader: DatasetReader
  readonly pause: () => Promise<void> | undefined
}

async function storeRead(reading: Reading, control: ImportControl, parts: ImportParts): Promise<Reply<DatasetRow>> {
  const { name, head } = reading
  const fault = head.dataset.problems[0]
  // A file of which not one row could be met is no data set; one with bad rows is, and says which.
  if (head.dataset.rows === 0 && head.settings === null)
    return refuse('nothing-imported', fault ? shortened(fault.message) : `${name} holds no data.`)
  const row = rowOf(head)
  const claimed = await parts.claim(claimOf('dataset', row.dataset_id))
  if (!claimed.ok) return refuse('busy', `${name} is being imported ${claimed.owner}.`)
  try {
    await storeDataset(reading, row, control, parts)
  } finally {
    claimed.release()
  }
  parts.emit({ type: 'dataset', dataset: row })
  return accept(row)
}

/** Leaves nothing of a data set that was not here before when it fails or is stopped. */
async function storeDataset(reading: Reading, row: DatasetRow, control: ImportControl, { store }: ImportParts): Promise<void> {
  const isNew = (await store.datasets.get(row.dataset_id)) === null
  try {
    if (isNew) await noteImport(store, row)
    await storeTrajectories(reading, row.dataset_id, control, store)
    await store.datasets.put({ ...row, problems: [...row.problems] })
    if (isNew) await removeImport(store, row.dataset_id, 'note')
  } catch (error) {
    if (isNew) await removeImport(store, row.dataset_id, 'everything').catch(() => undefined)
    throw error
  }
}

async function storeTrajectories(
  { head, reader, pause }: Reading,
  dataset_id: string,
  { signal, report }: ImportControl,
  store: ImportParts['store'],
): Promise<void> {
  const { trajectoryIds } = head
  await writeDatasetOrder(store, dataset_id, trajectoryIds)
  let done = 0
  for (let piece = await reader.next(); piece !== null; piece = await reader.next()) {
    signal.throwIfAborted()
    await store.trajectories.put({ dataset_id }, piece.trajectories)
    await store.opinions.add(await newOpinions(piece, store))
    done += piece.trajectories.length
    report('storing', done, trajectoryIds.length)
    await pause()
  }
  signal.throwIfAborted()
}

/** What the file says of the steps; and what the rules do, but of a trajectory that is imported again and has their opinions already. */
async function newOpinions({ trajectories, given, suggested }: DatasetPiece, store: ImportParts['store']): Promise<Opinion[]> {
  if (suggested.length === 0) return [...given]
  const { records } = await store.opinions.listOf(...trajectories.map(({ trajectory_id }) => trajectory_id))
  const ruled = new Set(records.flatMap((one) => (one.annotator_id.startsWith('rules:') ? [one.trajectory_id] : [])))
  return [...given, ...suggested.filter(({ trajectory_id }) => !ruled.has(trajectory_id))]
}

function shortened(text: string, most = PROBLEM_CHARS): string {
  const { shown, more } = bounded(text, most)
  return shown + moreText(more)
}

/** Its problems no longer than anybody reads, and beside them what of a configuration file will not change a run. */
function rowOf({ dataset, settings }: DatasetHead): DatasetRow {
  const notes = settings ? settingsNotes(dataset.name, settings.ignored) : []
  const problems = [...dataset.problems, ...notes].map((one) => ({
    ...one,
    column: one.column === null ? null : shortened(one.column, NAME_CHARS),
    ...{ expected: shortened(one.expected), found: shortened(one.found), message: shortened(one.message) },
  }))
  return { ...dataset, problems }
}

function settingsNotes(file: string, ignored: readonly { readonly field: string; readonly reason: string }[]): DatasetRow['problems'] {
  return ignored.map(({ field, reason }) => ({
    file,
    row: null,
    column: field,
    expected: 'a setting Hone uses',
    found: field,
    message: `${file}, ${field}: ${reason}`,
  }))
}

/** One file on its way into the store: read, stored in pieces with progress, and taken out again when it is stopped halfway. */
import { annotateByRules } from '../../annotation/rules'
import { bounded, moreText } from '../../base/visibleText'
import { createPacer } from '../../base/pacer'
import { importDataset, type ImportedDataset } from '../../data/importDataset'
import type { Opinion } from '../../records/annotation'
import type { DatasetRow } from '../../records/dataset'
import type { Trajectory } from '../../records/trajectory'
import type { Reply } from '../../worker/protocol'
import { accept, refuse } from '../failure'
import type { StudioServices } from '../services'
import { claimOf, noteImport, removeImport } from '../storage/unfinishedImports'
import { writeDatasetOrder } from './datasetOrder'

export type ImportParts = Pick<StudioServices, 'store' | 'rows' | 'emit' | 'clock' | 'sleep' | 'claim'>

export interface ImportOptions {
  readonly suggestions: boolean
  /** Names the import in its progress; absent: nobody follows it. */
  readonly importId?: string | undefined
  readonly signal: AbortSignal
}

/** Trajectories stored in one write: some milliseconds of work. */
const STORED_AT_ONCE = 50
const NAME_CHARS = 200
const PROBLEM_CHARS = 2000

export async function importFile(file: File, options: ImportOptions, parts: ImportParts): Promise<Reply<DatasetRow>> {
  const { emit, rows, clock, sleep } = parts
  const { importId, signal } = options
  const pause = createPacer({ clock, sleep })
  const report = (phase: 'reading' | 'storing', done: number, total: number): void => {
    if (importId !== undefined) emit({ type: 'import', import_id: importId, phase, done, total })
  }
  const name = bounded(file.name, NAME_CHARS).shown
  const onProgress = (bytes: number): void => {
    report('reading', bytes, file.size)
  }
  const read = await importDataset({ name, bytes: file.stream() }, { now: rows.now, signal, pause, onProgress })
  const fault = read.dataset.problems[0]
  // A file of which not one row could be met is no data set; one with bad rows is, and says which.
  if (read.dataset.rows === 0 && read.settings === null)
    return refuse('nothing-imported', fault ? shortened(fault.message) : `${name} holds no data.`)
  const row = rowOf(read)
  const claimed = await parts.claim(claimOf('dataset', row.dataset_id))
  if (!claimed.ok) return refuse('busy', `${name} is being imported ${claimed.owner}.`)
  try {
    await storeDataset(read, row, { ...options, pause, report }, parts)
  } finally {
    claimed.release()
  }
  emit({ type: 'dataset', dataset: row })
  return accept(row)
}

interface Storing extends ImportOptions {
  readonly pause: () => Promise<void> | undefined
  readonly report: (phase: 'storing', done: number, total: number) => void
}

/** Leaves nothing of a data set that was not here before when it fails or is stopped. */
async function storeDataset(read: ImportedDataset, row: DatasetRow, storing: Storing, parts: ImportParts): Promise<void> {
  const { store } = parts
  const isNew = (await store.datasets.get(row.dataset_id)) === null
  try {
    if (isNew) await noteImport(store, row)
    await storeTrajectories(read, row.dataset_id, storing, parts)
    await store.datasets.put({ ...row, problems: [...row.problems] })
    if (isNew) await removeImport(store, row.dataset_id, 'note')
  } catch (error) {
    if (isNew) await removeImport(store, row.dataset_id, 'everything').catch(() => undefined)
    throw error
  }
}

async function storeTrajectories(read: ImportedDataset, datasetId: string, storing: Storing, parts: ImportParts): Promise<void> {
  const { store } = parts
  const { trajectories } = read
  const given = new Map<string, Opinion[]>()
  for (const opinion of read.opinions) {
    const of = given.get(opinion.trajectory_id)
    if (of) of.push(opinion)
    else given.set(opinion.trajectory_id, [opinion])
  }
  await writeDatasetOrder(
    store,
    datasetId,
    trajectories.map(({ trajectory_id }) => trajectory_id),
  )
  for (let done = 0; done < trajectories.length; done += STORED_AT_ONCE) {
    storing.signal.throwIfAborted()
    const piece = trajectories.slice(done, done + STORED_AT_ONCE)
    await store.trajectories.put({ dataset_id: datasetId }, piece)
    await store.opinions.add(await opinionsOn(piece, given, storing, parts))
    storing.report('storing', done + piece.length, trajectories.length)
    await storing.pause()
  }
  storing.signal.throwIfAborted()
}

/** What the file says of the steps, and what the rules do. */
async function opinionsOn(
  piece: readonly Trajectory[],
  given: ReadonlyMap<string, readonly Opinion[]>,
  { suggestions, pause }: Storing,
  { store, rows }: ImportParts,
): Promise<Opinion[]> {
  const found: Opinion[] = []
  for (const trajectory of piece) {
    const own = given.get(trajectory.trajectory_id) ?? []
    found.push(...own)
    if (!suggestions) continue
    const stored = (await store.opinions.listOf(trajectory.trajectory_id)).records
    // A trajectory that is imported again already has the opinions of the rules.
    if (!stored.some((opinion) => opinion.annotator_id.startsWith('rules:')))
      found.push(...annotateByRules(trajectory, [...stored, ...own], rows))
    await pause()
  }
  return found
}

function shortened(text: string, most = PROBLEM_CHARS): string {
  const { shown, more } = bounded(text, most)
  return shown + moreText(more)
}

/** Its problems no longer than anybody reads, and beside them what of a configuration file will not change a run. */
function rowOf({ dataset, settings }: ImportedDataset): DatasetRow {
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

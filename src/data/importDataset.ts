/** Imports a file of any known format as a data set's records. A row that cannot be read becomes a problem that describes it; the rest is imported. */
import { idInside } from '../base/id'
import { Sha256 } from '../base/sha256'
import type { Opinion } from '../records/annotation'
import { stepsOf, type Trajectory } from '../records/trajectory'
import { formats } from './formats/index'
import type { DatasetFormat, FormatSource, ImportedSettings } from './formats/format'
import { ofLostFile, problemOf } from './problem'
import type { DatasetRow, Problem } from '../records/dataset'
import { byteChunks, textChunks, type ByteSource, type TextReport } from './textStream'

export interface ImportFile {
  readonly name: string
  readonly bytes: ByteSource
}

export interface ImportParts {
  /** ISO time. */
  readonly now: () => string
  /** Bytes read so far, at most once a piece (about 1 MB). */
  readonly onProgress?: (bytes: number) => void
  readonly signal?: AbortSignal
  /** Awaited between rows: whoever shares the thread gets a turn. When absent, the file is read at once. */
  readonly pause?: () => Promise<void> | undefined
}

export interface ImportedDataset {
  readonly dataset: DatasetRow
  readonly trajectories: readonly Trajectory[]
  readonly opinions: readonly Opinion[]
  readonly problems: readonly Problem[]
  /** What a configuration file says; null for data. */
  readonly settings: ImportedSettings | null
}

const HEAD_CHARS = 64 * 1024
/** So many problems are listed one by one; of the others only the number is stated. */
const MAX_PROBLEMS = 200

/** The bytes of a file on their way to the decoder: hashed, counted and reported. */
interface CountedBytes {
  readonly chunks: AsyncGenerator<Uint8Array>
  readonly hash: Sha256
  readonly total: () => number
}

function countBytes(source: ByteSource, { onProgress, signal }: Omit<ImportParts, 'now'>): CountedBytes {
  const hash = new Sha256()
  let total = 0
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of byteChunks(source)) {
      signal?.throwIfAborted()
      hash.update(chunk)
      total += chunk.length
      onProgress?.(total)
      yield chunk
    }
  }
  return { chunks: counted(), hash, total: () => total }
}

/** Reads the beginning of a text, by which its format is recognised; `fromStart` gives the whole text all the same. */
async function readHead(text: AsyncGenerator<string>): Promise<{ readonly head: string; readonly fromStart: AsyncGenerator<string> }> {
  const pieces: string[] = []
  for (let length = 0; length < HEAD_CHARS;) {
    const next = await text.next()
    if (next.done === true) break
    pieces.push(next.value)
    length += next.value.length
  }
  async function* fromStart(): AsyncGenerator<string> {
    yield* pieces
    yield* text
  }
  return { head: pieces.join(''), fromStart: fromStart() }
}

/** Lists the first problems one by one and counts the others. */
function problemList(): { readonly listed: Problem[]; readonly note: (problem: Problem) => void; readonly unlisted: () => number } {
  const listed: Problem[] = []
  let unlisted = 0
  const note = (problem: Problem): void => {
    if (listed.length < MAX_PROBLEMS) listed.push(problem)
    else unlisted += 1
  }
  return { listed, note, unlisted: () => unlisted }
}

interface ReadItems {
  readonly records: readonly { readonly trajectory: Trajectory; readonly opinions: readonly Opinion[] }[]
  readonly settings: ImportedSettings | null
  /** Data rows that were met, read or left out. */
  readonly rows: number
}

async function readItems(
  format: DatasetFormat,
  source: FormatSource,
  note: (problem: Problem) => void,
  { pause, signal }: Pick<ImportParts, 'pause' | 'signal'>,
): Promise<ReadItems> {
  const records: { trajectory: Trajectory; opinions: readonly Opinion[] }[] = []
  let settings: ImportedSettings | null = null
  let rows = 0
  for await (const item of format.read(source)) {
    await pause?.()
    signal?.throwIfAborted()
    if (item.kind === 'trajectory') {
      if (item.isSameRow !== true) rows += 1
      records.push(item)
    } else if (item.kind === 'settings') settings = item.settings
    else {
      note(item.problem)
      if (item.rejects && item.problem.row !== null) rows += 1
    }
  }
  return { records, settings, rows }
}

/** Problems of the file as a whole, which come after those of its rows. */
function* fileProblems(file: string, { encoding, hasUndecodable }: TextReport, unlisted: number): Generator<Problem> {
  if (hasUndecodable)
    yield problemOf({
      file,
      expected: `${encoding.toUpperCase()} text`,
      found: 'bytes that are none',
      outcome: 'They were replaced by U+FFFD (�): check the text, or save the file as UTF-8.',
    })
  if (unlisted > 0)
    yield problemOf({
      file,
      expected: `at most ${String(MAX_PROBLEMS)} problems`,
      found: `${String(unlisted)} more`,
      outcome: 'They are not listed.',
    })
}

/**
 * Reads a file. The data set's id follows from its content, so importing a file twice gives the same records. Throws only when
 * reading the bytes does, `signal` aborts or one line is too long to hold; everything else wrong with the content
 * is a problem in the result.
 */
export async function importDataset({ name, bytes }: ImportFile, { now, ...parts }: ImportParts): Promise<ImportedDataset> {
  const report: TextReport = { encoding: 'utf-8', hasUndecodable: false }
  const { chunks, hash, total } = countBytes(bytes, parts)
  const text = textChunks(chunks, report)
  const { head, fromStart } = await readHead(text)
  const created_at = now()
  const { listed: problems, note, unlisted } = problemList()
  const format = recogniseFormat(name, head.slice(0, HEAD_CHARS))
  if (!format) note(unknownFormat(name, head))
  const { records, settings, rows }: ReadItems = format
    ? await readItems(format, { name, text: fromStart, importedAt: created_at }, note, parts)
    : { records: [], settings: null, rows: 0 }
  // The hash is of the whole file, also when reading stopped early.
  while ((await text.next()).done !== true) parts.signal?.throwIfAborted()

  const sha256 = hash.hex()
  const dataset_id = `ds-${sha256.slice(0, 12)}`
  const { trajectories, opinions } = insideDataset(dataset_id, records)
  if (format && records.length === 0 && rows === 0 && settings === null && problems.length === 0)
    note(problemOf({ file: name, expected: 'at least one row of data', found: 'none', outcome: 'Nothing was imported.' }))
  problems.push(...fileProblems(name, report, unlisted()))
  const isLost = records.length === 0 && settings === null && rows > 0
  const said = isLost ? [...problems.map(ofLostFile), nothingKept(name, rows)] : problems
  const dataset: DatasetRow = {
    ...{ dataset_id, name, format: format?.name ?? 'unknown', sha256, bytes: total(), rows, problems: said, created_at },
    trajectories: trajectories.length,
    steps: trajectories.reduce((sum, record) => sum + stepsOf(record).length, 0),
  }
  return { dataset, trajectories, opinions, problems: said, settings }
}

const nothingKept = (file: string, rows: number): Problem =>
  problemOf({
    file,
    expected: 'at least one row that can be read',
    found: `${rows} that ${rows === 1 ? 'was' : 'were'} left out`,
    outcome: 'Nothing was imported.',
  })

/** The format that is surest of the file; null when none knows it. */
export function recogniseFormat(name: string, head: string): DatasetFormat | null {
  let best: DatasetFormat | null = null
  let bestScore = 0
  for (const format of Object.values(formats)) {
    const score = format.recognise(name, head)
    if (score > bestScore) {
      best = format
      bestScore = score
    }
  }
  return best
}

function unknownFormat(file: string, head: string): Problem {
  const titles = Object.values(formats).map((format) => format.title)
  const found = head.trim() === '' ? 'an empty file' : `a file that begins with ${JSON.stringify(head.trimStart().slice(0, 60))}`
  return problemOf({ file, expected: titles.join('; or '), found, outcome: 'Nothing was imported.' })
}

/** Gives every id its place in the data set; a number distinguishes rows that share an id. */
function insideDataset(dataset_id: string, rows: ReadItems['records']): { trajectories: Trajectory[]; opinions: Opinion[] } {
  const taken = new Set<string>()
  const numbered = new Map<string, number>()
  const fresh = (id: string): string => {
    const base = idInside(dataset_id, id)
    let unique = base
    // Numbering continues after the last row of this id, because a file may have one id in every row.
    let n = numbered.get(base) ?? 2
    for (; taken.has(unique); n++) unique = `${base}~${String(n)}`
    numbered.set(base, n)
    taken.add(unique)
    return unique
  }
  const trajectories: Trajectory[] = []
  const opinions: Opinion[] = []
  for (const row of rows) {
    const trajectory_id = fresh(row.trajectory.trajectory_id)
    const { pair_id } = row.trajectory
    trajectories.push({ ...row.trajectory, trajectory_id, ...(pair_id === undefined ? {} : { pair_id: idInside(dataset_id, pair_id) }) })
    const renamed = new Map(row.opinions.map(({ opinion_id }) => [opinion_id, fresh(opinion_id)]))
    for (const opinion of row.opinions)
      opinions.push({
        ...opinion,
        trajectory_id,
        opinion_id: renamed.get(opinion.opinion_id) ?? opinion.opinion_id,
        supersedes: opinion.supersedes === null ? null : (renamed.get(opinion.supersedes) ?? null),
      })
  }
  return { trajectories, opinions }
}

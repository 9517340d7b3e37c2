/** A file of any known format → a data set's records. What could not be read is said, what could is kept. */
import { idInside } from '../base/id'
import { Sha256 } from '../base/sha256'
import type { Opinion } from '../records/annotation'
import { stepsOf, type Trajectory } from '../records/trajectory'
import { formats } from './formats/index'
import type { DatasetFormat, ImportedSettings } from './formats/format'
import { problemOf } from './problem'
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
/** Problems kept one by one; beyond them only the number is told. */
const MAX_PROBLEMS = 200

/**
 * Reads a file. The data set's id follows from its content, so importing a file twice gives the same records. Throws only when
 * reading the bytes does, `signal` aborts or one line is too long to hold; everything else wrong with the content
 * is a problem in the result.
 */
export async function importDataset(file: ImportFile, { now, onProgress, signal }: ImportParts): Promise<ImportedDataset> {
  const hash = new Sha256()
  const report: TextReport = { encoding: 'utf-8', hasUndecodable: false }
  let bytes = 0
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of byteChunks(file.bytes)) {
      signal?.throwIfAborted()
      hash.update(chunk)
      bytes += chunk.length
      onProgress?.(bytes)
      yield chunk
    }
  }
  const text = textChunks(counted(), report)
  const head: string[] = []
  for (let held = 0; held < HEAD_CHARS;) {
    const next = await text.next()
    if (next.done === true) break
    head.push(next.value)
    held += next.value.length
  }
  async function* fromStart(): AsyncGenerator<string> {
    yield* head
    yield* text
  }

  const importedAt = now()
  const problems: Problem[] = []
  let unlisted = 0
  const note = (problem: Problem): void => {
    if (problems.length < MAX_PROBLEMS) problems.push(problem)
    else unlisted += 1
  }
  const read: { trajectory: Trajectory; opinions: readonly Opinion[] }[] = []
  let settings: ImportedSettings | null = null
  let rows = 0
  const format = recogniseFormat(file.name, head.join('').slice(0, HEAD_CHARS))
  if (!format) note(unknownFormat(file.name, head.join('')))
  else
    for await (const item of format.read({ name: file.name, text: fromStart(), importedAt })) {
      if (item.kind === 'trajectory') {
        if (item.isSameRow !== true) rows += 1
        read.push(item)
      } else if (item.kind === 'settings') settings = item.settings
      else {
        note(item.problem)
        if (item.rejects && item.problem.row !== null) rows += 1
      }
    }
  // The hash is of the whole file, also when reading stopped early.
  while ((await text.next()).done !== true) signal?.throwIfAborted()

  const sha256 = hash.hex()
  const dataset_id = `ds-${sha256.slice(0, 12)}`
  const records = insideDataset(dataset_id, read)
  if (format && read.length === 0 && rows === 0 && settings === null && problems.length === 0)
    note(problemOf({ file: file.name, expected: 'at least one row of data', found: 'none', outcome: 'Nothing was imported.' }))
  if (report.hasUndecodable)
    problems.push(
      problemOf({
        file: file.name,
        expected: `${report.encoding.toUpperCase()} text`,
        found: 'bytes that are none',
        outcome: 'They were replaced by U+FFFD (�): check the text, or save the file as UTF-8.',
      }),
    )
  if (unlisted > 0)
    problems.push(
      problemOf({
        file: file.name,
        expected: `at most ${String(MAX_PROBLEMS)} problems`,
        found: `${String(unlisted)} more`,
        outcome: 'They are not listed.',
      }),
    )
  const dataset: DatasetRow = {
    dataset_id,
    name: file.name,
    format: format?.name ?? 'unknown',
    sha256,
    bytes,
    rows,
    trajectories: records.trajectories.length,
    steps: records.trajectories.reduce((sum, record) => sum + stepsOf(record).length, 0),
    problems,
    created_at: importedAt,
  }
  return { dataset, ...records, problems, settings }
}

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

/** Gives every id its place in the data set; two rows of one id are told apart by a number. */
function insideDataset(
  dataset_id: string,
  rows: readonly { trajectory: Trajectory; opinions: readonly Opinion[] }[],
): { trajectories: Trajectory[]; opinions: Opinion[] } {
  const taken = new Set<string>()
  const fresh = (id: string): string => {
    const base = idInside(dataset_id, id)
    let unique = base
    for (let n = 2; taken.has(unique); n++) unique = `${base}~${String(n)}`
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

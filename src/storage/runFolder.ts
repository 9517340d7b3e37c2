/**
 * The directory of one run, as the command line leaves it:
 *
 *   run.json                       the record, with a checksum; run.previous.json is the one before it
 *   run.lock                       the process that writes here
 *   metrics.jsonl                  a line for each step, with a checksum
 *   practice/step-0001.jsonl       what an online run practised in a step, with its labels
 *   trajectories.jsonl             other attempts: an exam's, a rollout's
 *   evaluation.json, evaluation-2.json …
 *   checkpoint.0 and .1, best.0 and .1      two slots each
 *   init-adapter/, best/           the adapter it began from, and the one that did best
 *   anything else                  what was trained, under the names of its layout
 *
 * Rows are handed over as they were written: schemas and migrations are the store's. What is damaged is left out and named in `damage`.
 */
import { copyFile, link, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { byNaturalOrder } from '../base/naturalOrder'
import type { BlobEntry, BlobSlots } from './blobSlots'
import { checked, withChecksum } from './checksum'
import { appendSynced, replaceFileDurably } from './durableFile'
import { columnsOfLines, linesOfColumns, metricLinesText, readMetricLines, type MetricColumnsOfSteps } from './metricLines'
import { openNodeBlobs } from './nodeStore'

export interface FolderEntry {
  readonly trajectory: unknown
  readonly opinions: readonly unknown[]
}
const entryLine = z.object({ trajectory: z.looseObject({ trajectory_id: z.string() }), opinions: z.array(z.unknown()).default([]) })

const RECORD = 'run.json'
const PREVIOUS = 'run.previous.json'
/** Names the process that writes in the directory. */
export const RUN_LOCK = 'run.lock'
const METRICS = 'metrics.jsonl'
const TRAJECTORIES = 'trajectories.jsonl'
const DETAIL = 'detail.json'
const PRACTICE = 'practice'
const START = 'init-adapter'
/** Blobs in two slots with a checksum; every other blob is a plain file. */
const SLOTS = ['checkpoint', 'best']
const isOwn = (file: string): boolean =>
  [RECORD, PREVIOUS, METRICS, TRAJECTORIES, DETAIL].includes(file) ||
  file.startsWith(RUN_LOCK) ||
  /^evaluation(-\d+)?\.json$|\.writing$|\.[01](\.new)?$/.test(file)

export class RunFolder {
  readonly directory: string
  #slots: Promise<BlobSlots> | null = null
  /** Whether run.json, as it is now, is known to be whole. */
  #isRecordWhole = false
  readonly #damage = new Set<string>()
  /** Which file a trajectory is in. */
  #fileOf: Map<string, string> | null = null
  /** Of the metrics; null before this process wrote some. */
  #lastStep: number | null = null
  /** The file that was used last. */
  #open: { readonly file: string; readonly entries: Map<string, FolderEntry> } | null = null

  constructor(directory: string) {
    this.directory = directory
  }

  /** What is damaged of the files that were read so far, a sentence each. */
  get damage(): readonly string[] {
    return [...this.#damage]
  }

  /** null when there is none. Where run.json is damaged, the record before it. Throws SyntaxError for a file that is no JSON. */
  async record(): Promise<unknown> {
    const [text, earlier] = [await this.#text(RECORD), await this.#text(PREVIOUS)]
    if (text === null && earlier === null) return null
    const newest = readRecord(text ?? '')
    this.#isRecordWhole = newest.isWhole
    if (newest.isWhole) return newest.value
    const what = text === null ? `${RECORD} is missing` : `${RECORD} was damaged or changed by hand: its checksum does not fit`
    const before = readRecord(earlier ?? '')
    if (before.isWhole) {
      this.#damage.add(`${what}. The record written before it, ${PREVIOUS}, is used.`)
      return before.value
    }
    if (newest.value === undefined) throw new SyntaxError(`${what}, and no earlier copy is whole`)
    this.#damage.add(`${what}, and no earlier copy is whole. It is used as it is.`)
    return newest.value
  }
  async writeRecord(record: object): Promise<void> {
    if (this.#isRecordWhole) await this.#keepPrevious()
    await this.#replace(RECORD, `${JSON.stringify(withChecksum(record), null, 1)}\n`)
    this.#isRecordWhole = true
  }
  async #keepPrevious(): Promise<void> {
    const [from, to] = [this.#path(RECORD), this.#path(`${PREVIOUS}.writing`)]
    await rm(to, { force: true })
    // File systems without hard links copy.
    await link(from, to).catch(() => copyFile(from, to))
    await rename(to, this.#path(PREVIOUS))
  }

  /** Removes what an earlier run left, its adapter apart. */
  async clear(): Promise<void> {
    const files = [PREVIOUS, METRICS, TRAJECTORIES, DETAIL, PRACTICE, START, ...(await this.#evaluationFiles())]
    for (const name of [...files, ...SLOTS.flatMap((name) => [`${name}.0`, `${name}.1`])])
      await rm(this.#path(name), { force: true, recursive: true })
    this.#fileOf = null
    this.#open = null
    this.#lastStep = null
    this.#isRecordWhole = false
    this.#damage.clear()
  }
  async clearAttempts(): Promise<void> {
    for (const name of [TRAJECTORIES, ...(await this.#evaluationFiles())]) await rm(this.#path(name), { force: true })
    this.#fileOf = null
    this.#open = null
  }

  /** Steps in order, each once; the last line of a run that was killed may be half a line and is left out. */
  async metrics(): Promise<MetricColumnsOfSteps> {
    return columnsOfLines((await this.#metricLines()).lines)
  }
  /** Steps from the first new one on are replaced: a resumed run takes the steps after its checkpoint again. */
  async addMetrics(table: MetricColumnsOfSteps): Promise<void> {
    const lines = linesOfColumns(table)
    const first = table.step[0] ?? 0
    const last = this.#lastStep
    // An append that fails may leave half a line: the next one reads the file again.
    this.#lastStep = null
    // What an earlier process left is read once.
    if (last !== null && first > last) await appendSynced(this.#path(METRICS), metricLinesText(lines))
    else await this.#replace(METRICS, metricLinesText([...(await this.#metricLines()).lines.filter(({ step }) => step < first), ...lines]))
    this.#lastStep = table.step.at(-1) ?? last
  }
  async #metricLines(): Promise<ReturnType<typeof readMetricLines>> {
    const read = readMetricLines((await this.#text(METRICS)) ?? '')
    this.#sayDamaged(METRICS, read.damaged, 'the metrics of their steps are missing, unless these steps are taken again')
    return read
  }
  #sayDamaged(file: string, lines: readonly number[], lost: string): void {
    if (lines.length === 0) return
    this.#damage.add(`${file} has ${lines.length === 1 ? 'a damaged line' : 'damaged lines'} (${lines.join(', ')}): ${lost}.`)
  }

  /** Every trajectory with its opinions, file by file. */
  async entries(): Promise<(readonly [string, FolderEntry])[]> {
    const all: (readonly [string, FolderEntry])[] = []
    for (const file of await this.#entryFiles()) all.push(...(await this.#load(file)))
    return all
  }
  async entry(id: string): Promise<FolderEntry | null> {
    const file = (await this.#index()).get(id)
    return file === undefined ? null : ((await this.#load(file)).get(id) ?? null)
  }
  /** Adds or replaces trajectories; opinions about them stay. */
  async putTrajectories(rows: readonly { readonly id: string; readonly value: unknown }[]): Promise<void> {
    const index = await this.#index()
    for (const file of new Set(rows.map(({ id }) => fileFor(id)))) {
      const own = rows.filter(({ id }) => fileFor(id) === file)
      if (file === TRAJECTORIES && own.every(({ id }) => !index.has(id))) {
        await appendSynced(this.#path(file), own.map(({ value }) => lineOf({ trajectory: value, opinions: [] })).join(''))
        if (this.#open?.file === file) for (const { id, value } of own) this.#open.entries.set(id, { trajectory: value, opinions: [] })
      } else {
        // A run that Hone's first versions began gave its attempts other ids.
        const isSameRun = (id: string): boolean => id.split('/')[0] === own[0]?.id.split('/')[0]
        const entries = new Map([...(await this.#load(file))].filter(([id]) => isSameRun(id)))
        for (const { id, value } of own) entries.set(id, { trajectory: value, opinions: entries.get(id)?.opinions ?? [] })
        await this.#save(file, entries)
      }
      for (const { id } of own) index.set(id, file)
    }
  }
  /** Adds opinions to trajectories that are here. */
  async addOpinions(added: ReadonlyMap<string, readonly unknown[]>): Promise<void> {
    const index = await this.#index()
    for (const file of new Set([...added.keys()].flatMap((id) => index.get(id) ?? []))) {
      const entries = await this.#load(file)
      for (const [id, opinions] of added) {
        const entry = entries.get(id)
        if (entry) entries.set(id, { ...entry, opinions: [...entry.opinions, ...opinions] })
      }
      await this.#save(file, entries)
    }
  }
  async #index(): Promise<Map<string, string>> {
    if (this.#fileOf) return this.#fileOf
    const found = new Map<string, string>()
    for (const file of await this.#entryFiles()) for (const id of (await this.#load(file)).keys()) found.set(id, file)
    return (this.#fileOf = found)
  }
  async #entryFiles(): Promise<string[]> {
    const practice = (await readdir(this.#path(PRACTICE)).catch(() => []))
      .filter((name) => /^step-.*\.jsonl$/.test(name))
      .sort(byNaturalOrder)
    return [...practice.map((name) => `${PRACTICE}/${name}`), ...((await this.#text(TRAJECTORIES)) === null ? [] : [TRAJECTORIES])]
  }
  async #load(file: string): Promise<Map<string, FolderEntry>> {
    if (this.#open?.file === file) return this.#open.entries
    const entries = new Map<string, FolderEntry>()
    const lines = ((await this.#text(file)) ?? '').split('\n')
    const damaged: number[] = []
    for (const [index, line] of lines.entries()) {
      if (line.trim() === '') continue
      try {
        const { trajectory, opinions } = entryLine.parse(JSON.parse(line))
        entries.set(trajectory.trajectory_id, { trajectory, opinions })
      } catch {
        // A killed run leaves half a line, which has no line end.
        if (index < lines.length - 1) damaged.push(index + 1)
      }
    }
    this.#sayDamaged(file, damaged, 'the attempts on them are missing')
    this.#open = { file, entries }
    return entries
  }
  async #save(file: string, entries: Map<string, FolderEntry>): Promise<void> {
    this.#open = { file, entries }
    await this.#replace(file, [...entries.values()].map(lineOf).join(''))
  }

  async evaluations(): Promise<unknown[]> {
    const found: unknown[] = []
    for (const file of await this.#evaluationFiles())
      try {
        found.push(JSON.parse((await this.#text(file)) ?? 'null') as unknown)
      } catch {
        this.#damage.add(`${file} is damaged: it is no JSON, and its evaluation is missing.`)
      }
    return found
  }
  /** @param index of the evaluation in its run. */
  async writeEvaluation(index: number, value: unknown): Promise<void> {
    await this.#replace(index === 0 ? 'evaluation.json' : `evaluation-${index + 1}.json`, `${JSON.stringify(value, null, 1)}\n`)
  }
  async #evaluationFiles(): Promise<string[]> {
    return (await readdir(this.directory).catch(() => [])).filter((name) => /^evaluation(-\d+)?\.json$/.test(name)).sort(byNaturalOrder)
  }

  /** @param name of the blob without the run's prefix. */
  async readBlob(name: string): Promise<Uint8Array<ArrayBuffer> | null> {
    if (SLOTS.includes(name)) return (await this.#blobs()).read(name)
    try {
      return new Uint8Array(await readFile(this.#path(pathOfBlob(name))))
    } catch (error) {
      if (isMissing(error)) return null
      throw error
    }
  }
  async writeBlob(name: string, bytes: Uint8Array): Promise<void> {
    if (SLOTS.includes(name)) await (await this.#blobs()).write(name, bytes)
    else await this.#replace(pathOfBlob(name), bytes)
  }
  async removeBlob(name: string): Promise<void> {
    if (SLOTS.includes(name)) await (await this.#blobs()).remove(name)
    else await rm(this.#path(pathOfBlob(name)), { force: true })
  }
  async listBlobs(): Promise<BlobEntry[]> {
    const found: BlobEntry[] = [...(await (await this.#blobs()).list((name) => SLOTS.includes(name)))]
    for (const [folder, prefix] of BLOB_FOLDERS)
      for (const file of await readdir(this.#path(folder)).catch(() => [])) {
        if (folder === '' && isOwn(file) && file !== DETAIL) continue
        const about = await stat(this.#path(join(folder, file)))
        if (about.isFile()) found.push({ name: folder === '' && file === DETAIL ? file : prefix + file, bytes: about.size })
      }
    return found
  }
  #blobs(): Promise<BlobSlots> {
    return (this.#slots ??= openNodeBlobs(this.directory))
  }

  #path(name: string): string {
    return join(this.directory, name)
  }
  async #text(name: string): Promise<string | null> {
    try {
      return await readFile(this.#path(name), 'utf8')
    } catch (error) {
      if (isMissing(error)) return null
      throw error
    }
  }
  #replace(name: string, content: string | Uint8Array): Promise<void> {
    return replaceFileDurably(this.#path(name), content)
  }
}

/** `value` is undefined where the text is no JSON. */
function readRecord(text: string): { readonly value: unknown; readonly isWhole: boolean } {
  try {
    return checked(JSON.parse(text))
  } catch {
    return { value: undefined, isWhole: false }
  }
}

/** Folder of the directory, and what its files' names begin with as blobs. */
const BLOB_FOLDERS = [
  ['', 'adapter/'],
  ['best', 'best-adapter/'],
  [START, `${START}/`],
] as const

function pathOfBlob(name: string): string {
  for (const [folder, prefix] of BLOB_FOLDERS) if (name.startsWith(prefix)) return join(folder, name.slice(prefix.length))
  return name
}

/** Practice has a file for each round; ids say which: `run-1/practice-0001-query`. */
function fileFor(id: string): string {
  const round = /^[^/]+\/practice-(\d{4,}(?:-more-\d+)?)-/.exec(id)?.[1]
  return round === undefined ? TRAJECTORIES : `${PRACTICE}/step-${round}.jsonl`
}

const lineOf = (entry: FolderEntry): string => `${JSON.stringify(entry)}\n`
const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT'

/**
 * The directory of one run, as the command line leaves it:
 *
 *   run.json                       the record
 *   metrics.jsonl                  a line a step
 *   practice/step-0001.jsonl       what an online run practised in a step, with its labels
 *   trajectories.jsonl             other attempts: an exam's, a rollout's
 *   evaluation.json, evaluation-2.json …
 *   checkpoint.0 and .1, best.0 and .1      two slots each
 *   init-adapter/, best/           the adapter it began from, and the one that did best
 *   anything else                  what was trained, under the names of its layout
 *
 * Rows are handed over as they were written: schemas and migrations are the store's.
 */
import { appendFile, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { openNodeBlobs } from './nodeStore'
import type { BlobEntry, BlobSlots } from './blobSlots'

export interface FolderEntry {
  readonly trajectory: unknown
  readonly opinions: readonly unknown[]
}
interface Metrics {
  readonly step: readonly number[]
  readonly columns: Readonly<Record<string, readonly (number | null)[]>>
}

/** JSON has no NaN: such a value is null. */
const metricLine = z.object({ step: z.int().nonnegative() }).catchall(z.number().nullable())
type MetricLine = z.infer<typeof metricLine>
const entryLine = z.object({ trajectory: z.looseObject({ trajectory_id: z.string() }), opinions: z.array(z.unknown()).default([]) })

const RECORD = 'run.json'
const METRICS = 'metrics.jsonl'
const TRAJECTORIES = 'trajectories.jsonl'
const DETAIL = 'detail.json'
const PRACTICE = 'practice'
const START = 'init-adapter'
/** Blobs in two slots with a checksum; every other blob is a plain file. */
const SLOTS = ['checkpoint', 'best']
const isOwn = (file: string): boolean =>
  [RECORD, METRICS, TRAJECTORIES, DETAIL].includes(file) || /^evaluation(-\d+)?\.json$|\.writing$|\.[01](\.new)?$/.test(file)

export class RunFolder {
  readonly directory: string
  #slots: Promise<BlobSlots> | null = null
  /** Which file a trajectory is in. */
  #fileOf: Map<string, string> | null = null
  /** Of the metrics; null before this process wrote some. */
  #lastStep: number | null = null
  /** The file that was used last. */
  #open: { readonly file: string; readonly entries: Map<string, FolderEntry> } | null = null

  constructor(directory: string) {
    this.directory = directory
  }

  /** null when there is none. Throws SyntaxError for a file that is no JSON. */
  async record(): Promise<unknown> {
    const text = await this.#text(RECORD)
    return text === null ? null : (JSON.parse(text) as unknown)
  }
  async writeRecord(record: unknown): Promise<void> {
    await this.#replace(RECORD, `${JSON.stringify(record, null, 1)}\n`)
  }

  /** Removes what an earlier run left, its adapter apart. */
  async clear(): Promise<void> {
    const files = [METRICS, TRAJECTORIES, DETAIL, PRACTICE, START, ...(await this.#evaluationFiles())]
    for (const name of [...files, ...SLOTS.flatMap((name) => [`${name}.0`, `${name}.1`])])
      await rm(this.#path(name), { force: true, recursive: true })
    this.#fileOf = null
    this.#open = null
    this.#lastStep = null
  }
  async clearAttempts(): Promise<void> {
    for (const name of [TRAJECTORIES, ...(await this.#evaluationFiles())]) await rm(this.#path(name), { force: true })
    this.#fileOf = null
    this.#open = null
  }

  /** Steps in order; the last line of a run that was killed may be half a line and is left out. */
  async metrics(): Promise<Metrics> {
    const lines = await this.#metricLines()
    const names = [...new Set(lines.flatMap(({ step: _step, ...values }) => Object.keys(values)))]
    return {
      step: lines.map(({ step }) => step),
      columns: Object.fromEntries(names.map((name) => [name, lines.map((line) => line[name] ?? null)])),
    }
  }
  /** Steps from the first new one on are replaced: a resumed run takes the steps after its checkpoint again. */
  async addMetrics({ step, columns }: Metrics): Promise<void> {
    const lines = step.map((at, index): MetricLine => {
      const values = Object.entries(columns).flatMap(([name, all]) => (all[index] === undefined ? [] : [[name, all[index]] as const]))
      return { step: at, ...Object.fromEntries(values) }
    })
    const text = (all: readonly MetricLine[]): string => all.map((line) => `${JSON.stringify(line)}\n`).join('')
    const first = step[0] ?? 0
    // What an earlier process left is read once.
    if (this.#lastStep !== null && first > this.#lastStep) await appendFile(this.#path(METRICS), text(lines))
    else await this.#replace(METRICS, text([...(await this.#metricLines()).filter((line) => line.step < first), ...lines]))
    this.#lastStep = step.at(-1) ?? this.#lastStep
  }
  async #metricLines(): Promise<MetricLine[]> {
    return ((await this.#text(METRICS)) ?? '').split('\n').flatMap((line) => {
      try {
        return [metricLine.parse(JSON.parse(line))]
      } catch {
        return []
      }
    })
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
        await appendFile(this.#path(file), own.map(({ value }) => lineOf({ trajectory: value, opinions: [] })).join(''))
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
    const practice = (await readdir(this.#path(PRACTICE)).catch(() => [])).filter((name) => /^step-.*\.jsonl$/.test(name)).sort()
    return [...practice.map((name) => `${PRACTICE}/${name}`), ...((await this.#text(TRAJECTORIES)) === null ? [] : [TRAJECTORIES])]
  }
  async #load(file: string): Promise<Map<string, FolderEntry>> {
    if (this.#open?.file === file) return this.#open.entries
    const entries = new Map<string, FolderEntry>()
    for (const line of ((await this.#text(file)) ?? '').split('\n')) {
      if (line.trim() === '') continue
      try {
        const { trajectory, opinions } = entryLine.parse(JSON.parse(line))
        entries.set(trajectory.trajectory_id, { trajectory, opinions })
      } catch {
        // Half a line that a killed run left.
      }
    }
    this.#open = { file, entries }
    return entries
  }
  async #save(file: string, entries: Map<string, FolderEntry>): Promise<void> {
    this.#open = { file, entries }
    await this.#replace(file, [...entries.values()].map(lineOf).join(''))
  }

  async evaluations(): Promise<unknown[]> {
    const texts = await Promise.all((await this.#evaluationFiles()).map((file) => this.#text(file)))
    return texts.flatMap((text) => (text === null ? [] : [JSON.parse(text) as unknown]))
  }
  /** @param index of the evaluation in its run. */
  async writeEvaluation(index: number, value: unknown): Promise<void> {
    await this.#replace(index === 0 ? 'evaluation.json' : `evaluation-${index + 1}.json`, `${JSON.stringify(value, null, 1)}\n`)
  }
  async #evaluationFiles(): Promise<string[]> {
    return (await readdir(this.directory).catch(() => [])).filter((name) => /^evaluation(-\d+)?\.json$/.test(name)).sort()
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
  async #replace(name: string, content: string | Uint8Array): Promise<void> {
    const path = this.#path(name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(`${path}.writing`, content)
    await rename(`${path}.writing`, path)
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

/**
 * A training run's directory: `run.json`, `metrics.jsonl` with a line a step, `checkpoint.0` and `.1`, `init-adapter/` where it began from one, and in
 * the end what was trained.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { runRecord, type RunRecord } from '../records/run'
import { BEST, CHECKPOINT, DAMAGED_NOTE, runCheckpoints } from '../studio/runs/runCheckpoints'
import { openNodeBlobs } from '../storage/nodeStore'
import { isStorageFull } from '../storage/storageFull'
import type { CheckpointSink } from '../training/checkpoints/checkpoint'
import { roundName } from '../training/batches/rounds'
import { UsageError } from './command'

/** Holds the adapter a run began from. */
export const START_FOLDER = 'init-adapter'

export type StepMetrics = Readonly<Record<string, number>>
/** JSON has no NaN. */
const metricLine = z.object({ step: z.int().nonnegative() }).catchall(z.number().nullable())

export interface RunDirectory {
  readonly checkpoints: CheckpointSink
  /** What happened to its checkpoints, for the run card. */
  readonly notes: readonly string[]
  /** What the run began with; a resumed one never takes others. */
  readonly kernels: RunRecord['kernels']
  /** Metrics of the steps done before, when the run goes on. */
  readonly earlier: readonly { readonly step: number; readonly metrics: StepMetrics }[]
  report(step: number, metrics: StepMetrics): void
  /** `practice/step-0001.jsonl` and so on: what an online run trained on. */
  practised(step: number, lines: string): void
  write(record: RunRecord): void
}

/**
 * Opens a directory for a run. Without `resume` an unfinished run in it is refused, a finished one replaced; with it the recipe must be
 * the same, but for the number of steps. `start`: files of the adapter it begins from.
 */
export async function openRunDirectory(
  directory: string,
  record: RunRecord,
  resume: boolean,
  start: ReadonlyMap<string, Uint8Array> = new Map(),
): Promise<RunDirectory> {
  mkdirSync(directory, { recursive: true })
  const path = (name: string): string => join(directory, name)
  const before = readRun(path('run.json'))
  if (!resume) {
    if (before && before.status !== 'finished')
      throw new UsageError(`${directory} holds an unfinished run: --resume goes on with it, another --out starts a new one.`)
    const blobs = [CHECKPOINT, BEST].flatMap((name) => [`${name}.0`, `${name}.1`])
    for (const name of ['metrics.jsonl', 'practice', START_FOLDER, ...blobs]) rmSync(path(name), { force: true, recursive: true })
  } else if (before) checkSameRecipe(directory, before, record)
  for (const [name, bytes] of start) {
    mkdirSync(path(START_FOLDER), { recursive: true })
    replaceFile(path(`${START_FOLDER}/${name}`), bytes)
  }
  const notes: string[] = []
  const checkpoints = runCheckpoints(await openNodeBlobs(directory), '', () => {
    if (!notes.includes(DAMAGED_NOTE)) notes.push(DAMAGED_NOTE)
  })
  const done = (await checkpoints.load())?.step ?? 0
  // Steps after the checkpoint will be taken again.
  const earlier = readMetrics(path('metrics.jsonl')).filter(({ step }) => step < done)
  replaceFile(path('metrics.jsonl'), earlier.map(({ step, metrics }) => lineOf(step, metrics)).join(''))
  const { kernels } = resume && before ? before : record
  const write = (current: RunRecord): void => replaceFile(path('run.json'), `${JSON.stringify({ ...current, kernels }, null, 1)}\n`)
  write(record)
  return {
    checkpoints,
    notes,
    kernels,
    earlier,
    report: (step, metrics) => appendFileSync(path('metrics.jsonl'), lineOf(step, metrics)),
    practised(step, lines) {
      mkdirSync(path('practice'), { recursive: true })
      replaceFile(path(`practice/step-${roundName(step)}.jsonl`), lines)
    },
    write,
  }
}

const lineOf = (step: number, metrics: StepMetrics): string => `${JSON.stringify({ step, ...metrics })}\n`

/** What a failure means for the run: a full disk costs no more than the steps since the last checkpoint. */
export function runFailure(error: unknown, directory: string): Error {
  return isStorageFull(error)
    ? new UsageError(`There is no room left for ${directory}. Nothing stored was lost: make room, then go on with --resume.`)
    : error instanceof Error
      ? error
      : new Error(String(error))
}

function checkSameRecipe(directory: string, before: RunRecord, now: RunRecord): void {
  const differs = (what: string): never => {
    throw new UsageError(`${directory} holds a run with another ${what}: it cannot go on with this one.`)
  }
  if (before.algorithm !== now.algorithm) differs('algorithm')
  if (before.model.sha256 !== now.model.sha256) differs('model')
  if (before.seed !== now.seed) differs('seed')
  if (!isDeepStrictEqual(before.data, now.data)) differs('data set')
  const changed = Object.keys({ ...before.config, ...now.config }).find((key) => !isDeepStrictEqual(before.config[key], now.config[key]))
  if (changed !== undefined) differs(changed)
}

/** The record in a run's directory; null when it has none. */
export const storedRun = (directory: string): RunRecord | null => readRun(join(directory, 'run.json'))

/** null for none; a file that is no run record is not ours to replace. */
function readRun(path: string): RunRecord | null {
  if (!existsSync(path)) return null
  try {
    return runRecord.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    throw new UsageError(`${path} is no run record of Hone: choose another --out.`)
  }
}

/** The metrics in a run's directory, oldest first; empty when there are none. */
export const storedMetrics = (directory: string): { step: number; metrics: StepMetrics }[] => readMetrics(join(directory, 'metrics.jsonl'))

function readMetrics(path: string): { step: number; metrics: StepMetrics }[] {
  if (!existsSync(path)) return []
  return readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((line) => {
      try {
        const { step, ...rest } = metricLine.parse(JSON.parse(line))
        return [{ step, metrics: Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, value ?? Number.NaN])) }]
      } catch {
        // The last line of a killed run may be half a line.
        return []
      }
    })
}

function replaceFile(path: string, text: string | Uint8Array): void {
  writeFileSync(`${path}.writing`, text)
  renameSync(`${path}.writing`, path)
}

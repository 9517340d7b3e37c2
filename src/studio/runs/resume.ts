/** What it takes to resume a run that ended before its time: the request it began with, and what it learned from then. */
import { z } from 'zod'
import { sha256 } from '../../base/sha256'
import { jobRequests, type ResumableRequest } from '../../records/requests'
import type { RunRecord } from '../../records/run'
import type { LabelledTrajectory } from '../../training/batches/labelledTrajectory'
import type { Reply } from '../../worker/protocol'
import { accept, refuse } from '../failure'

const storedOriginSchema = z.object({
  version: z.literal(1),
  request: z.discriminatedUnion('kind', [jobRequests.train.unwrap(), jobRequests.story.unwrap()]),
  data: z.string().nullable(),
})

export interface RunOrigin {
  readonly request: ResumableRequest
  /** SHA-256 of what is learned from, labels included; null for practice. */
  readonly data: string | null
}

/** A run that is resumed: its record as it stands, and how it began. */
export interface ResumedRun {
  readonly record: RunRecord
  /** null in a folder of Hone's first versions: then the request that resumes it says how it began. */
  readonly origin: RunOrigin | null
  /** Where the run lies, if a command named its folder. */
  readonly folder?: string
}

/** How the note of a run begins that a person stopped: a resumed run is not stopped any more. */
export const STOPPED = 'The run was stopped.'

/** As the record keeps it. */
export const storedOrigin = ({ request, data }: RunOrigin): Record<string, unknown> => ({ version: 1, request: withoutKey(request), data })

/** A server's key is in memory only. */
const withoutKey = (request: ResumableRequest): ResumableRequest =>
  request.kind === 'train' && request.simulator ? { ...request, simulator: { ...request.simulator, apiKey: '' } } : request

/** null where it is not known, or of a later version. */
export function originOf({ began }: RunRecord): RunOrigin | null {
  return storedOriginSchema.safeParse(began).data ?? null
}

export const dataHash = (labelled: readonly LabelledTrajectory[]): string =>
  sha256(JSON.stringify(labelled.map(({ trajectory, rewards }) => [trajectory.trajectory_id, rewards])))

/**
 * The record a run is resumed with; a refusal names what is no longer as it was. After which step it continues is known once its checkpoint
 * was read: `continuedAfter` says it.
 * @param fresh the record that the same request would begin with now.
 * @param data hash of what it would learn from now.
 */
export function resumedRecord({ record, origin, folder }: ResumedRun, fresh: RunRecord, data: string | null): Reply<RunRecord> {
  const changed = whatChanged(record, fresh, origin === null || origin.data === data)
  if (changed !== null)
    return folder === undefined
      ? refuse(
          'changed',
          `${SENTENCES[changed.kind]} since this run began, so the run cannot be resumed to the same result. Start a new run instead.`,
        )
      : refuse('changed', `${folder} holds a run with another ${changed.name}: it cannot be resumed with this one.`)
  const [before, after] = [record.adapter?.description ?? '', fresh.adapter?.description ?? '']
  const notes: string[] = []
  if (before !== after) notes.push(`It was resumed on another GPU (${after}, ${before} before): numbers may differ in their last bits.`)
  return accept({
    ...record,
    status: 'running',
    error: null,
    finished_at: null,
    pause_reason: null,
    notes: [...new Set([...record.notes.filter((note) => !note.startsWith(STOPPED)), ...notes])],
    // A folder's run may be asked for more steps than before.
    ...(folder === undefined ? {} : { began: fresh.began }),
  })
}

/**
 * What the record of a resumed run says of the step it continued after. Where the record promised a later checkpoint, a note says so.
 * @param step of the checkpoint that was read; 0 without one.
 */
export function continuedAfter(step: number, { checkpoint, notes }: RunRecord): Pick<RunRecord, 'steps_done' | 'notes'> {
  const promised = checkpoint?.step ?? 0
  const from = step === 0 ? 'started again from its first step' : `continued from an older one, after step ${step}`
  const lost = step < promised ? [`The checkpoint after step ${promised} is damaged or missing: the run ${from}.`] : []
  return { steps_done: step, notes: [...new Set([...notes, ...lost, `It was resumed after step ${step}.`])] }
}

const SENTENCES = {
  algorithm: 'The algorithm changed',
  model: 'The model changed',
  seed: 'The seed changed',
  data: 'The data or its labels changed',
  world: 'The tool world changed',
  config: 'What the settings stand for changed',
} as const

interface Change {
  readonly kind: keyof typeof SENTENCES
  readonly name: string
}

function whatChanged(before: RunRecord, now: RunRecord, isSameData: boolean): Change | null {
  if (before.algorithm !== now.algorithm) return { kind: 'algorithm', name: 'algorithm' }
  if (before.model.sha256 !== now.model.sha256) return { kind: 'model', name: 'model' }
  if (before.seed !== now.seed) return { kind: 'seed', name: 'seed' }
  const hashes = ({ data }: RunRecord): string => JSON.stringify(data.map(({ sha256: hash }) => hash))
  if (!isSameData || hashes(before) !== hashes(now)) return { kind: 'data', name: 'data set' }
  if (before.world_hash !== now.world_hash) return { kind: 'world', name: 'tool world' }
  const setting = Object.keys({ ...before.config, ...now.config }).find(
    (key) => canonical(before.config[key]) !== canonical(now.config[key]),
  )
  return setting === undefined ? null : { kind: 'config', name: setting }
}

/** JSON with the keys of objects in order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}

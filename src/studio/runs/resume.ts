/** What it takes to go on with a run that ended before its time: the request it began with, and what it learnt from then. */
import { z } from 'zod'
import { sha256 } from '../../base/sha256'
import { jobRequests, type ResumableRequest } from '../../records/requests'
import type { GpuInfo, RunRecord } from '../../records/run'
import type { Reply } from '../../worker/protocol'
import { accept, refuse } from '../failure'
import type { LabelledTrajectory } from '../../training/batches/labelledTrajectory'

const beginning = z.object({
  version: z.literal(1),
  request: z.discriminatedUnion('kind', [jobRequests.train.unwrap(), jobRequests.story.unwrap()]),
  data: z.string().nullable(),
})

export interface Beginning {
  readonly request: ResumableRequest
  /** SHA-256 of what is learnt from, labels included; null for practice. */
  readonly data: string | null
}

/** A run that goes on: its record as it stands, and how it began. */
export interface ResumedRun {
  readonly record: RunRecord
  readonly began: Beginning
}

/** How the note of a run begins that a person stopped: one that goes on is not stopped any more. */
export const STOPPED = 'The run was stopped.'

/** As the record keeps it. */
export const storedBeginning = ({ request, data }: Beginning): Record<string, unknown> => ({ version: 1, request, data })

/** null where it is not known, or of a later version. */
export function beginningOfRun({ began }: RunRecord): Beginning | null {
  return beginning.safeParse(began).data ?? null
}

export const dataHash = (labelled: readonly LabelledTrajectory[]): string =>
  sha256(JSON.stringify(labelled.map(({ trajectory, rewards }) => [trajectory.trajectory_id, rewards])))

interface Now {
  readonly config: Readonly<Record<string, unknown>>
  readonly model: string
  readonly data: string | null
  readonly world: string | null
  readonly adapter: GpuInfo
}

/** The record a run goes on with; a refusal names what is no longer as it was. */
export function resumedRecord({ record, began }: ResumedRun, now: Now): Reply<RunRecord> {
  const differs = (what: string): Reply<never> =>
    refuse('changed', `${what} since this run began, so it cannot go on to the same end. Start a new run instead.`)
  if (record.model.sha256 !== now.model) return differs('The model changed')
  if (began.data !== now.data) return differs('The data or its labels changed')
  if (record.world_hash !== now.world) return differs('The tool world changed')
  if (JSON.stringify(record.config) !== JSON.stringify(now.config)) return differs('What the settings stand for changed')
  const step = record.checkpoint?.step ?? 0
  const notes = [`It went on after step ${step}.`]
  const [before, after] = [record.adapter?.description ?? '', now.adapter.description]
  if (before !== after) notes.push(`It went on on another GPU (${after}, ${before} before): numbers may differ in their last bits.`)
  return accept({
    ...record,
    status: 'running',
    error: null,
    finished_at: null,
    steps_done: step,
    notes: [...new Set([...record.notes.filter((note) => !note.startsWith(STOPPED)), ...notes])],
  })
}

/** Labelling one trajectory: store, undo, repeat. Labels go to the studio at once; nothing here waits for a network. */
import { useCallback, useEffect, useRef, useState } from 'react'
import type { LabelState, NewOpinion } from '../../worker/protocol'
import type { Trajectory } from '../../records/trajectory'
import { usePreferences } from '../stores/preferences'
import { useStudio } from '../stores/studio'
import { rememberLabels } from './labelStore'

interface Batch {
  readonly trajectoryId: string
  readonly opinionIds: readonly string[]
  readonly rows: readonly NewOpinion[]
}

export interface Labelling {
  /** Adds opinions; the rows of one call are undone together. */
  readonly store: (rows: readonly NewOpinion[]) => void
  readonly undo: () => void
  /** The rows stored last, to repeat them on another step. */
  readonly lastRows: () => readonly NewOpinion[]
  /** What happened last, for the status line. */
  readonly said: string
  readonly error: string | null
}

const words = (rows: readonly NewOpinion[]): string =>
  rows.length > 3
    ? `${rows.length} labels`
    : rows.map((row) => `${row.name} ${row.value === null ? 'withdrawn' : row.value} on step ${row.step + 1}`).join(', ')

export function useLabelling(trajectory: Trajectory | null, labels: LabelState | null): Labelling {
  const studio = useStudio()
  const annotator = usePreferences((state) => state.annotator)
  const [said, setSaid] = useState('')
  const [error, setError] = useState<string | null>(null)
  const undoStack = useRef<Batch[]>([])
  /** Ids seen so far: what a reply adds to them is what the call added. */
  const known = useRef(new Set<string>())
  useEffect(() => {
    for (const one of labels?.opinions ?? []) known.current.add(one.opinion_id)
  }, [labels])
  const last = useRef<readonly NewOpinion[]>([])

  const store = useCallback(
    (rows: readonly NewOpinion[]) => {
      const first = rows[0]
      if (!first) return
      last.current = rows
      const send = async (): Promise<void> => {
        const reply = await studio.addOpinions(rows, annotator)
        if (!reply.ok) {
          setError(reply.message)
          return
        }
        const added = reply.value.opinions.filter((one) => !known.current.has(one.opinion_id)).map((one) => one.opinion_id)
        for (const id of added) known.current.add(id)
        undoStack.current.push({ trajectoryId: first.trajectory_id, opinionIds: added, rows })
        rememberLabels(studio, first.trajectory_id, reply.value)
        setError(null)
        setSaid(`Stored: ${words(rows)}.`)
      }
      send().catch((reason: unknown) => {
        setError(reason instanceof Error ? reason.message : String(reason))
      })
    },
    [studio, annotator],
  )

  const undo = useCallback(() => {
    const batch = undoStack.current.pop() ?? newestOf(trajectory, labels)
    if (!batch) {
      setSaid('Nothing to undo.')
      return
    }
    const send = async (): Promise<void> => {
      for (const id of batch.opinionIds.toReversed()) {
        const reply = await studio.undoOpinion(id)
        if (!reply.ok) {
          setError(reply.message)
          return
        }
        rememberLabels(studio, batch.trajectoryId, reply.value)
      }
      setError(null)
      setSaid(batch.rows.length > 0 ? `Undone: ${words(batch.rows)}.` : 'Undone.')
    }
    send().catch((reason: unknown) => {
      setError(reason instanceof Error ? reason.message : String(reason))
    })
  }, [studio, trajectory, labels])

  const lastRows = useCallback(() => last.current, [])
  return { store, undo, lastRows, said, error }
}

/** After a reload the undo stack is gone; the person's newest standing opinion is still there to take back. */
function newestOf(trajectory: Trajectory | null, labels: LabelState | null): Batch | null {
  if (!trajectory || !labels) return null
  const replaced = new Set(labels.opinions.map((one) => one.supersedes))
  const newest = labels.opinions
    .filter((one) => one.annotator_kind === 'HUMAN' && !replaced.has(one.opinion_id))
    .sort((a, b) => (a.created_at < b.created_at ? -1 : 1))
    .at(-1)
  return newest ? { trajectoryId: trajectory.trajectory_id, opinionIds: [newest.opinion_id], rows: [] } : null
}

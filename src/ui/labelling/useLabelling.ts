/** Labelling one trajectory: store, undo, repeat. Labels go to the studio at once; nothing here waits for a network. */
import { useCallback, useRef, useState } from 'react'
import type { Opinion } from '../../records/annotation'
import type { LabelState, NewOpinion } from '../../worker/protocol'
import { usePreferences } from '../stores/preferences'
import { useStudio } from '../stores/studio'
import { rememberLabels } from './labelStore'

interface Batch {
  readonly trajectoryId: string
  readonly opinionIds: readonly string[]
  readonly said: string
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

/** How labels are signed when the name was left empty; the studio does the same. */
export const useAnnotator = (): string => usePreferences((state) => (state.annotator.trim() === '' ? 'you' : state.annotator.trim()))

const words = (rows: readonly NewOpinion[]): string =>
  rows.length > 3
    ? `${rows.length} labels`
    : rows.map((row) => `${row.name} ${row.value === null ? 'withdrawn' : row.value} on step ${row.step + 1}`).join(', ')

/** After a reload there is no stack: a person's rows, newest first, until the studio takes one back. */
const LOOK_BACK = 60

export function useLabelling(trajectoryId: string | null, labels: LabelState | null): Labelling {
  const studio = useStudio()
  const annotator = useAnnotator()
  const [said, setSaid] = useState('')
  const [error, setError] = useState<string | null>(null)
  const stack = useRef<Batch[]>([])
  const last = useRef<readonly NewOpinion[]>([])

  const attempt = useCallback((work: Promise<string | null>) => {
    work.then(
      (done) => {
        setError(null)
        if (done !== null) setSaid(done)
      },
      (reason: unknown) => {
        setError(reason instanceof Error ? reason.message : String(reason))
      },
    )
  }, [])

  const store = useCallback(
    (rows: readonly NewOpinion[]) => {
      const first = rows[0]
      if (!first) return
      last.current = rows
      const send = async (): Promise<string> => {
        const reply = await studio.labels.add(rows, annotator)
        if (!reply.ok) throw new Error(reply.message)
        const opinionIds = rows.flatMap((row) => newestLike(reply.value.opinions, row, annotator)?.opinion_id ?? [])
        stack.current.push({ trajectoryId: first.trajectory_id, opinionIds, said: words(rows) })
        rememberLabels(studio, first.trajectory_id, reply.value)
        return `Stored: ${words(rows)}.`
      }
      attempt(send())
    },
    [studio, annotator, attempt],
  )

  const undo = useCallback(() => {
    const batch = stack.current.pop()
    const send = async (): Promise<string> => {
      if (batch) {
        for (const id of batch.opinionIds.toReversed()) {
          const reply = await studio.labels.undo(id)
          if (!reply.ok) throw new Error(reply.message)
          rememberLabels(studio, batch.trajectoryId, reply.value)
        }
        return `Undone: ${batch.said}.`
      }
      const mine = (labels?.opinions ?? []).filter((one) => one.annotator_kind === 'HUMAN' && one.annotator_id === annotator)
      for (const one of [...mine].sort((a, b) => (a.created_at < b.created_at ? 1 : -1)).slice(0, LOOK_BACK)) {
        const reply = await studio.labels.undo(one.opinion_id)
        if (!reply.ok || trajectoryId === null) continue
        rememberLabels(studio, trajectoryId, reply.value)
        return `Undone: ${one.name} on step ${one.step + 1}.`
      }
      return 'Nothing to undo.'
    }
    attempt(send())
  }, [studio, annotator, labels, trajectoryId, attempt])

  const lastRows = useCallback(() => last.current, [])
  return { store, undo, lastRows, said, error }
}

/** The row that `row` became in the studio: the newest of its question. */
function newestLike(opinions: readonly Opinion[], row: NewOpinion, annotator: string): Opinion | undefined {
  return opinions
    .filter((one) => one.annotator_kind === 'HUMAN' && one.annotator_id === annotator && one.step === row.step && one.name === row.name)
    .reduce<Opinion | undefined>((newest, one) => (newest && newest.created_at > one.created_at ? newest : one), undefined)
}

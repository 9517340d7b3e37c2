/** Labelling one trajectory: store, undo, repeat. A label shows at once, and labelling never waits for a network. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useCallback, useRef, useState, type RefObject } from 'react'
import type { Opinion } from '../../records/annotation'
import type { Trajectory } from '../../records/trajectory'
import type { LabelState, NewOpinion } from '../../worker/protocol'
import { sentenceOf, valueOf } from '../queries/client'
import { labelMutation, labelScope, putLabels, type LabelChange } from '../queries/labels'
import { usePreferences } from '../stores/preferences'
import { useStudio } from '../stores/studio'

interface Batch {
  readonly trajectoryId: string
  readonly opinionIds: readonly string[]
  readonly what: string
}

export interface Labelling {
  /** Adds opinions; the rows of one call are undone together. */
  readonly store: (rows: readonly NewOpinion[]) => void
  readonly undo: () => void
  /** The rows stored last, to repeat them on another step. */
  readonly lastRows: () => readonly NewOpinion[]
  /** What happened last, for the status line. */
  readonly status: string
  readonly error: string | null
}

/** How labels are signed when the name was left empty; the studio does the same. */
export const useAnnotator = (): string => usePreferences((state) => (state.annotator.trim() === '' ? 'you' : state.annotator.trim()))

const words = (rows: readonly NewOpinion[]): string =>
  rows.length > 3
    ? `${rows.length} labels`
    : rows.map((row) => `${row.name} ${row.value === null ? 'withdrawn' : row.value} on step ${row.step + 1}`).join(', ')

/** After a reload there is no history: a person's rows are tried, newest first, until the studio undoes one. */
const LOOK_BACK = 60

export function useLabelling(trajectory: Trajectory | null, labels: LabelState | null): Labelling {
  const annotator = useAnnotator()
  const { status, error, report } = useReport()
  const history = useRef<Batch[]>([])
  const last = useRef<readonly NewOpinion[]>([])
  const change = useChange(history, annotator)
  const revert = useRevert(history)
  const trajectoryId = trajectory?.trajectory_id ?? null

  const store = useCallback(
    (rows: readonly NewOpinion[]) => {
      if (!trajectory || rows.length === 0) return
      last.current = rows
      report(change({ trajectory, rows, annotator }).then(() => `Stored: ${words(rows)}.`))
    },
    [trajectory, annotator, change, report],
  )
  const undo = useCallback(() => {
    const mine = (labels?.opinions ?? []).filter(
      (one) => one.annotator_kind === 'HUMAN' && one.annotator_id === annotator && one.trajectory_id === trajectoryId,
    )
    report(revert([...mine].sort((a, b) => (a.created_at < b.created_at ? 1 : -1)).slice(0, LOOK_BACK)))
  }, [labels, annotator, trajectoryId, revert, report])

  const lastRows = useCallback(() => last.current, [])
  return { store, undo, lastRows, status, error }
}

/** The status line: the sentence of the work that ended last, or why it failed. */
function useReport() {
  const [status, setStatus] = useState('')
  const [error, setError] = useState<string | null>(null)
  const report = useCallback((work: Promise<string>) => {
    work.then(
      (sentence) => {
        setError(null)
        setStatus(sentence)
      },
      (reason: unknown) => {
        setError(sentenceOf(reason))
      },
    )
  }, [])
  return { status, error, report }
}

/** Stores the rows of one call and notes them in `history`, to be undone together. */
function useChange(history: RefObject<Batch[]>, annotator: string) {
  const studio = useStudio()
  const client = useQueryClient()
  return useMutation({
    ...labelMutation(client, studio),
    onSuccess: (state: LabelState, { rows, trajectory: { trajectory_id } }: LabelChange) => {
      const opinionIds = rows.flatMap((row) => newestLike(state.opinions, row, annotator)?.opinion_id ?? [])
      history.current.push({ trajectoryId: trajectory_id, opinionIds, what: words(rows) })
    },
  }).mutateAsync
}

/** Undoes the newest batch of `history`; without one, the newest of `mine` that the studio undoes. Resolves to what was undone, as a sentence. */
function useRevert(history: RefObject<Batch[]>) {
  const studio = useStudio()
  const client = useQueryClient()
  return useMutation({
    scope: labelScope,
    mutationFn: async (mine: readonly Opinion[]): Promise<string> => {
      const undoOne = async (id: string, of: string): Promise<void> => {
        putLabels(client, studio, of, await valueOf(studio.labels.undo(id)))
      }
      const batch = history.current.pop()
      if (batch) {
        for (const id of batch.opinionIds.toReversed()) await undoOne(id, batch.trajectoryId)
        return `Undone: ${batch.what}.`
      }
      for (const one of mine) {
        const isUndone = await undoOne(one.opinion_id, one.trajectory_id).then(
          () => true,
          () => false,
        )
        if (isUndone) return `Undone: ${one.name} on step ${one.step + 1}.`
      }
      return 'Nothing to undo.'
    },
  }).mutateAsync
}

/** The row that `row` became in the studio: the newest of its question. */
function newestLike(opinions: readonly Opinion[], row: NewOpinion, annotator: string): Opinion | undefined {
  return opinions
    .filter((one) => one.annotator_kind === 'HUMAN' && one.annotator_id === annotator && one.step === row.step && one.name === row.name)
    .reduce<Opinion | undefined>((newest, one) => (newest && newest.created_at > one.created_at ? newest : one), undefined)
}

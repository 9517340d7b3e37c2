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

/** A step of a trajectory. */
interface Place {
  readonly trajectoryId: string
  readonly step: number
}

interface Batch extends Place {
  /** The list that was open: what is undone must be seen. */
  readonly source: string
  readonly opinionIds: readonly string[]
  readonly what: string
}

export interface Labelling {
  /** Adds opinions; the rows of one call are undone together. */
  readonly store: (rows: readonly NewOpinion[]) => void
  readonly undo: () => void
  /** The step that was labelled last, to repeat its label on another one; null: none yet. */
  readonly last: () => Place | null
  /** Puts a sentence on the status line. */
  readonly say: (sentence: string) => void
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

interface LabelledList {
  /** Names the list that is open. */
  readonly source: string
  /** Opens the step whose label was undone. */
  readonly onUndone: (trajectoryId: string, step: number) => void
}

export function useLabelling(trajectory: Trajectory | null, labels: LabelState | null, { source, onUndone }: LabelledList): Labelling {
  const annotator = useAnnotator()
  const { status, error, report, say } = useReport()
  const history = useRef<Batch[]>([])
  const last = useRef<Place | null>(null)
  const change = useChange(history, annotator, source)
  const revert = useRevert(history)
  const trajectoryId = trajectory?.trajectory_id ?? null

  const store = useCallback(
    (rows: readonly NewOpinion[]) => {
      const [first] = rows
      if (!trajectory || !first) return
      last.current = { trajectoryId: trajectory.trajectory_id, step: first.step }
      report(change({ trajectory, rows, annotator }).then(() => `Stored: ${words(rows)}.`))
    },
    [trajectory, annotator, change, report],
  )
  const undo = useCallback(() => {
    const mine = (labels?.opinions ?? []).filter(
      (one) => one.annotator_kind === 'HUMAN' && one.annotator_id === annotator && one.trajectory_id === trajectoryId,
    )
    const newestFirst = [...mine].sort((a, b) => (a.created_at < b.created_at ? 1 : -1)).slice(0, LOOK_BACK)
    const undone = revert({ source, mine: newestFirst }).then((what) => {
      if (what === null) return 'Nothing to undo.'
      onUndone(what.trajectoryId, what.step)
      return what.trajectoryId === trajectoryId ? what.sentence : `${what.sentence} It was on another trajectory, which is open now.`
    })
    report(undone)
  }, [labels, annotator, trajectoryId, source, onUndone, revert, report])

  return { store, undo, last: useCallback(() => last.current, []), say, status, error }
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
  const say = useCallback((sentence: string) => {
    setError(null)
    setStatus(sentence)
  }, [])
  return { status, error, report, say }
}

/** Stores the rows of one call and notes them in `history`, to be undone together. */
function useChange(history: RefObject<Batch[]>, annotator: string, source: string) {
  const studio = useStudio()
  const client = useQueryClient()
  return useMutation({
    ...labelMutation(client, studio),
    onSuccess: (state: LabelState, { rows, trajectory: { trajectory_id } }: LabelChange) => {
      const opinionIds = rows.flatMap((row) => newestLike(state.opinions, row, annotator)?.opinion_id ?? [])
      history.current.push({ source, trajectoryId: trajectory_id, step: rows[0]?.step ?? 0, opinionIds, what: words(rows) })
    },
  }).mutateAsync
}

interface Undone extends Place {
  readonly sentence: string
}

/** Undoes the newest batch of `history` in the open list; without one, the newest of `mine` that the studio undoes. Resolves to what was undone. */
function useRevert(history: RefObject<Batch[]>) {
  const studio = useStudio()
  const client = useQueryClient()
  return useMutation({
    scope: labelScope,
    mutationFn: async ({ source, mine }: { readonly source: string; readonly mine: readonly Opinion[] }): Promise<Undone | null> => {
      const undoOne = async (id: string, of: string): Promise<void> => {
        putLabels(client, studio, of, await valueOf(studio.labels.undo(id)))
      }
      const [batch] = history.current.splice(newestOf(history.current, source), 1)
      if (batch) {
        for (const id of batch.opinionIds.toReversed()) await undoOne(id, batch.trajectoryId)
        return { ...batch, sentence: `Undone: ${batch.what}.` }
      }
      for (const one of mine) {
        const isUndone = await undoOne(one.opinion_id, one.trajectory_id).then(
          () => true,
          () => false,
        )
        if (isUndone) return { trajectoryId: one.trajectory_id, step: one.step, sentence: `Undone: ${one.name} on step ${one.step + 1}.` }
      }
      return null
    },
  }).mutateAsync
}

/** Where the newest batch of a list stands; past the end when there is none. */
function newestOf(batches: readonly Batch[], source: string): number {
  const at = batches.findLastIndex((batch) => batch.source === source)
  return at < 0 ? batches.length : at
}

/** The row that `row` became in the studio: the newest of its question. */
function newestLike(opinions: readonly Opinion[], row: NewOpinion, annotator: string): Opinion | undefined {
  return opinions
    .filter((one) => one.annotator_kind === 'HUMAN' && one.annotator_id === annotator && one.step === row.step && one.name === row.name)
    .reduce<Opinion | undefined>((newest, one) => (newest && newest.created_at > one.created_at ? newest : one), undefined)
}

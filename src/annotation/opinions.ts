/** Opinions as rows that are only ever added: what counts now, what came before, and how to take a row back. */
import type { NewId } from '../base/id'
import { UNDO_RATIONALE, type AnnotatorKind, type NewOpinion, type Opinion } from '../records/annotation'

export interface RowParts {
  readonly newId: NewId
  /** ISO time. */
  readonly now: () => string
}

export interface Annotator {
  readonly kind: AnnotatorKind
  readonly id: string
}

/** A value outside its name's range; the message says which. */
export class OpinionValueError extends Error {
  override readonly name = 'OpinionValueError'
}

/** Oldest first; rows of one instant keep the order they were stored in. */
function byTime(rows: readonly Opinion[]): Opinion[] {
  return rows
    .map((row, index) => ({ row, index }))
    .sort((a, b) => (a.row.created_at < b.row.created_at ? -1 : a.row.created_at > b.row.created_at ? 1 : a.index - b.index))
    .map(({ row }) => row)
}

/** What makes two rows answers to one question by one annotator, so that the later replaces the earlier. */
function questionOf(row: Opinion): string {
  return JSON.stringify([row.trajectory_id, row.step, row.name, row.annotator_kind, row.annotator_id, row.prompt_hash, row.repeat])
}

/** The rows that count: each annotator's newest for a question, unless it was replaced or withdrawn. Oldest first. */
export function currentOpinions(rows: readonly Opinion[]): Opinion[] {
  const replaced = new Set(rows.map(({ supersedes }) => supersedes))
  const newest = new Map<string, Opinion>()
  for (const row of byTime(rows)) if (!replaced.has(row.opinion_id)) newest.set(questionOf(row), row)
  return byTime([...newest.values()].filter(({ value }) => value !== null))
}

/** All rows about a step, oldest first, with whether each still counts: the `old → new` a person sees. */
export function opinionHistory(
  rows: readonly Opinion[],
  step: number,
): { readonly row: Opinion; readonly isCurrent: boolean; readonly isUndo: boolean }[] {
  const current = new Set(currentOpinions(rows).map(({ opinion_id }) => opinion_id))
  return byTime(rows.filter((row) => row.step === step)).map((row) => ({
    row,
    isCurrent: current.has(row.opinion_id),
    isUndo: row.rationale === UNDO_RATIONALE,
  }))
}

/**
 * Rows to add for new opinions, each superseding the annotator's own newest row on the same question. `rows` are those stored
 * about the trajectories. Throws OpinionValueError for a value its name cannot have.
 */
export function opinionRows(news: readonly NewOpinion[], annotator: Annotator, rows: readonly Opinion[], parts: RowParts): Opinion[] {
  const made: Opinion[] = []
  for (const { trajectory_id, step, name, value, rationale = '' } of news) {
    checkValue(name, value)
    const row: Opinion = {
      version: 1,
      opinion_id: parts.newId('op'),
      trajectory_id,
      step,
      name,
      value,
      rationale,
      annotator_kind: annotator.kind,
      annotator_id: annotator.id,
      prompt_hash: null,
      repeat: 0,
      created_at: parts.now(),
      supersedes: null,
    }
    made.push({ ...row, supersedes: newestOf([...rows, ...made], questionOf(row))?.opinion_id ?? null })
  }
  return made
}

const RANGES: Readonly<Record<Opinion['name'], { readonly text: string; readonly holds: (value: number) => boolean }>> = {
  success: { text: '0 or 1', holds: (value) => value === 0 || value === 1 },
  contribution: { text: '0 to 5', holds: (value) => value >= 0 && value <= 5 },
  status: { text: '0, 0.5 or 1', holds: (value) => value === 0 || value === 0.5 || value === 1 },
  reward: { text: '0 to 1', holds: (value) => value >= 0 && value <= 1 },
}

function checkValue(name: Opinion['name'], value: number | null): void {
  const range = RANGES[name]
  if (value !== null && !range.holds(value)) throw new OpinionValueError(`Expected a ${name} of ${range.text}, found ${String(value)}.`)
}

function newestOf(rows: readonly Opinion[], question: string): Opinion | null {
  return byTime(rows).findLast((row) => questionOf(row) === question) ?? null
}

export type UndoResult =
  { readonly ok: true; readonly row: Opinion } | { readonly ok: false; readonly code: 'not-found' | 'not-newest'; readonly message: string }

/**
 * The row that takes an opinion back: the annotator's value from before it, or a withdrawal when there was none. Undoing
 * further rows walks further back. A row that a later one by the same annotator has replaced is refused.
 */
export function undoRow(opinionId: string, rows: readonly Opinion[], parts: RowParts): UndoResult {
  const target = rows.find((row) => row.opinion_id === opinionId)
  if (!target) return { ok: false, code: 'not-found', message: `No opinion ${opinionId} is stored for this trajectory.` }
  const current = newestOf(rows, questionOf(target))
  const effective = current && standingRow(current, rows)
  if (!current || effective?.opinion_id !== target.opinion_id)
    return { ok: false, code: 'not-newest', message: 'This label was changed since; undo the newer one first.' }
  const before = rowBefore(target, rows)
  const row: Opinion = {
    ...target,
    opinion_id: parts.newId('op'),
    value: before?.value ?? null,
    rationale: UNDO_RATIONALE,
    created_at: parts.now(),
    supersedes: current.opinion_id,
  }
  return { ok: true, row }
}

/** The row whose value stands when `row` is the newest: itself, or, for an undo, what was there before the undone one. */
function standingRow(row: Opinion, rows: readonly Opinion[]): Opinion | null {
  if (row.rationale !== UNDO_RATIONALE) return row
  const undone = rows.find(({ opinion_id }) => opinion_id === row.supersedes)
  const standing = undone && standingRow(undone, rows)
  return standing ? rowBefore(standing, rows) : null
}

function rowBefore(row: Opinion, rows: readonly Opinion[]): Opinion | null {
  const before = rows.find(({ opinion_id }) => opinion_id === row.supersedes)
  return before ? standingRow(before, rows) : null
}

/** The seam to scoring answers that were made anywhere: a benchmark's data and a file of answers in, a verdict for each answer and rates out. */
import type { z } from 'zod'
import type { FileTree } from '../../base/fileTree'
import type { OpenPython } from '../../environments/pythonSandbox'

/** The verdict on one answer. */
export interface AnswerRow {
  readonly id: string
  readonly category: string
  readonly valid: boolean
  /** The kind of error, as the benchmark's own checker names it; null for a right answer. */
  readonly error: string | null
  /** What was expected and what was found; null for a right answer. */
  readonly message: string | null
}

/** A rate over answers: of a category, or of several with the benchmark's weights. */
export interface AnswerCell {
  readonly cell: string
  /** `category`: a rate of answers; `group`: computed from other cells. */
  readonly kind: 'category' | 'group'
  /** Answers that were scored. */
  readonly n: number
  readonly valid: number
  /** Items that the benchmark's data have. */
  readonly items: number
  /** Items without an answer. */
  readonly unanswered: number
  /** null: nothing was answered, or a part that the cell needs was not. */
  readonly accuracy: number | null
  /** 95 % Wilson interval; null for groups, whose parts weigh differently, and where nothing was answered. */
  readonly interval: readonly [number, number] | null
  /** What the cell weighs in the benchmark's total, in percent; null where it is not a part of its own. */
  readonly weight: number | null
  /** Categories that the cell needs and that have no scored answer. */
  readonly missing: readonly string[]
}

export interface AnswerScore {
  /** In the order of the answers. */
  readonly rows: readonly AnswerRow[]
  readonly cells: readonly AnswerCell[]
  /** What a reader of the rates has to know, a sentence each. */
  readonly notes: readonly string[]
}

/** What is scored, and what scoring may use. */
export interface ScoredFiles {
  readonly data: FileTree
  readonly answers: FileTree
  /** Absent: there is no Python interpreter here. */
  readonly python?: OpenPython
}

export interface AnswerScorer<Settings extends z.ZodObject = z.ZodObject> {
  readonly name: string
  readonly title: string
  /** A noun phrase: the data that it needs. */
  readonly needs: string
  /** A noun phrase: the answers that it reads. */
  readonly reads: string
  readonly settings: Settings
  /** Throws an Error that names file, row and column when data or answers do not have their format. */
  score(given: ScoredFiles & { readonly settings: z.output<Settings> }): Promise<AnswerScore>
}

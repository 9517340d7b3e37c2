/**
 * StepTool's ETO file, and any table of preference pairs: columns `prompt`, `chosen` and `rejected`, plain text, one pair a row.
 * `prompt` is a conversation up to an assistant's turn, `chosen` and `rejected` are two such turns. A row becomes two trajectories with
 * one pair_id, whose last steps are labelled 1 and 0; turns inside the prompt are steps both share, without a label. Prompts and
 * completions of a trajectory are, one after the other, the text of the cells.
 */
import { sha256 } from '../../base/sha256'
import type { Opinion } from '../../records/annotation'
import type { Trajectory } from '../../records/trajectory'
import { trajectoryFromSteps, type StepInput } from '../../records/trajectoryFromSteps'
import { columnsFound, tableProblem, tableRows } from '../csvTable'
import type { Problem } from '../../records/dataset'
import type { DatasetFormat, FormatItem, FormatSource } from './format'
import { type Conversation, conversationOf, type OpeningText, readOpening, readTurn } from './steptoolDialect'
import { createUnreadTools } from './unreadTools'

const COLUMNS = ['prompt', 'chosen', 'rejected'] as const
type Column = (typeof COLUMNS)[number]
const SIDES = ['chosen', 'rejected'] as const
type Side = (typeof SIDES)[number]

export const etoPairsCsv: DatasetFormat = {
  name: 'etoPairsCsv',
  title: 'Preference pairs CSV for DPO (StepTool’s ETO layout)',
  recognise(_name, head) {
    const found = columnsFound(head, COLUMNS)
    if (found.length === COLUMNS.length) return 1
    // A table of pairs that lacks a column: the error then names it.
    return found.includes('chosen') || found.includes('rejected') ? 0.6 : 0
  },
  async *read(source: FormatSource): AsyncGenerator<FormatItem> {
    const unreadTools = createUnreadTools(source.name)
    for await (const item of tableRows(source, COLUMNS)) {
      if (item.kind === 'problem') {
        yield item
        continue
      }
      const { row, cell } = item
      const fault = faultOf(cell)
      if (fault) yield tableProblem({ file: source.name, row, ...fault }, true)
      else {
        const conversation = conversationOf(cell('prompt'))
        const opening = readOpening(conversation.dialect, conversation.opening)
        unreadTools.note(row, opening.unreadTools)
        for (const side of SIDES)
          yield {
            kind: 'trajectory',
            ...recordsOf(source, row, { conversation, opening, completion: cell(side), side }),
            isSameRow: side === 'rejected',
          }
      }
    }
    yield* unreadTools.remarks()
  },
}

function faultOf(cell: (column: Column) => string): (Pick<Problem, 'expected' | 'found'> & { readonly column: Column }) | null {
  const expected = { prompt: 'the conversation before the two answers', chosen: 'the better answer', rejected: 'the worse answer' }
  for (const column of COLUMNS) if (cell(column).trim() === '') return { column, expected: expected[column], found: 'an empty cell' }
  if (cell('chosen') === cell('rejected'))
    return { column: 'rejected', expected: 'another answer than in column chosen', found: 'the same text' }
  return null
}

interface PairSide {
  readonly conversation: Conversation
  readonly opening: OpeningText
  readonly completion: string
  readonly side: Side
}

function recordsOf(
  { name: file, importedAt }: FormatSource,
  row: number,
  { conversation, opening, completion: answered, side }: PairSide,
): { trajectory: Trajectory; opinions: Opinion[] } {
  const { dialect, exchanges } = conversation
  const { system, query, tools } = opening
  const turns = [...exchanges.map(({ completion }) => completion), answered]
  const steps = turns.map((completion, index): StepInput => ({
    parent: index === 0 ? null : index - 1,
    ...(index === 0 && dialect ? { system, user: query } : {}),
    prompt: exchanges[index - 1]?.prompt ?? conversation.opening,
    completion,
    ...readTurn(dialect, completion),
    observation: exchanges[index]?.observation ?? null,
    is_final: index === exchanges.length,
  }))
  const last = steps.length - 1
  const call = steps[last]?.call
  const isFinish = call?.name.toLowerCase() === 'finish'
  const answer = isFinish ? call.arguments['final_answer'] : undefined
  const id = `row-${String(row)}-${side}`
  return {
    trajectory: trajectoryFromSteps({
      trajectory_id: id,
      task: { query_id: `q-${sha256(query).slice(0, 12)}`, query, split: file, tools: [...tools] },
      steps,
      // That one answer is preferred to another does not say that either solves the task.
      status: null,
      answer: typeof answer === 'string' ? answer : null,
      stop_condition: isFinish ? 'finish' : 'budget',
      sample: SIDES.indexOf(side),
      pair_id: `row-${String(row)}`,
      source: `file:${file}#${String(row)}`,
    }),
    opinions: [
      {
        version: 1,
        opinion_id: `${id}-reward`,
        trajectory_id: id,
        step: last,
        name: 'reward',
        value: side === 'chosen' ? 1 : 0,
        rationale: side,
        annotator_kind: 'CODE',
        annotator_id: `imported:${file}`,
        prompt_hash: null,
        repeat: 0,
        created_at: importedAt,
        supersedes: null,
      },
    ],
  }
}

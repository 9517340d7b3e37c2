/**
 * StepTool's step-grained PPO file: one trajectory a row, columns `prompt`, `response` and `reward`, each cell the Python repr
 * of a list with one item a step. prompt[i] is the text put before response[i]; reward[i] is the step's reward, 0–1, where
 * intermediate steps hold (success + contribution/5)/2 and the last 1 Solved, 0.5 Unsure, 0 Unsolved.
 */
import { excerpt } from '../../base/excerpt'
import { parsePythonLiteral, PythonLiteralError } from '../../base/pythonLiteral'
import { reprPython } from '../../base/pythonRepr'
import { PythonFloat, PythonTuple, type PythonValue } from '../../base/pythonValue'
import { sha256 } from '../../base/sha256'
import type { Opinion, ResolvedReward } from '../../records/annotation'
import { chosenPath, type AnswerStatus, type Trajectory } from '../../records/trajectory'
import { trajectoryFromSteps, type StepInput } from '../../records/trajectoryFromSteps'
import { csvLine, type CsvDelimiter } from '../csvRows'
import { columnsFound, tableProblem, tableRows } from '../csvTable'
import type { Problem } from '../../records/dataset'
import type { DatasetFormat, FormatItem, FormatSource } from './format'
import { dialectOf, type OpeningText, readObservation, readOpening, readTurn } from './steptoolDialect'
import { createUnreadTools } from './unreadTools'

const COLUMNS = ['prompt', 'response', 'reward'] as const
type Column = (typeof COLUMNS)[number]

export const steptoolCsv: DatasetFormat = {
  name: 'steptoolCsv',
  title: 'StepTool step-grained CSV (ToolLLaMA, Qwen2 and Llama 3.1 layouts)',
  recognise(name, head) {
    const found = columnsFound(head, COLUMNS).length
    if (found === COLUMNS.length) return 1
    // Read it anyway when it is a table: the error then names the columns that are missing.
    return /\.(csv|tsv|tab)$/i.test(name) ? 0.3 + found / 10 : found >= 2 ? 0.3 : 0
  },
  read: readSteptoolCsv,
}

async function* readSteptoolCsv(source: FormatSource): AsyncGenerator<FormatItem> {
  const file = source.name
  const outside: string[] = []
  const unreadTools = createUnreadTools(file)
  for await (const item of tableRows(source, COLUMNS)) {
    if (item.kind === 'problem') {
      yield item
      continue
    }
    const { row, cell } = item
    const read = readRow(cell)
    if ('expected' in read) {
      yield tableProblem({ file, row, ...read }, true)
      continue
    }
    for (const reward of read.rewards) if (reward < 0 || reward > 1) outside.push(`${String(reward)} in row ${String(row)}`)
    const opening = readOpening(dialectOf(read.prompts[0] ?? ''), read.prompts[0] ?? '')
    unreadTools.note(row, opening.unreadTools)
    yield { kind: 'trajectory', ...recordsOf(file, row, read, opening, source.importedAt) }
  }
  yield* unreadTools.remarks()
  if (outside.length > 0) {
    const found = `${outside.slice(0, 3).join(', ')}${outside.length > 3 ? ` and ${String(outside.length - 3)} more` : ''}`
    const outcome = 'They were kept as they are.'
    yield tableProblem({ file, column: 'reward', expected: 'rewards between 0 and 1', found, outcome }, false)
  }
}

interface Fault extends Pick<Problem, 'expected' | 'found'> {
  readonly column?: Column
}
interface RowLists {
  readonly prompts: readonly string[]
  readonly responses: readonly string[]
  readonly rewards: readonly number[]
}

function readRow(cell: (column: Column) => string): RowLists | Fault {
  const prompts = readList(cell('prompt'), 'prompt', 'a string', (item) => (typeof item === 'string' ? item : null))
  if ('expected' in prompts) return prompts
  const responses = readList(cell('response'), 'response', 'a string', (item) => (typeof item === 'string' ? item : null))
  if ('expected' in responses) return responses
  const rewards = readList(cell('reward'), 'reward', 'a finite number', (item) =>
    // In Python True is 1 and False is 0.
    typeof item === 'boolean' ? Number(item) : typeof item === 'number' && Number.isFinite(item) ? item : null,
  )
  if ('expected' in rewards) return rewards
  const lengths = `${String(prompts.items.length)} prompts, ${String(responses.items.length)} responses, ${String(rewards.items.length)} rewards`
  if (new Set([prompts.items.length, responses.items.length, rewards.items.length]).size > 1)
    return { expected: 'lists of equal length', found: lengths }
  return { prompts: prompts.items, responses: responses.items, rewards: rewards.items }
}

function readList<T>(
  text: string,
  column: Column,
  each: string,
  accept: (item: PythonValue) => T | null,
): { readonly items: T[] } | (Fault & { column: Column }) {
  let value: PythonValue
  try {
    value = parsePythonLiteral(text, { nonFinite: true, numpy: true })
  } catch (error) {
    if (!(error instanceof PythonLiteralError)) throw error
    const found = `${error.found} at character ${String(error.position + 1)}, where ${error.expected} should stand`
    return { column, expected: `a Python list with ${each} for each step`, found: text.trim() === '' ? 'an empty cell' : found }
  }
  const list: PythonValue = value instanceof PythonTuple ? [...value.items] : value
  if (!Array.isArray(list)) return { column, expected: `a Python list with ${each} for each step`, found: excerpt(text) }
  if (list.length === 0) return { column, expected: 'at least one step', found: 'an empty list' }
  const items: T[] = []
  for (const [index, item] of list.entries()) {
    const accepted = accept(item)
    if (accepted === null)
      return { column, expected: `${each} for each step`, found: `${excerpt(reprPython(item))} at step ${String(index + 1)}` }
    items.push(accepted)
  }
  return { items }
}

function recordsOf(
  file: string,
  row: number,
  { prompts, responses, rewards }: RowLists,
  { system, query, tools }: OpeningText,
  importedAt: string,
): { trajectory: Trajectory; opinions: Opinion[] } {
  const dialect = dialectOf(prompts[0] ?? '')
  const last = prompts.length - 1
  const steps = prompts.map((prompt, index): StepInput => {
    const next = prompts[index + 1]
    return {
      parent: index === 0 ? null : index - 1,
      ...(index === 0 && dialect ? { system, user: query } : {}),
      prompt,
      completion: responses[index] ?? '',
      ...readTurn(dialect, responses[index] ?? ''),
      observation: next === undefined ? null : readObservation(dialect, next),
      is_final: index === last,
    }
  })
  const finish = steps[last]?.call
  const isFinish = finish?.name.toLowerCase() === 'finish'
  const answer = isFinish ? finish.arguments['final_answer'] : undefined
  const id = `row-${String(row)}`
  const trajectory = trajectoryFromSteps({
    trajectory_id: id,
    task: { query_id: `q-${sha256(query).slice(0, 12)}`, query, split: file, tools: [...tools] },
    steps,
    status: statusOf(rewards[last]),
    answer: typeof answer === 'string' ? answer : null,
    // The file does not say why a path without Finish ended; running out of calls is the usual reason.
    stop_condition: isFinish ? 'finish' : 'budget',
    source: `file:${file}#${String(row)}`,
  })
  const opinions = rewards.map((value, step): Opinion => ({
    version: 1,
    opinion_id: `${id}-reward-${String(step)}`,
    trajectory_id: id,
    step,
    name: 'reward',
    value,
    rationale: '',
    annotator_kind: 'CODE',
    annotator_id: `imported:${file}`,
    prompt_hash: null,
    repeat: 0,
    created_at: importedAt,
    supersedes: null,
  }))
  return { trajectory, opinions }
}

/** A mean over judge runs that disagreed (⅚ for instance) is no single status. */
function statusOf(reward: number | undefined): AnswerStatus | null {
  if (reward === 1) return 'solved'
  if (reward === 0.5) return 'unsure'
  return reward === 0 ? 'unsolved' : null
}

export interface SteptoolCsvExport {
  readonly csv: string
  /** Trajectories, and their steps. */
  readonly written: number
  readonly steps: number
  /** Trajectories StepTool's file cannot hold, each with the reason. */
  readonly skipped: readonly { readonly trajectory_id: string; readonly reason: string }[]
}

/**
 * StepTool's file with one row for each trajectory whose every step has a reward. `rewards` gives one entry per step of the
 * trajectory; of a tree, the chosen path is written. TAB-separated and quoted as Python's csv module does, by default.
 */
export function writeSteptoolCsv(
  trajectories: readonly Trajectory[],
  rewards: (trajectory: Trajectory) => readonly Pick<ResolvedReward, 'value'>[],
  delimiter: CsvDelimiter = '\t',
): SteptoolCsvExport {
  const rows: string[] = [csvLine(COLUMNS, delimiter)]
  const skipped: { trajectory_id: string; reason: string }[] = []
  let steps = 0
  for (const trajectory of trajectories) {
    const resolved = rewards(trajectory)
    const path = chosenPath(trajectory)
    const values = path.map(({ index }) => resolved[index]?.value ?? null)
    const known = values.filter((value) => value !== null)
    const unlabelled = path.filter((_, at) => values[at] === null).map(({ index }) => String(index + 1))
    if (path.length === 0) skipped.push({ trajectory_id: trajectory.trajectory_id, reason: 'It has no steps.' })
    else if (unlabelled.length > 0)
      skipped.push({ trajectory_id: trajectory.trajectory_id, reason: `Step ${unlabelled.join(', ')} has no reward.` })
    else {
      steps += path.length
      rows.push(
        csvLine(
          [
            reprPython(path.map(({ step }) => step.prompt)),
            reprPython(path.map(({ step }) => step.completion)),
            reprPython(known.map((value) => new PythonFloat(value))),
          ],
          delimiter,
        ),
      )
    }
  }
  return { csv: rows.join(''), written: rows.length - 1, steps, skipped }
}

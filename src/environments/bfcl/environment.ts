/**
 * BFCL's single-turn items as an environment: an item offers its functions, the calls of one turn are recorded and not executed, and with
 * them the episode is over. An agent that answers in words has made no call.
 */
import { pythonFromPlain } from '../../base/pythonValue'
import { sha256 } from '../../base/sha256'
import type { StepTruth, ToolCall, ToolSpec } from '../../records/trajectory'
import {
  cancellable,
  EnvironmentError,
  type Environment,
  type EnvironmentDefinition,
  type Episode,
  type Query,
  type ToolReply,
} from '../environment'
import type { WorldParts } from '../worldParts'
import { singleTurnCategories, type SingleTurnCategory } from './categories'
import { checkAnswer, underscored } from './checker/checkAnswer'
import { finding, type Finding } from './checker/finding'
import { readBfclData, type BfclItem } from './items'
import { toolOf } from './toolSpecs'

const NAME = 'bfcl'
export const NEEDS = 'the data files of the package bfcl-eval: its wheel, or a folder or zip archive of them'

export interface BfclEnvironment extends Environment {
  readonly queries: readonly Query[]
  /** What is wrong with the calls of a turn as an answer to a query; null when they are right. */
  readonly judge: (query: Query, calls: readonly ToolCall[]) => Finding | null
}

interface Task {
  readonly item: BfclItem
  readonly category: SingleTurnCategory
  readonly query: Query
  readonly tools: readonly ToolSpec[]
}

export const bfclEnvironment: EnvironmentDefinition = {
  name: NAME,
  title: 'BFCL single-turn functions',
  description: 'The functions of the Berkeley Function Calling Leaderboard, version 4. Calls are recorded and not executed.',
  needs: NEEDS,
  create: createBfcl,
}

export async function createBfcl({ files }: WorldParts): Promise<BfclEnvironment> {
  if (files === undefined) throw new EnvironmentError('unavailable', `BFCL needs ${NEEDS}.`)
  const data = await readBfclData(files).catch((error: unknown) => {
    throw new EnvironmentError('unavailable', error instanceof Error ? error.message : String(error))
  })
  const tasks = tasksOf(data.items)
  if (tasks.size === 0)
    throw new EnvironmentError('unavailable', `${files.title}: expected single-turn items of BFCL, found only ${data.inPython.join(', ')}.`)
  const tools = distinct([...tasks.values()].flatMap((task) => task.tools))
  const judge: BfclEnvironment['judge'] = (query, calls) => {
    const { item, category } = known(tasks, query)
    return checkAnswer(item, category, decoded(calls), { underscoredNames: true })
  }
  return {
    ...{ name: NAME, title: bfclEnvironment.title, description: bfclEnvironment.description, tools, judge },
    hash: sha256(JSON.stringify({ version: 1, data: data.sha256 })),
    queries: [...tasks.values()].map(({ query }) => query),
    open: (query) => {
      if (query === null) return Promise.resolve(openEpisode(null, { tools, judge, calls: [], isOver: false }))
      const task = tasks.get(query.query_id)
      if (task === undefined) return Promise.reject(new EnvironmentError('unknown-query', `BFCL has no item ${query.query_id}.`))
      return Promise.resolve(openEpisode(task, { tools: task.tools, judge, calls: [], isOver: false }))
    },
  }
}

function known(tasks: ReadonlyMap<string, Task>, query: Query): Task {
  const found = tasks.get(query.query_id)
  if (found === undefined) throw new EnvironmentError('unknown-query', `BFCL has no item ${query.query_id}.`)
  return found
}

function tasksOf(items: ReadonlyMap<string, readonly BfclItem[]>): Map<string, Task> {
  const tasks = new Map<string, Task>()
  for (const category of singleTurnCategories)
    for (const item of items.get(category.name) ?? []) {
      const asked = item.messages.findLast(({ role }) => role === 'user')?.content ?? ''
      const isPlain = item.messages.length === 1 && item.messages[0]?.role === 'user'
      const query: Query = {
        ...{ query_id: item.id, index: tasks.size, text: asked, group: category.name, split: 'exam', entities: [] },
        ...(isPlain ? {} : { messages: item.messages }),
        goldTools: item.answer.map(({ name }) => underscored(name)),
      }
      tasks.set(item.id, { item, category, query, tools: distinct(item.functions.map((doc) => toolOf(doc, category.check.language))) })
    }
  return tasks
}

/** The first tool of each name. */
const distinct = (tools: readonly ToolSpec[]): ToolSpec[] =>
  [...new Map([...tools].reverse().map((tool) => [tool.name, tool])).values()].reverse()

/** The record of a call does not keep apart 1 and 1.0: a whole number is taken for an integer, which a float parameter accepts too. */
function decoded(calls: readonly ToolCall[]): Parameters<typeof checkAnswer>[2] {
  const unreadable = calls.find(({ error }) => error !== undefined)
  if (unreadable !== undefined)
    return { calls: null, fault: finding('ast_decoder:decoder_failed', `A call could not be read: ${unreadable.error ?? ''}`) }
  return {
    calls: calls.map(({ name, arguments: given }) => ({
      name,
      arguments: new Map(Object.entries(given).map(([parameter, value]) => [parameter, pythonFromPlain(value)])),
    })),
  }
}

interface State {
  readonly tools: readonly ToolSpec[]
  readonly judge: BfclEnvironment['judge']
  readonly calls: readonly ToolCall[]
  readonly isOver: boolean
}

const noQuery: Query = { query_id: '', index: 0, text: '', group: '', split: '', goldTools: [], entities: [] }

/** @param task null: an episode without a task. */
function openEpisode(task: Task | null, { tools, judge, ...state }: State): Episode {
  let { calls, isOver } = state
  const query = task?.query ?? noQuery
  const names = new Set(tools.map(({ name }) => name))

  function reply(call: ToolCall, hasEnded: boolean): ToolReply {
    const truth: StepTruth = {
      succeeded: !hasEnded && call.error === undefined && names.has(call.name),
      needed: query.goldTools.includes(call.name),
    }
    const refused = (error: NonNullable<ToolReply['error']>, text: string): ToolReply => ({ text, error, truth, elapsedMs: null })
    if (hasEnded) return refused('ended', 'The calls of the one turn of this task were made before.')
    if (call.error !== undefined) return refused('bad-call', call.error)
    if (!names.has(call.name)) return refused('unknown-tool', `There is no function ${call.name}.`)
    return { text: 'The call was recorded. It is not executed.', error: null, truth, elapsedMs: null }
  }

  return {
    ...{ query, tools, takesCallsAsWritten: true },
    call: async (given, { signal } = {}) => {
      await cancellable(Promise.resolve(), signal)
      const replies = given.map((call) => reply(call, isOver))
      if (!isOver) calls = [...given]
      isOver ||= task !== null
      return replies
    },
    isOver: () => isOver,
    finish: () => {
      isOver = true
      const isSolved = task !== null && judge(query, calls) === null
      return Promise.resolve({ status: isSolved ? 'solved' : 'unsolved', truth: { succeeded: isSolved, needed: true } })
    },
    copy: () => ({ ok: true, episode: openEpisode(task, { tools, judge, calls, isOver }) }),
    close: () => Promise.resolve(),
  }
}

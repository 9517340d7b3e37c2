/** An attempt as a trajectory: turns become steps, with the text that StepTool's wrappers show a model, and what only the file says in `info`. */
import { dumpsPython } from '../../base/pythonJson'
import { reprPython } from '../../base/pythonRepr'
import { pythonFromPlain } from '../../base/pythonValue'
import { FINISH, finishFunction, observationCode } from '../../records/toolbench'
import { functionOfTool, toolOfFunction } from '../../records/toolbenchTools'
import type { ToolCall, ToolSpec, Trajectory } from '../../records/trajectory'
import { trajectoryFromSteps, type StepInput } from '../../records/trajectoryFromSteps'
import { dialects } from '../formats/steptoolDialect'
import { readJsonRow } from '../jsonRow'
import { callIdOf, withAnswerInfo, type AnswerInfo } from './answerInfo'
import { codeOf, endsAttempt } from './observations'
import { endingOf, type Turn, type TurnCall } from './turns'

type Functions = readonly Readonly<Record<string, unknown>>[]

export interface Attempt {
  readonly queryId: string
  readonly query: string
  readonly method: string
  readonly shape: AnswerInfo['shape']
  readonly functions: Functions
  readonly turns: readonly Turn[]
  /** What is said before a turn, where the file says so: to a first turn by the system too. */
  readonly said: (turn: number) => { readonly system?: string; readonly user?: string }
  readonly info: Pick<AnswerInfo, 'forward_args' | 'query_count' | 'total_tokens' | 'valid'>
  readonly source: string
}

export function trajectoryOfAttempt({ queryId, query, method, shape, functions, turns, said, info, source }: Attempt): Trajectory {
  const tools = functions.flatMap((one) => toolOfFunction(one) ?? []).filter(({ name }) => name !== FINISH)
  const final = finalTurn(turns)
  const answer = answerOf(turns[final])
  return trajectoryFromSteps({
    trajectory_id: `${queryId}-${method}`,
    task: { query_id: queryId, query, tools },
    agent: { strategy: method.startsWith('DFS') ? 'dfsdt' : 'cot' },
    steps: turns.map((turn, at) =>
      stepOf(turn, {
        ...said(at),
        above: turn.parent === null ? null : (turns[turn.parent] ?? null),
        isFinal: at === final,
        functions,
        query,
      }),
    ),
    // Giving up and stopping without an answer are unsolved without any judge; whether an answer solves its query is not in the file.
    status: answer === null ? 'unsolved' : null,
    answer,
    stop_condition: turns.some((turn) => endingOf(turn) !== null) ? 'finish' : 'budget',
    source,
    info: withAnswerInfo({
      ...{ method, shape, ...withoutAbsent(info) },
      ...(hasAllFunctions(tools, functions, shape) ? {} : { functions: functions.map((one) => ({ ...one })) }),
      ...onlyInFile(turns),
    }),
  })
}

/** The turn that answered; else the last one: where the tries or the search stopped. */
function finalTurn(turns: readonly Turn[]): number {
  const answered = turns.findIndex((turn) => endingOf(turn) === observationCode.finished)
  return answered < 0 ? turns.length - 1 : answered
}

function answerOf(turn: Turn | undefined): string | null {
  const finish = turn?.calls.find(({ name, code }) => name === FINISH && code === observationCode.finished)
  const said = finish === undefined ? undefined : argumentsOf(finish).arguments['final_answer']
  return finish === undefined ? null : typeof said === 'string' ? said : finish.arguments
}

interface StepPlace {
  readonly system?: string
  readonly user?: string
  /** The turn before it. */
  readonly above: Turn | null
  readonly isFinal: boolean
  readonly functions: Functions
  readonly query: string
}

const TEXT = dialects.find(({ name }) => name === 'toolllama')

function stepOf(turn: Turn, { system, user, above, isFinal, functions, query }: StepPlace): StepInput {
  const { calls, thought, parent, pruned } = turn
  const replied = repliesOf(turn)
  const before = above === null ? openingText(system ?? '', query, functions) : textAfter(above, user)
  return {
    ...{ parent, pruned, is_final: isFinal },
    ...(system === undefined ? {} : { system }),
    // A record puts words of the user where no tool replied: here they are none.
    ...(user === undefined ? (above !== null && repliesOf(above).length === 0 ? { user: '' } : {}) : { user }),
    prompt: before,
    completion: TEXT?.writeCompletion(writtenTurn(turn)) ?? '',
    ...(calls.length === 0 ? { content: thought ?? '' } : { thought: thought ?? '' }),
    calls: calls.map(argumentsOf),
    ...(replied.length === 0 ? {} : { replies: replied.map(({ observation }) => ({ content: observation })) }),
  }
}

/** The reply to the call that ends an attempt says nothing that its code does not. */
const repliesOf = ({ calls }: Turn): readonly TurnCall[] => calls.filter(({ code }) => !endsAttempt(code))

/** What a model reads after a turn: the replies, and what the user says. */
function textAfter(above: Turn, user: string | undefined): string {
  const replies = repliesOf(above).map(({ observation }) => `Function:\n${observation}\n`)
  return [...replies, ...(user === undefined ? [] : [`User:\n${user}\n`]), 'Assistant:\n'].join('')
}

const openingText = (system: string, query: string, functions: Functions): string =>
  TEXT?.writeFirst(
    `${system}\nSpecifically, you have access to the following APIs: ${reprPython(pythonFromPlain(functions))}`,
    `\n${query}`,
  ) ?? ''

function writtenTurn({ thought, calls }: Turn): string {
  const written = calls.flatMap(({ name, arguments: input }) => [`Action: ${name}`, `Action Input: ${input}`])
  return [...(thought === null ? [] : [`Thought: ${thought}`]), ...written].join('\n')
}

function argumentsOf({ name, arguments: text }: TurnCall): ToolCall {
  const read = readJsonRow(text, 'arguments as a JSON object')
  if (read.expected !== undefined) return { name, arguments: {}, error: `expected ${read.expected}, found ${read.found}` }
  const { value } = read
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { name, arguments: { ...value } }
  return { name, arguments: {}, error: 'expected arguments as a JSON object, found another value' }
}

function hasAllFunctions(tools: readonly ToolSpec[], functions: Functions, shape: AnswerInfo['shape']): boolean {
  return JSON.stringify(functionsOf(tools, shape)) === JSON.stringify(functions)
}

/** Tools as the functions of an answer file, with `Finish` at the end. */
export function functionsOf(tools: readonly ToolSpec[], shape: AnswerInfo['shape']): Record<string, unknown>[] {
  const isNew = shape === 'new'
  const bare = [...tools.map((tool) => functionOfTool(tool, isNew)), { ...finishFunction }]
  return isNew ? bare.map((one) => ({ type: 'function', function: one })) : bare
}

/** What of the turns the steps do not say. */
function onlyInFile(turns: readonly Turn[]): Pick<AnswerInfo, 'arguments' | 'codes' | 'empty_thoughts'> {
  const calls = turns.flatMap((turn, step) => turn.calls.map((call, place) => ({ call, id: callIdOf(step, place) })))
  const unlike = calls.filter(({ call }) => dumpsPython(pythonFromPlain(argumentsOf(call).arguments)) !== call.arguments)
  const coded = calls.filter(({ call }) => !endsAttempt(call.code) && codeOf(call.observation) !== call.code)
  return {
    arguments: Object.fromEntries(unlike.map(({ call, id }) => [id, call.arguments])),
    codes: Object.fromEntries(coded.map(({ call, id }) => [id, call.code])),
    empty_thoughts: turns.flatMap(({ thought }, step) => (thought === '' ? [step] : [])),
  }
}

const withoutAbsent = <T extends object>(fields: T): T =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T

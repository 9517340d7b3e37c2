/** Writes a trajectory as StepTool's answer file: the tries of a chain, or the tree of a search with its pruned branches. */
import { dumpsPython } from '../../base/pythonJson'
import { pythonFromPlain } from '../../base/pythonValue'
import { createRng } from '../../base/random'
import { ANSWERED, FINISH, GAVE_UP, GIVE_ANSWER, GIVE_UP, observationCode } from '../../records/toolbench'
import { stepsOf, type Trajectory, type TrajectoryStep } from '../../records/trajectory'
import { answerInfoOf, callIdOf, type AnswerInfo } from './answerInfo'
import { functionsOf } from './answerTrajectory'
import { codeOf } from './observations'
import { seedOf } from './seed'
import { answerTree } from './answerTree'
import { trainMessages, type PathOpening } from './trainMessages'
import { endingOf, type Turn, type TurnCall } from './turns'

export interface WrittenAnswer {
  /** `608_CoT@1.json`. */
  readonly name: string
  readonly queryId: string
  readonly method: string
  readonly file: Readonly<Record<string, unknown>>
}

export function answerOfTrajectory(trajectory: Trajectory): WrittenAnswer {
  const turns = turnsOfTrajectory(trajectory)
  const known = answerInfoOf(trajectory)
  const method = known?.method ?? methodOf(turns)
  const info = known ?? { method, shape: 'new', arguments: {}, codes: {}, empty_thoughts: [] }
  const { query_id: queryId, query } = trajectory.task
  const isTree = method.startsWith('DFS')
  const final = finalOf(turns, isTree, queryId)
  const generated = {
    query_count: info.query_count ?? trajectory.spent.model_calls ?? turns.length,
    total_tokens: info.total_tokens ?? trajectory.spent.sampled_tokens ?? 0,
    function: info.functions ?? functionsOf(trajectory.task.tools, info.shape),
    train_messages: final === null ? [] : messagesTo(trajectory, turns, final.turn, info),
  }
  const parts = { turns, final, generated, query, forward_args: info.forward_args ?? argumentsOf(trajectory, turns, method) }
  return { queryId, method, name: `${queryId}_${method}.json`, file: isTree ? searchFile(parts) : chainFile(parts) }
}

/** The file's text, as Python writes it. */
export const answerText = ({ file }: WrittenAnswer): string => dumpsPython(pythonFromPlain(file), { indent: 2 })

/** Where the answer is, or that the search gave up there. */
interface Final {
  readonly turn: number
  readonly arguments: string
  readonly type: 'give_answer' | 'give_up'
}

interface FileParts {
  readonly turns: readonly Turn[]
  readonly final: Final | null
  readonly generated: {
    readonly query_count: number
    readonly total_tokens: number
    readonly function: unknown
    readonly train_messages: unknown
  }
  readonly query: string
  readonly forward_args: Readonly<Record<string, unknown>>
}

function chainFile({ turns, final, generated, query, forward_args }: FileParts): Record<string, unknown> {
  const { function: functions, train_messages, query_count, total_tokens } = generated
  const { tries, answered } = answerTree(turns)
  return {
    ...{ win: final !== null, try_count: tries.length },
    // The released code notes the state before the try.
    trys: tries.map((chain, at) => ({ chain, win: answered.some((place) => place < at) })),
    ...{ compare_candidates: answered.map((place) => tries[place] ?? []), forward_args },
    answer_generation: {
      ...{ valid_data: final !== null, final_answer: final?.arguments ?? '', function: functions },
      ...{ query_count, total_tokens, train_messages, chain: [], query },
    },
  }
}

function searchFile({ turns, final, generated, query, forward_args }: FileParts): Record<string, unknown> {
  const { function: functions, train_messages, query_count, total_tokens } = generated
  const { tree, size, depth, candidates } = answerTree(turns, { isSearch: true })
  return {
    ...{ win: final?.type === 'give_answer', tree: { size, max_length: depth, tree } },
    ...{ forward_args, compare_candidates: candidates },
    answer_generation: {
      ...{ valid_data: final !== null, query_count, total_tokens, final_answer: final?.arguments ?? '' },
      ...{ finish_type: final?.type ?? 'give_answer', function: functions, chain: [] },
      ...(final === null ? {} : { train_messages }),
      query,
    },
  }
}

/** The first answer; of a search without one, a branch in which it gave up, drawn for this query. */
function finalOf(turns: readonly Turn[], isSearch: boolean, queryId: string): Final | null {
  const endings = turns.flatMap((turn, at) => {
    const code = endingOf(turn)
    const call = turn.calls.find((one) => one.code === code)
    return call === undefined ? [] : [{ turn: at, arguments: call.arguments, code }]
  })
  const answered = endings.find(({ code }) => code === observationCode.finished)
  if (answered) return { ...answered, type: 'give_answer' }
  if (!isSearch || endings.length === 0) return null
  return { ...createRng(seedOf(queryId)).pick(endings), type: 'give_up' }
}

function messagesTo(trajectory: Trajectory, turns: readonly Turn[], last: number, { shape }: AnswerInfo) {
  const path: number[] = []
  for (let at: number | null = last; at !== null; at = turns[at]?.parent ?? null) path.unshift(at)
  const steps = stepsOf(trajectory)
  const words = path.map((at) => wordsBefore(trajectory, steps[at]))
  const opening: PathOpening = { system: words[0]?.system ?? '', user: words[0]?.user ?? `\n${trajectory.task.query}\nBegin!\n` }
  return trainMessages(
    opening,
    path.map((at, place) => ({ turn: turns[at] as Turn, user: place === 0 ? null : (words[place]?.user ?? null) })),
    shape,
  )
}

/** What the system and the user say between a step and the step before it. */
function wordsBefore({ nodes }: Trajectory, step: TrajectoryStep | undefined): { system?: string; user?: string } {
  const words: { system?: string; user?: string } = {}
  for (let at = nodes[step?.node ?? -1]?.parent ?? null; at !== null; at = nodes[at]?.parent ?? null) {
    const { role, content } = nodes[at] ?? {}
    if (role === 'assistant') break
    // Where nothing was said, a record has an empty turn of the user.
    if ((role === 'system' || role === 'user') && content !== undefined && content !== '') words[role] ??= content
  }
  return words
}

/** The steps as turns. An answer without a `Finish` gets one: the file has no other way to say it. */
function turnsOfTrajectory(trajectory: Trajectory): readonly Turn[] {
  const info = answerInfoOf(trajectory)
  return stepsOf(trajectory).map((step, at) => {
    const calls = callsOf(step, at, info)
    const said = step.calls.length > 0 ? step.thought : contentOf(trajectory, step)
    const end = step.is_final && !calls.some(({ name }) => name === FINISH) ? endingCall(trajectory) : null
    const isThere = said !== '' || info?.empty_thoughts.includes(at) === true
    return { parent: step.parent, thought: isThere ? said : null, calls: end ? [...calls, end] : calls, pruned: step.pruned }
  })
}

/** Thought and text of a turn without calls; a final answer stands in `Finish` instead. */
function contentOf({ nodes, answer }: Trajectory, { node, thought }: TrajectoryStep): string {
  const content = nodes[node]?.content ?? ''
  return [thought, content === answer ? '' : content].filter((text) => text !== '').join('\n')
}

function callsOf({ calls, replies }: TrajectoryStep, step: number, info: AnswerInfo | null): TurnCall[] {
  return calls.map(({ name, arguments: given }, place) => {
    const id = callIdOf(step, place)
    const text = info?.arguments[id] ?? dumpsPython(pythonFromPlain(given))
    const reply = replies[place]?.content
    const observation = reply ?? (name === FINISH ? (given['return_type'] === GIVE_UP ? GAVE_UP : ANSWERED) : '')
    return { name, arguments: text, observation, code: info?.codes[id] ?? codeOf(observation) }
  })
}

function endingCall({ answer, stop_condition }: Trajectory): TurnCall | null {
  if (stop_condition !== 'finish') return null
  const given = answer === null ? { return_type: GIVE_UP } : { return_type: GIVE_ANSWER, final_answer: answer }
  const observation = answer === null ? GAVE_UP : ANSWERED
  return { name: FINISH, arguments: dumpsPython(pythonFromPlain(given)), observation, code: codeOf(observation) }
}

const childrenOf = (turns: readonly Turn[], parent: number | null): number => turns.filter((turn) => turn.parent === parent).length

/** A search branches below its first turn; tries begin anew. */
function methodOf(turns: readonly Turn[]): string {
  const widest = Math.max(0, ...turns.map((_, at) => childrenOf(turns, at)))
  return widest > 1 ? `DFS_woFilter_w${widest}` : `CoT@${Math.max(1, childrenOf(turns, null))}`
}

/** Three nodes are a turn, and the released code's limit counts nodes. */
function argumentsOf({ budgets }: Trajectory, turns: readonly Turn[], method: string): Record<string, unknown> {
  const limit = { single_chain_max_step: budgets.calls === null ? null : budgets.calls * 3 }
  if (!method.startsWith('DFS')) return { ...limit, pass_at: childrenOf(turns, null), answer: 1 }
  const width = Number(/_w(\d+)$/.exec(method)?.[1] ?? 2)
  return { ...limit, tree_beam_size: width, max_query_count: budgets.model_calls, answer: 1, with_filter: false }
}

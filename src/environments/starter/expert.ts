/**
 * The scripted expert. It knows the plan's subjects but takes every value from the observations, as an agent must.
 * Its mistakes are systematic by context: there the wrong move is the majority, so a greedy student is wrong too and a
 * sampling one still finds the fix. Elsewhere it is right.
 */
import type { Rng } from '../../base/random'
import type { AnswerStatus, StepTruth, ToolCall } from '../../records/trajectory'
import type { TranscriptMessage } from '../benchmark'
import type { Query } from '../environment'
import { hastyCategories, misledFamilies } from './catalog'
import { FINISH, formatCall, formatTools, GIVE_UP, parseCall } from '../compactSyntax'
import { drawSlips } from './slips'
import type { Context, Lookup, Task } from './plan'
import type { StarterWorld } from './world'

export interface ExpertOptions {
  /** Probability of the wrong move in a marked context; 0 is the oracle. */
  readonly wrongRate?: number
  /** Probability of a wrong call, which is not the expert's own, before each of its calls. */
  readonly slipRate?: number
}

export const WRONG_RATE = 0.7

export interface Transcript {
  readonly query: Query
  readonly context: Context
  readonly messages: readonly TranscriptMessage[]
  /** One entry per assistant turn, the final one included. */
  readonly truth: readonly StepTruth[]
  readonly status: AnswerStatus
  readonly calls: number
}

function field(text: string): [key: string, value: string] {
  const found = /^\{"([^"]*)":"([^"]*)"\}$/.exec(text)
  return [found?.[1] ?? '', found?.[2] ?? '']
}

const giveUp: ToolCall = { name: GIVE_UP, arguments: {} }

/** Yields calls, is sent observations; its last call ends the episode. */
function* expertMoves(task: Task, isWrong: (context: Context) => boolean): Generator<ToolCall, void, string> {
  if (task.context === 'detour' && isWrong('detour')) yield { name: 'search_for', arguments: { name: task.said } }
  const factsFrom = task.lookups.length - task.factCount
  const facts: string[] = []
  let entity = task.said
  for (const [index, lookup] of task.lookups.entries()) {
    if (index > factsFrom && hastyCategories.includes(lookup.subject.category) && isWrong('hasty')) break
    const rename = (name: string): void => {
      entity = name
    }
    let value = yield* lookUp(task, lookup, entity, isWrong, rename)
    // The first source led to a name that no tool knows more about, so the expert goes back to it and asks the second.
    if (value === null && task.decoy !== null && entity === task.decoy && !isWrong('dead-end')) {
      entity = yield* otherSource(task)
      value = yield* lookUp(task, lookup, entity, isWrong, rename)
    }
    if (value === null) {
      yield giveUp
      return
    }
    if (index >= factsFrom) facts.push(value)
    else entity = value
  }
  yield { name: FINISH, arguments: { answer: facts.join(', ') } }
}

/** The first look-up again, from its second source. */
function* otherSource({ lookups: [first], said }: Task): Generator<ToolCall, string, string> {
  if (!first) return ''
  const [, value] = field(yield { name: `${first.subject.word}_${first.source}`, arguments: { [first.subject.of]: said } })
  return value
}

function* lookUp(
  task: Task,
  lookup: Lookup,
  entity: string,
  isWrong: (context: Context) => boolean,
  rename: (name: string) => void,
): Generator<ToolCall, string | null, string> {
  const { subject } = lookup
  let source: string = lookup.source === 'log' ? 'of' : lookup.source
  if (source === 'night' && misledFamilies.includes(subject.word) && isWrong('sibling')) source = 'day'
  const listed = task.tools.find((tool) => tool.name === `${subject.word}_${source}`)?.parameters ?? []
  const documented = listed.length || 1
  let args: Record<string, string> = { [listed[0]?.name === 'name' ? 'name' : subject.of]: entity }
  if (lookup.second && subject.second !== undefined && documented > 1) args = { ...args, [subject.second]: lookup.second.name }
  // Every error has one cure and each cure removes its error, so the loop ends; the bound is for the reader.
  for (let attempt = 0; attempt < 6; attempt++) {
    const [key, value] = field(yield { name: `${subject.word}_${source}`, arguments: args })
    if (key === 'empty') {
      if (isWrong('empty')) return null
      source = source === 'of' ? 'log' : 'of'
    } else if (key === 'error') {
      if (value.startsWith('quota')) {
        if (isWrong('quota')) return null
      } else if (value === `missing ${subject.of}` && 'name' in args) {
        if (isWrong('renamed')) return null
        const { name, ...others } = args
        args = { [subject.of]: name, ...others }
      } else if (value.startsWith('missing') && lookup.second && subject.second !== undefined) {
        args = { ...args, [subject.second]: lookup.second.name }
      } else if (value.startsWith('unknown')) {
        const [, trueName] = field(yield { name: 'alias_of', arguments: { name: entity } })
        rename(trueName)
        args = { ...args, [subject.of]: trueName }
      } else return null
    } else if (key === subject.units?.[0]) {
      if (isWrong('unit')) return value
      const [, converted] = field(yield { name: `${subject.units[1]}_from`, arguments: { [key]: value } })
      return converted
    } else return value
  }
  return null
}

export function transcriptOf(world: StarterWorld, task: Task, rng: Rng, options: ExpertOptions = {}): Transcript {
  const { wrongRate = WRONG_RATE, slipRate = 0 } = options
  const episode = world.startTask(task)
  const messages: TranscriptMessage[] = [
    { role: 'system', content: formatTools(task.tools) },
    { role: 'user', content: task.query.text },
  ]
  const signatures = task.tools.map((tool) => ({ name: tool.name, parameters: tool.parameters.map((parameter) => parameter.name) }))
  const truth: StepTruth[] = []
  const moves = expertMoves(task, () => rng.chance(wrongRate))
  let observation = ''
  for (let calls = 0; ; calls++) {
    const move = moves.next(observation)
    if (move.done) throw new Error(`the expert ended without an answer on ${task.query.query_id}`)
    const call = move.value
    const isLast = call.name === FINISH || call.name === GIVE_UP
    if (!isLast)
      for (const slip of drawSlips(rng, slipRate, call, signatures)) {
        messages.push({ role: 'assistant', content: slip.content, isSlip: true })
        messages.push({ role: 'tool', content: episode.call(parseCall(slip.content)).text })
      }
    messages.push({ role: 'assistant', content: formatCall(call.name, call.arguments) })
    if (isLast) {
      const answer = call.arguments.answer
      const verdict = episode.finish(typeof answer === 'string' ? answer : null)
      truth.push(verdict.truth)
      return { query: task.query, context: task.context, messages, truth, status: verdict.status, calls }
    }
    const reply = episode.call(call)
    truth.push(reply.truth)
    observation = reply.text
    messages.push({ role: 'tool', content: observation })
  }
}

export function expertTranscript(world: StarterWorld, query: Query, rng: Rng, options: ExpertOptions = {}): Transcript {
  return transcriptOf(world, world.task(query), rng, options)
}

/** The perfect next action after the observations so far (a replay: the oracle is deterministic). */
export function oraclePolicy(world: StarterWorld, query: Query): (observations: readonly string[]) => ToolCall {
  return (observations) => {
    const moves = expertMoves(world.task(query), () => false)
    let move = moves.next('')
    for (const observation of observations) move = moves.next(observation)
    return move.done ? giveUp : move.value
  }
}

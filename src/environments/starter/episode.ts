/** An episode of one query: it answers calls, records which facts were seen, and judges the final answer. */
import type { StepTruth, ToolCall, ToolSpec } from '../../records/trajectory'
import { cancellable, type Episode, type Query, type ToolErrorKind, type ToolReply, type Verdict } from '../environment'
import { apiNamed, type Api } from './catalog'
import type { Database, Entity } from './database'
import type { Lookup, Task } from './plan'

function say(key: string, value: string): string {
  return JSON.stringify({ [key]: value })
}

/** The facts named by an answer: names and numbers, in any order, between any punctuation. */
function factsIn(answer: string): string[] {
  return answer.split(/[\s,;]+/).filter((piece) => piece !== '')
}

/** The truth about a call, which the world always knows. */
type StarterReply = ToolReply & { readonly truth: StepTruth }

/** An episode without waiting: the world only computes. The expert and the tests use it; agents get `asEpisode` of it. */
export interface StarterEpisode {
  readonly query: Query
  readonly tools: readonly ToolSpec[]
  call(call: ToolCall): StarterReply
  /** Ends the episode. With all facts the query is solved, with some it is unsure, and with none or after giving up it is unsolved. */
  finish(answer: string | null): Verdict
  /** Another episode in the same state. */
  copy(): StarterEpisode
}

/** The state of an episode after the calls so far. */
interface EpisodeState {
  readonly spentQuota: ReadonlySet<string>
  readonly satisfied: ReadonlySet<string>
  readonly observed: ReadonlySet<string>
  readonly ended: boolean
}
const untouched: EpisodeState = { spentQuota: new Set(), satisfied: new Set(), observed: new Set(), ended: false }

/** The shape that every environment's episodes have. */
export function asEpisode(own: StarterEpisode): Episode {
  return {
    query: own.query,
    tools: own.tools,
    call: async (calls, { signal } = {}) => cancellable(Promise.resolve(calls.map((call) => own.call(call))), signal),
    finish: async (answer, { signal } = {}) => cancellable(Promise.resolve(own.finish(answer)), signal),
    copy: () => ({ ok: true, episode: asEpisode(own.copy()) }),
    close: () => Promise.resolve(),
  }
}

/** A running episode: the world, the task, and the facts that calls have shown. */
interface Attempt {
  readonly db: Database
  readonly task: Task
  readonly spentQuota: Set<string>
  readonly satisfied: Set<string>
  readonly observed: Set<string>
}

type Arguments = Readonly<Record<string, unknown>>
type Does<K extends Api['does']['kind']> = Extract<Api['does'], { readonly kind: K }>

/** Opens an episode of `task`, or one that continues from the state of another. */
export function openEpisode(db: Database, task: Task, from = untouched): StarterEpisode {
  const listed = new Set(task.tools.map((tool) => tool.name))
  const attempt: Attempt = {
    ...{ db, task },
    spentQuota: new Set(from.spentQuota),
    satisfied: new Set(from.satisfied),
    observed: new Set(from.observed),
  }
  let { ended } = from
  return {
    query: task.query,
    tools: task.tools,
    call(call: ToolCall): StarterReply {
      if (ended) return fail('ended', say('error', 'finished'), false)
      if (call.error !== undefined) return fail('bad-call', say('error', 'bad call'), false)
      const api = listed.has(call.name) ? apiNamed(call.name) : undefined
      if (!api) return fail('unknown-tool', say('error', 'unknown tool'), false)
      return answerCall(attempt, api, call.arguments)
    },
    finish(answer: string | null): Verdict {
      ended = true
      return verdictOn(attempt, answer)
    },
    copy: () => openEpisode(db, task, { ...attempt, ended }),
  }
}

const fail = (error: ToolErrorKind, text: string, needed: boolean): StarterReply => ({
  ...{ text, error, elapsedMs: null },
  truth: { succeeded: false, needed },
})

const succeed = (text: string, truth: StepTruth): StarterReply => ({ text, error: null, truth, elapsedMs: null })

/** Replies with a value and remembers that it was seen. @param id the part of the plan that the call satisfies where it is `needed`. */
function give({ satisfied, observed }: Attempt, key: string, value: string, id: string, needed: boolean): StarterReply {
  const truth: StepTruth = { succeeded: true, needed: needed && !satisfied.has(id) }
  if (needed) satisfied.add(id)
  observed.add(value)
  return succeed(say(key, value), truth)
}

/** Names of another use of the world are unknown here, so that practice never shows facts of the exam. */
const isKnown = ({ db, task }: Attempt, name: string): boolean => db.splitOf(name) === task.query.split

const find = (attempt: Attempt, name: unknown): Entity | undefined =>
  typeof name === 'string' && isKnown(attempt, name) ? attempt.db.find(name) : undefined

/** Answers a call of a tool that the task lists. */
function answerCall(attempt: Attempt, { name, does }: Api, args: Arguments): StarterReply {
  switch (does.kind) {
    case 'look':
      return look(attempt, name, does, args)
    case 'convert':
      return convert(attempt, does, args)
    case 'alias':
      return trueName(attempt, args)
    case 'search':
      return search(attempt, args)
    default:
      does satisfies never
      throw new Error('unreachable')
  }
}

/** Looks a fact up, unless the quota is spent on it first, or it lies with the sibling tool. */
function look(attempt: Attempt, tool: string, { subject, source }: Does<'look'>, args: Arguments): StarterReply {
  const { db, task, satisfied, spentQuota } = attempt
  const name = args[subject.of]
  if (typeof name !== 'string') return fail('bad-arguments', say('error', `missing ${subject.of}`), false)
  const planned = task.lookups.findIndex((lookup) => lookup.subject === subject && namesEntity(task, lookup, name))
  const plan = task.lookups[planned]
  const open = plan !== undefined && !satisfied.has(`look ${planned}`)
  const entity = find(attempt, name)
  if (!entity || entity.kind !== subject.of) return fail('bad-arguments', say('error', `unknown ${subject.of}`), open)
  let second = null
  if (subject.second !== undefined) {
    const given = args[subject.second]
    if (given === undefined) return fail('bad-arguments', say('error', `missing ${subject.second}`), open)
    second = find(attempt, given) ?? null
    if (!second || second.kind !== subject.of) return fail('bad-arguments', say('error', `unknown ${subject.second}`), false)
  }
  if (task.quotaAt !== null && task.lookups[task.quotaAt]?.subject === subject && !spentQuota.has(tool)) {
    spentQuota.add(tool)
    return fail('quota', say('error', 'quota, retry'), open)
  }
  if (task.decoy !== null) {
    if (name === task.decoy) return fail('no-result', say('error', 'gone'), false)
    if (planned === 0) return atFork(attempt, subject, source)
  }
  if (!subject.variants && (source === 'log') !== db.isLogged(subject, entity)) {
    return fail('no-result', say('empty', source === 'log' ? 'see of' : 'see log'), open)
  }
  const value = db.value(subject, entity, source, second)
  const key = subject.units?.[db.isMisleading(subject, entity) ? 0 : 1] ?? subject.word
  return give(attempt, key, value, `look ${planned}`, plan !== undefined && plan.source === source && plan.second === second)
}

/** The first look-up of a dead end: one source gives a name that is out of date, the other the right one. Neither says so. */
function atFork(attempt: Attempt, subject: Does<'look'>['subject'], source: Does<'look'>['source']): StarterReply {
  const { task } = attempt
  const [plan] = task.lookups
  if (source !== plan?.source) return give(attempt, subject.word, task.decoy ?? '', 'fork', false)
  return give(attempt, subject.word, plan.value, 'look 0', true)
}

function namesEntity(task: Task, lookup: Lookup, name: string): boolean {
  return lookup.entity.name === name || (lookup === task.lookups[0] && name === task.said)
}

/** Converts a number to the other unit. */
function convert(attempt: Attempt, does: Does<'convert'>, args: Arguments): StarterReply {
  const given = args[does.from]
  if (typeof given !== 'string') return fail('bad-arguments', say('error', `missing ${does.from}`), false)
  if (!/^\d{1,4}$/.test(given)) return fail('bad-arguments', say('error', 'bad number'), false)
  const needed = attempt.task.lookups.some(
    (lookup) => lookup.converted !== null && lookup.value === given && lookup.subject.units?.[1] === does.to,
  )
  return give(attempt, does.to, String(Math.max(1, Math.round(Number(given) * does.factor))), 'convert', needed)
}

/** Gives the true name behind an alias. */
function trueName(attempt: Attempt, { name: given }: Arguments): StarterReply {
  if (typeof given !== 'string') return fail('bad-arguments', say('error', 'missing name'), false)
  const found = isKnown(attempt, given) ? attempt.db.trueName(given) : undefined
  if (found === undefined) return fail('bad-arguments', say('error', 'unknown name'), false)
  return give(attempt, 'name', found, 'alias', given === attempt.task.said)
}

/** The reply says whether a name exists, which no task needs to know. */
function search(attempt: Attempt, { name: given }: Arguments): StarterReply {
  if (typeof given !== 'string') return fail('bad-arguments', say('error', 'missing name'), false)
  if (!isKnown(attempt, given)) return fail('bad-arguments', say('error', 'unknown name'), false)
  return succeed(say('found', given), { succeeded: true, needed: false })
}

/** All facts and nothing else: solved; some: unsure; none: unsolved. */
function verdictOn({ task, observed }: Attempt, answer: string | null): Verdict {
  const given = answer === null ? [] : factsIn(answer)
  // A fact counts only if a call showed it, so that a lucky guess is not an answer.
  const right = task.facts.filter((fact) => given.includes(fact) && observed.has(fact))
  const exact = given.every((piece) => task.facts.includes(piece))
  if (right.length === 0) return { status: 'unsolved', truth: { succeeded: false, needed: true } }
  const status = right.length === task.facts.length && exact ? 'solved' : 'unsure'
  return { status, truth: { succeeded: status === 'solved', needed: true } }
}

/** One query being worked on: answers calls, remembers what was seen, and judges the final answer. */
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

/** The world knows the truth about every call. */
type StarterReply = ToolReply & { readonly truth: StepTruth }

/** An episode without waiting: the world only computes. The expert and the tests use it; agents get `asEpisode` of it. */
export interface StarterEpisode {
  readonly query: Query
  readonly tools: readonly ToolSpec[]
  call(call: ToolCall): StarterReply
  /** Ends the episode: all facts there = solved, some = unsure, none or give-up = unsolved. */
  finish(answer: string | null): Verdict
  /** Another episode in the same state. */
  copy(): StarterEpisode
}

/** What an episode remembers of the calls made so far. */
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

export function openEpisode(db: Database, task: Task, from = untouched): StarterEpisode {
  const listed = new Set(task.tools.map((tool) => tool.name))
  const spentQuota = new Set(from.spentQuota)
  const satisfied = new Set(from.satisfied)
  const observed = new Set(from.observed)
  let { ended } = from

  // A use of the world is closed: a name of another use, written by chance, is unknown here, so that practice can never meet the exam.
  const isKnown = (name: string): boolean => db.splitOf(name) === task.query.split
  const find = (name: unknown): Entity | undefined => (typeof name === 'string' && isKnown(name) ? db.find(name) : undefined)

  const fail = (error: ToolErrorKind, text: string, needed: boolean): StarterReply => ({
    ...{ text, error, elapsedMs: null },
    truth: { succeeded: false, needed },
  })
  const succeed = (text: string, truth: StepTruth): StarterReply => ({ text, error: null, truth, elapsedMs: null })

  function give(key: string, value: string, id: string, needed: boolean): StarterReply {
    const truth: StepTruth = { succeeded: true, needed: needed && !satisfied.has(id) }
    if (needed) satisfied.add(id)
    observed.add(value)
    return succeed(say(key, value), truth)
  }

  function look(api: Api & { does: { kind: 'look' } }, args: Readonly<Record<string, unknown>>): StarterReply {
    const { subject, source } = api.does
    const name = args[subject.of]
    if (typeof name !== 'string') return fail('bad-arguments', say('error', `missing ${subject.of}`), false)
    const planned = task.lookups.findIndex((lookup) => lookup.subject === subject && namesEntity(lookup, name))
    const plan = task.lookups[planned]
    const open = plan !== undefined && !satisfied.has(`look ${planned}`)
    const entity = find(name)
    if (!entity || entity.kind !== subject.of) return fail('bad-arguments', say('error', `unknown ${subject.of}`), open)
    let second = null
    if (subject.second !== undefined) {
      const given = args[subject.second]
      if (given === undefined) return fail('bad-arguments', say('error', `missing ${subject.second}`), open)
      second = find(given) ?? null
      if (!second || second.kind !== subject.of) return fail('bad-arguments', say('error', `unknown ${subject.second}`), false)
    }
    if (task.quotaAt !== null && task.lookups[task.quotaAt]?.subject === subject && !spentQuota.has(api.name)) {
      spentQuota.add(api.name)
      return fail('quota', say('error', 'quota, retry'), open)
    }
    if (!subject.variants && (source === 'log') !== db.isLogged(subject, entity)) {
      return fail('no-result', say('empty', source === 'log' ? 'see of' : 'see log'), open)
    }
    const value = db.value(subject, entity, source, second)
    const key = subject.units?.[db.isMisleading(subject, entity) ? 0 : 1] ?? subject.word
    return give(key, value, `look ${planned}`, plan !== undefined && plan.source === source && plan.second === second)
  }

  function namesEntity(lookup: Lookup, name: string): boolean {
    return lookup.entity.name === name || (lookup === task.lookups[0] && name === task.said)
  }

  function answerCall(api: Api, args: Readonly<Record<string, unknown>>): StarterReply {
    const { does } = api
    switch (does.kind) {
      case 'look':
        return look({ ...api, does }, args)
      case 'convert': {
        const given = args[does.from]
        if (typeof given !== 'string') return fail('bad-arguments', say('error', `missing ${does.from}`), false)
        if (!/^\d{1,4}$/.test(given)) return fail('bad-arguments', say('error', 'bad number'), false)
        const needed = task.lookups.some(
          (lookup) => lookup.converted !== null && lookup.value === given && lookup.subject.units?.[1] === does.to,
        )
        return give(does.to, String(Math.max(1, Math.round(Number(given) * does.factor))), 'convert', needed)
      }
      case 'alias': {
        const given = args.name
        if (typeof given !== 'string') return fail('bad-arguments', say('error', 'missing name'), false)
        const found = isKnown(given) ? db.trueName(given) : undefined
        if (found === undefined) return fail('bad-arguments', say('error', 'unknown name'), false)
        return give('name', found, 'alias', given === task.said)
      }
      case 'search': {
        const given = args.name
        if (typeof given !== 'string') return fail('bad-arguments', say('error', 'missing name'), false)
        if (!isKnown(given)) return fail('bad-arguments', say('error', 'unknown name'), false)
        return succeed(say('found', given), { succeeded: true, needed: false })
      }
      default:
        does satisfies never
        throw new Error('unreachable')
    }
  }

  return {
    query: task.query,
    tools: task.tools,
    call(call: ToolCall): StarterReply {
      if (ended) return fail('ended', say('error', 'finished'), false)
      if (call.error !== undefined) return fail('bad-call', say('error', 'bad call'), false)
      const api = listed.has(call.name) ? apiNamed(call.name) : undefined
      if (!api) return fail('unknown-tool', say('error', 'unknown tool'), false)
      return answerCall(api, call.arguments)
    },
    finish(answer: string | null): Verdict {
      ended = true
      const given = answer === null ? [] : factsIn(answer)
      // A fact counts only when a call showed it: a lucky guess is no answer.
      const right = task.facts.filter((fact) => given.includes(fact) && observed.has(fact))
      const exact = given.every((piece) => task.facts.includes(piece))
      if (right.length === 0) return { status: 'unsolved', truth: { succeeded: false, needed: true } }
      const status = right.length === task.facts.length && exact ? 'solved' : 'unsure'
      return { status, truth: { succeeded: status === 'solved', needed: true } }
    },
    copy: () => openEpisode(db, task, { spentQuota, satisfied, observed, ended }),
  }
}

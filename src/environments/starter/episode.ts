/** One query being worked on: answers calls, remembers what was seen, and judges the final answer. */
import type { StepTruth, ToolCall } from '../../records/trajectory'
import type { Episode, Observation, Verdict } from '../toolWorld'
import { apiNamed, type Api } from './catalog'
import type { Database, Entity } from './database'
import type { Lookup, Task } from './tasks'

function say(key: string, value: string): string {
  return JSON.stringify({ [key]: value })
}

/** The facts named by an answer: names and numbers, in any order, between any punctuation. */
export function factsIn(answer: string): string[] {
  return answer.split(/[\s,;]+/).filter((piece) => piece !== '')
}

export function openEpisode(db: Database, task: Task): Episode {
  const listed = new Set(task.tools.map((tool) => tool.name))
  const spentQuota = new Set<string>()
  const satisfied = new Set<string>()
  const observed = new Set<string>()
  let ended = false

  // A use of the world is closed: a name of another use, written by chance, is unknown here, so that practice can never meet the exam.
  const isKnown = (name: string): boolean => db.splitOf(name) === task.query.split
  const find = (name: unknown): Entity | undefined => (typeof name === 'string' && isKnown(name) ? db.find(name) : undefined)

  const fail = (text: string, needed: boolean): Observation => ({ text, truth: { succeeded: false, needed } })

  function give(key: string, value: string, id: string, needed: boolean): Observation {
    const truth: StepTruth = { succeeded: true, needed: needed && !satisfied.has(id) }
    if (needed) satisfied.add(id)
    observed.add(value)
    return { text: say(key, value), truth }
  }

  function look(api: Api & { does: { kind: 'look' } }, args: Readonly<Record<string, unknown>>): Observation {
    const { subject, source } = api.does
    const name = args[subject.of]
    if (typeof name !== 'string') return fail(say('error', `missing ${subject.of}`), false)
    const planned = task.lookups.findIndex((lookup) => lookup.subject === subject && namesEntity(lookup, name))
    const plan = task.lookups[planned]
    const open = plan !== undefined && !satisfied.has(`look ${planned}`)
    const entity = find(name)
    if (!entity || entity.kind !== subject.of) return fail(say('error', `unknown ${subject.of}`), open)
    let second = null
    if (subject.second !== undefined) {
      const given = args[subject.second]
      if (given === undefined) return fail(say('error', `missing ${subject.second}`), open)
      second = find(given) ?? null
      if (!second || second.kind !== subject.of) return fail(say('error', `unknown ${subject.second}`), false)
    }
    if (task.quotaAt !== null && task.lookups[task.quotaAt]?.subject === subject && !spentQuota.has(api.name)) {
      spentQuota.add(api.name)
      return fail(say('error', 'quota, retry'), open)
    }
    if (!subject.variants && (source === 'log') !== db.isLogged(subject, entity)) {
      return fail(say('empty', source === 'log' ? 'see of' : 'see log'), open)
    }
    const value = db.value(subject, entity, source, second)
    const key = subject.units?.[db.isMisleading(subject, entity) ? 0 : 1] ?? subject.word
    return give(key, value, `look ${planned}`, plan !== undefined && plan.source === source && plan.second === second)
  }

  function namesEntity(lookup: Lookup, name: string): boolean {
    return lookup.entity.name === name || (lookup === task.lookups[0] && name === task.said)
  }

  function answerCall(api: Api, args: Readonly<Record<string, unknown>>): Observation {
    const { does } = api
    switch (does.kind) {
      case 'look':
        return look({ ...api, does }, args)
      case 'convert': {
        const given = args[does.from]
        if (typeof given !== 'string') return fail(say('error', `missing ${does.from}`), false)
        if (!/^\d{1,4}$/.test(given)) return fail(say('error', 'bad number'), false)
        const needed = task.lookups.some(
          (lookup) => lookup.converted !== null && lookup.value === given && lookup.subject.units?.[1] === does.to,
        )
        return give(does.to, String(Math.max(1, Math.round(Number(given) * does.factor))), 'convert', needed)
      }
      case 'alias': {
        const given = args.name
        if (typeof given !== 'string') return fail(say('error', 'missing name'), false)
        const found = isKnown(given) ? db.trueName(given) : undefined
        if (found === undefined) return fail(say('error', 'unknown name'), false)
        return give('name', found, 'alias', given === task.said)
      }
      case 'search': {
        const given = args.name
        if (typeof given !== 'string') return fail(say('error', 'missing name'), false)
        if (!isKnown(given)) return fail(say('error', 'unknown name'), false)
        return { text: say('found', given), truth: { succeeded: true, needed: false } }
      }
      default:
        does satisfies never
        throw new Error('unreachable')
    }
  }

  return {
    query: task.query,
    tools: task.tools,
    call(call: ToolCall): Observation {
      if (ended) return fail(say('error', 'finished'), false)
      if (call.error !== undefined) return fail(say('error', 'bad call'), false)
      const api = listed.has(call.name) ? apiNamed(call.name) : undefined
      if (!api) return fail(say('error', 'unknown tool'), false)
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
  }
}

/**
 * Queries with their gold plans. A task is drawn from a use's own names, a ToolBench-like group and one *context*: the one
 * thing in it that can go wrong. Possessives put the chain in the order of the calls: `Karo's maker's home?`.
 */
import type { Rng } from '../../base/random'
import type { Query } from '../environment'
import { hastyCategories, misledFamilies, subjects, type Subject } from './catalog'
import type { Database, Entity, Split } from './database'
import { listTools } from './listing'
import { contexts, type Context, type Group, type Lookup, type Task } from './plan'
import { contextWeights, USUAL_VERSION, type WorldVersion } from './version'

const lengthWeights: Readonly<Record<Group, readonly number[]>> = {
  'I1-instruction': [1],
  'I1-tool': [1],
  'I1-category': [1],
  'I2-instruction': [0, 84, 16],
  'I2-category': [0, 88, 12],
  I3: [0, 70, 22, 6, 2],
}

export function weighted<T>(rng: Rng, entries: readonly (readonly [T, number])[]): T {
  let at = rng.uniform() * entries.reduce((sum, [, weight]) => sum + weight, 0)
  for (const [item, weight] of entries) {
    at -= weight
    if (at < 0) return item
  }
  const last = entries[entries.length - 1]
  if (!last) throw new RangeError('weighted choice from nothing')
  return last[0]
}

interface GroupPlan {
  readonly contexts: readonly (readonly [Context, number])[]
  /** Subjects a query of the group may use. */
  readonly subjects: readonly Subject[]
}

function planOf(version: WorldVersion, group: Group): GroupPlan {
  const held = group === 'I1-tool' ? 'tool' : group.endsWith('-category') ? 'category' : 'seen'
  return {
    contexts: contexts.map((context) => [context, contextWeights(version, group)[context] ?? 0] as const),
    subjects: subjects.filter((subject) => subject.held === held),
  }
}

const plansOf = (version: WorldVersion): Readonly<Record<Group, GroupPlan>> => ({
  'I1-instruction': planOf(version, 'I1-instruction'),
  'I1-tool': planOf(version, 'I1-tool'),
  'I1-category': planOf(version, 'I1-category'),
  'I2-instruction': planOf(version, 'I2-instruction'),
  'I2-category': planOf(version, 'I2-category'),
  I3: planOf(version, 'I3'),
})

// The plans are made once, because tasks are drawn by rejection, thousands of shapes a second.
const plans: Readonly<Record<WorldVersion, Readonly<Record<Group, GroupPlan>>>> = { 2: plansOf(2), 3: plansOf(3) }

const isPlain = (subject: Subject): boolean => !subject.variants && !subject.units && subject.second === undefined

function lastSubjectFits(context: Context, subject: Subject): boolean {
  switch (context) {
    case 'sibling':
      return misledFamilies.includes(subject.word)
    case 'unit':
      return subject.units !== undefined
    case 'missing':
      return subject.second !== undefined
    default:
      return true
  }
}

interface Shape {
  readonly chain: readonly Subject[]
  readonly factCount: 1 | 2
}

/** A chain of subjects, drawn from its end: each step yields what the next one takes. */
function drawShape(rng: Rng, pool: readonly Subject[], group: Group, context: Context, length: number): Shape | null {
  const wantsTwo = context === 'hasty' || (length >= 2 && rng.chance(0.3))
  const chain: Subject[] = []
  let factCount: 1 | 2 = 1
  const last = rng.pick(pool)
  if (!lastSubjectFits(context, last)) return null
  chain.unshift(last)
  if (wantsTwo) {
    if (!isPlain(last) || last.yields !== 'number') return null
    const partners = pool.filter(
      (s) => s !== last && s.of === last.of && s.yields === 'number' && isPlain(s) && s.category === last.category,
    )
    if (partners.length === 0) return null
    // The hasty categories always mark the context, and the others never do.
    if (hastyCategories.includes(last.category) !== (context === 'hasty')) return null
    chain.unshift(rng.pick(partners))
    factCount = 2
  }
  while (chain.length < length) {
    const head = chain[0]
    const before = pool.filter(
      (s) => s.yields === head?.of && !chain.includes(s) && isPlain(s) && (!group.startsWith('I2') || s.category === last.category),
    )
    if (before.length === 0) return null
    chain.unshift(rng.pick(before))
  }
  if (chain.length !== length) return null
  // The first of two sources leads on to the wrong entity, and there must be a look-up that finds this out.
  if (context === 'dead-end' && (length - factCount < 1 || chain.slice(0, -factCount).some((subject) => subject.yields === 'number')))
    return null
  const categories = new Set(chain.map((subject) => subject.category))
  if (group === 'I3' ? categories.size < 2 : categories.size > 1) return null
  return { chain, factCount }
}

function drawLookups(db: Database, rng: Rng, split: Split, context: Context, shape: Shape): Lookup[] | null {
  const first = shape.chain[0]
  if (!first) return null
  let entity: Entity | undefined = rng.pick(db.pool(split, first.of))
  if (context === 'alias') entity = db.find(db.trueName(rng.pick(db.aliases(split, first.of))) ?? '')
  const seen = new Set<string>()
  const lookups: Lookup[] = []
  const factsFrom = shape.chain.length - shape.factCount
  for (const [index, subject] of shape.chain.entries()) {
    if (!entity || (seen.has(entity.name) && index <= factsFrom)) return null
    seen.add(entity.name)
    const of: Entity = entity
    const asksNight = subject.variants && (misledFamilies.includes(subject.word) ? context === 'sibling' : rng.chance(0.5))
    const isFork = context === 'dead-end' && index === 0
    const source = subject.variants ? (asksNight ? 'night' : 'day') : db.isLogged(subject, of) !== isFork ? 'log' : 'of'
    const second = subject.second === undefined ? null : rng.pick(db.pool(split, subject.of).filter((other) => other !== of))
    const value = db.value(subject, of, source, second)
    const misleading = db.isMisleading(subject, of)
    if (misleading !== (context === 'unit' && index === shape.chain.length - 1)) return null
    lookups.push({ subject, entity: of, source, second, value, converted: misleading ? convert(subject, value) : null })
    if (index < factsFrom) entity = db.find(value)
  }
  const logged = lookups.filter((lookup) => lookup.source === 'log').length
  if (logged !== (context === 'empty' || context === 'dead-end' ? 1 : 0)) return null
  if (context === 'dead-end' && lookups[0]?.source !== 'log') return null
  const facts = lookups.slice(factsFrom).map((lookup) => lookup.converted ?? lookup.value)
  return new Set(facts).size === facts.length ? lookups : null
}

function convert(subject: Subject, value: string): string {
  const factor = subject.units?.[1] === 'km' ? 1.609 : 0.454
  return String(Math.max(1, Math.round(Number(value) * factor)))
}

function phrase(lookup: Lookup): string {
  const { subject, source, second } = lookup
  if (source === 'night' || source === 'day') return `${source} ${subject.word}`
  if (second) return `${subject.word} to ${second.name}`
  if (subject.units) return `${subject.word} in ${subject.units[1]}`
  return subject.word
}

const openings = [
  ['', 8],
  ['Find ', 5],
  ['Get ', 4],
  ['What is ', 3],
] as const

function queryText(rng: Rng, said: string, lookups: readonly Lookup[], factCount: number): string {
  const factsFrom = lookups.length - factCount
  const chain = [said, ...lookups.slice(0, factsFrom).map((lookup) => lookup.subject.word)].map((word) => `${word}'s `).join('')
  return `${weighted(rng, openings)}${chain}${lookups.slice(factsFrom).map(phrase).join(' and ')}?`
}

export interface DrawOptions {
  readonly split: Split
  readonly group: Group
  readonly queryId: string
  readonly index: number
  /** Upper bound on the tools listed, at most six. */
  readonly maxTools?: number
  readonly maxSubjects?: number
  /** When absent, the usual one. */
  readonly version?: WorldVersion
}

export function drawTask(db: Database, rng: Rng, options: DrawOptions): Task {
  const { split, group, version = USUAL_VERSION } = options
  const plan = plans[version][group]
  let context = weighted(rng, plan.contexts)
  const lengths = lengthWeights[group].map((weight, i) => [i + 1, i + 1 > (options.maxSubjects ?? 9) ? 0 : weight] as const)
  for (let attempt = 1; ; attempt++) {
    if (attempt % 2000 === 0) context = 'clean'
    const shape = drawShape(rng, plan.subjects, group, context, weighted(rng, lengths))
    const lookups = shape && drawLookups(db, rng, split, context, shape)
    if (!shape || !lookups) continue
    const start = lookups[0]?.entity.name ?? ''
    const aliases = lookups[0] ? db.aliases(split, lookups[0].entity.kind).filter((alias) => db.trueName(alias) === start) : []
    const said = context === 'alias' ? (aliases[0] ?? start) : start
    const facts = lookups.slice(lookups.length - shape.factCount).map((lookup) => lookup.converted ?? lookup.value)
    const names = lookups.flatMap((lookup) => [
      lookup.entity.name,
      lookup.second?.name,
      /^[A-Z]/.test(lookup.value) ? lookup.value : undefined,
    ])
    const query: Query = {
      query_id: options.queryId,
      index: options.index,
      text: queryText(rng, said, lookups, shape.factCount),
      group,
      split,
      goldTools: goldTools(context, lookups),
      entities: [...new Set([said, ...names.filter((name) => name !== undefined)])],
    }
    return {
      query,
      context,
      said,
      lookups,
      factCount: shape.factCount,
      facts,
      decoy: context === 'dead-end' ? decoyOf(db, rng, lookups) : null,
      quotaAt: context === 'quota' ? rng.int(lookups.length) : null,
      tools: listTools(rng, context, lookups, plan.subjects, options.maxTools ?? 6),
    }
  }
}

/** Another entity of the kind that the first look-up yields, which nothing else in the task names. */
function decoyOf(db: Database, rng: Rng, lookups: readonly Lookup[]): string | null {
  const right = db.find(lookups[0]?.value ?? '')
  if (!right) return null
  const named = new Set(lookups.flatMap(({ entity, second, value }) => [entity.name, second?.name ?? '', value]))
  return rng.pick(db.pool(right.split, right.kind).filter(({ name }) => !named.has(name))).name
}

function goldTools(context: Context, lookups: readonly Lookup[]): string[] {
  const names = lookups.flatMap(({ subject, source, converted }) => [
    `${subject.word}_${source}`,
    ...(converted === null || !subject.units ? [] : [`${subject.units[1]}_from`]),
  ])
  return context === 'alias' ? ['alias_of', ...names] : names
}

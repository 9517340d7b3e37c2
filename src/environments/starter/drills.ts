/**
 * Copy drills, in the surface form of the world: lists to repeat, facts to recall, and one-call episodes with tools nobody
 * has seen. Copying appears in a small model only after a few million tokens of it; drills make most tokens count.
 * Their names are drawn from the whole space, minus the names of the other uses.
 */
import type { Rng } from '../../base/random'
import type { TranscriptMessage } from '../benchmark'
import { kinds, subjects, type Kind } from './catalog'
import { FINISH, formatCall } from '../compactSyntax'
import type { Database } from './database'
import { laterSyllables, randomName } from './names'
import { drawSlips } from './slips'

const words: readonly string[] = [...subjects.map((subject) => subject.word), ...kinds]

function drillName(rng: Rng, db: Database): string {
  for (;;) {
    const name = randomName(rng)
    const known = db.has(name)
    if (!known) return name
  }
}

function drillNumber(rng: Rng): string {
  return String(rng.chance(0.5) ? 10 + rng.int(90) : 100 + rng.int(900))
}

function drillValue(rng: Rng, db: Database): string {
  return rng.chance(0.65) ? drillName(rng, db) : drillNumber(rng)
}

function distinct(count: number, draw: () => string): string[] {
  const out = new Set<string>()
  while (out.size < count) out.add(draw())
  return [...out]
}

function finish(parts: readonly string[]): TranscriptMessage {
  return { role: 'assistant', content: formatCall(FINISH, { answer: parts.join(', ') }) }
}

/** A drill that repeats a list. */
function echo(rng: Rng, db: Database): TranscriptMessage[] {
  const items = distinct(4 + rng.int(5), () => drillValue(rng, db))
  return [{ role: 'user', content: `${items.join(', ')}?` }, finish(items)]
}

/** A record of several facts; the query asks for some of them, in its own order. */
function recall(rng: Rng, db: Database): TranscriptMessage[] {
  const keys = distinct(4 + rng.int(4), () => (rng.chance(0.6) ? drillName(rng, db) : rng.pick(words)))
  const facts = keys.map((key) => [key, drillValue(rng, db)] as const)
  const asked = rng.shuffle(facts).slice(0, 3 + rng.int(facts.length - 2))
  return [
    { role: 'system', content: JSON.stringify(Object.fromEntries(facts)) },
    { role: 'user', content: `${asked.map(([key]) => key).join(', ')}?` },
    finish(asked.map(([key, value]) => `${key}:${value}`)),
  ]
}

/**
 * A tool that is in no catalogue: any word, invented or known, with any suffix and any parameter. A language model knows the
 * words of a tool it has never seen, so held-out words occur here; but a held-out tool never shows its real signature, and
 * since a word says nothing about its suffix and parameter, these must be read from the list.
 */
function madeUpTool(rng: Rng): { word: string; name: string; kind: Kind } {
  for (;;) {
    const word = rng.chance(0.4) ? madeUpWord(rng) : rng.pick(words)
    const kind = rng.pick(kinds)
    const subject = subjects.find((candidate) => candidate.word === word)
    if (subject?.of !== kind) return { word, name: `${word}_${rng.pick(['of', 'of', 'log', 'for', 'from'])}`, kind }
  }
}

function madeUpWord(rng: Rng): string {
  const word = rng.pick(laterSyllables) + rng.pick(laterSyllables)
  return rng.chance(0.3) ? word + rng.pick(laterSyllables) : word
}

/** Calls of made-up tools: the name, the parameter and the argument all have to be copied. */
export function madeUpTools(rng: Rng, db: Database, slipRate = 0): TranscriptMessage[] {
  const drawn = new Map(Array.from({ length: 2 + rng.int(4) }, () => madeUpTool(rng)).map((tool) => [tool.word, tool]))
  const tools = [...drawn.values()]
  const asked = rng.shuffle(tools).slice(0, 1 + rng.int(Math.min(3, tools.length)))
  const name = drillName(rng, db)
  const messages: TranscriptMessage[] = [
    { role: 'system', content: tools.map((tool) => `${tool.name}(${tool.kind})`).join('\n') },
    { role: 'user', content: `${name}'s ${asked.map((tool) => tool.word).join(' and ')}?` },
  ]
  const signatures = tools.map((tool) => ({ name: tool.name, parameters: [tool.kind] }))
  const facts: string[] = []
  for (const tool of asked) {
    const value = drillValue(rng, db)
    facts.push(value)
    const call = { name: tool.name, arguments: { [tool.kind]: name } }
    for (const slip of drawSlips(rng, slipRate, call, signatures)) {
      messages.push({ role: 'assistant', content: slip.content, isSlip: true })
      messages.push({ role: 'tool', content: JSON.stringify({ error: slip.error }) })
    }
    messages.push({ role: 'assistant', content: formatCall(call.name, call.arguments) })
    messages.push({ role: 'tool', content: JSON.stringify({ [tool.word]: value }) })
  }
  return [...messages, finish(facts)]
}

export function drill(rng: Rng, db: Database, slipRate = 0): TranscriptMessage[] {
  const at = rng.uniform()
  if (at < 0.25) return echo(rng, db)
  return at < 0.6 ? recall(rng, db) : madeUpTools(rng, db, slipRate)
}

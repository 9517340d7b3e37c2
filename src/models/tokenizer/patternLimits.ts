/**
 * Refuses patterns of a tokenizer that may take time without end. JavaScript's engine tries every way in which repetitions can share a text:
 * `(a+)+$` takes 2ⁿ steps where it does not match, and nothing can stop it. Patterns of published tokenizers repeat single characters and
 * classes, at most two beside each other.
 */
import { excerpt } from '../../base/excerpt'
import { CheckpointError } from '../weights/byteSource'

const MOST_CHARACTERS = 20_000
/** Repetitions without bound in one alternative: a text of n characters may be shared among k of them in n^k ways. */
const MOST_REPETITIONS = 3
/** A count above this is as good as none. */
const MANY = 16

/** What is known of a group while it is read. */
interface Group {
  /** It has alternatives, or repeats something a number of times that is not fixed: it matches one text in several ways. */
  isAmbiguous: boolean
  /** Repetitions without bound in the alternative that is being read. */
  repetitions: number
  /** The most of them in one alternative. */
  most: number
}

const newGroup = (): Group => ({ isAmbiguous: false, repetitions: 0, most: 0 })

/** Every `{Regex: …}` of a part of tokenizer.json. */
export function checkPatterns(part: unknown, where: string): void {
  if (Array.isArray(part)) for (const entry of part) checkPatterns(entry, where)
  else if (typeof part === 'object' && part !== null)
    for (const [key, value] of Object.entries(part)) {
      if (key === 'Regex' && typeof value === 'string') checkPattern(value, where)
      else checkPatterns(value, where)
    }
}

function checkPattern(pattern: string, where: string): void {
  const refuse = (why: string): never => {
    throw new CheckpointError(
      `tokenizer.json: ${where}: the pattern ${excerpt(pattern, 60)} ${why}, so that a text could keep it busy without end`,
    )
  }
  if (pattern.length > MOST_CHARACTERS) refuse(`has ${pattern.length} characters; expected at most ${MOST_CHARACTERS}`)
  const groups: Group[] = [newGroup()]
  /** The group that just ended; null after a single character or class. */
  let ended: Group | null = null
  for (let at = 0; at < pattern.length;) {
    const group = groups.at(-1) ?? newGroup()
    const quantifier = quantifierAt(pattern, at)
    if (quantifier) {
      if (quantifier.isMany && ended?.isAmbiguous === true) refuse('repeats a group that repeats something itself or has alternatives')
      if (quantifier.isMany) group.repetitions += 1
      group.isAmbiguous ||= quantifier.isVariable
      at += quantifier.length
      ended = null
      continue
    }
    const char = pattern[at] ?? ''
    ended = null
    if (char === '(') {
      groups.push(newGroup())
      at += groupHead(pattern, at)
    } else if (char === ')' && groups.length > 1) {
      groups.pop()
      ended = { ...group, most: Math.max(group.most, group.repetitions) }
      const outer = groups.at(-1) ?? newGroup()
      outer.isAmbiguous ||= group.isAmbiguous
      outer.repetitions += ended.most
      at += 1
    } else if (char === '|') {
      group.isAmbiguous = true
      group.most = Math.max(group.most, group.repetitions)
      group.repetitions = 0
      at += 1
    } else at += char === '[' ? classLength(pattern, at) : char === '\\' ? escapeLength(pattern, at) : 1
    if (group.repetitions > MOST_REPETITIONS) refuse(`has more than ${MOST_REPETITIONS} repetitions without bound after each other`)
  }
  if ((groups[0]?.repetitions ?? 0) > MOST_REPETITIONS)
    refuse(`has more than ${MOST_REPETITIONS} repetitions without bound after each other`)
}

/** `*`, `+`, `?` and `{n,m}`, with the `?` or `+` that may follow them. */
function quantifierAt(
  pattern: string,
  at: number,
): { readonly length: number; readonly isMany: boolean; readonly isVariable: boolean } | null {
  const found = /(?:[*+?]|\{(\d*)(,?)(\d*)\})[?+]?/y
  found.lastIndex = at
  const match = found.exec(pattern)
  if (!match) return null
  const [whole, least = '', comma = '', most = ''] = match
  if (!whole.startsWith('{')) return { length: whole.length, isMany: !whole.startsWith('?'), isVariable: true }
  if (least === '' && most === '') return null
  const top = comma === '' ? Number(least) : most === '' ? Number.POSITIVE_INFINITY : Number(most)
  return { length: whole.length, isMany: top > MANY, isVariable: comma !== '' && top !== Number(least) }
}

/** `(`, with what says which kind of group it is: `(?:`, `(?=`, `(?i:`, `(?<name>`. */
function groupHead(pattern: string, at: number): number {
  const head = /\((?:\?(?:[a-zA-Z-]*:|<?[=!]|>|<[^>]*>|[a-zA-Z-]+\)?))?/y
  head.lastIndex = at
  return head.exec(pattern)?.[0].length ?? 1
}

/** A class with the classes inside of it. */
function classLength(pattern: string, start: number): number {
  let depth = 0
  for (let at = start; at < pattern.length; at++) {
    const char = pattern[at]
    if (char === '\\') at += 1
    else if (char === '[') depth += 1
    else if (char === ']' && --depth === 0) return at + 1 - start
  }
  return pattern.length - start
}

const ESCAPE = /\\(?:[pPxu]\{[^}]*\}|[^])/y

function escapeLength(pattern: string, at: number): number {
  ESCAPE.lastIndex = at
  return ESCAPE.exec(pattern)?.[0].length ?? 1
}

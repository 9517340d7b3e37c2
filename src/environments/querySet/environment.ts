/** An environment of the catalogue in which a user's queries are asked: it has the tools, and the file of queries has the answers. */
import { sha256 } from '../../base/sha256'
import { EnvironmentError, type Environment, type Episode, type Verdict } from '../environment'
import type { AskedQuery } from './queryFile'

export type AnswerMatch = 'contains' | 'exact'

export function queryEnvironment(world: Environment, asked: readonly AskedQuery[], match: AnswerMatch): Environment {
  const byId = new Map(asked.map((one) => [one.query.query_id, one]))
  return {
    ...{ name: world.name, title: world.title, description: world.description, tools: world.tools },
    hash: sha256(JSON.stringify({ version: 1, world: world.hash, match, asked })),
    open: async (query, options) => {
      if (query === null) return world.open(null, options)
      const own = byId.get(query.query_id)
      if (!own) throw new EnvironmentError('unknown-query', `There is no query ${query.query_id} in this set.`)
      return askIn(await world.open(null, options), own, match)
    },
  }
}

function askIn(inner: Episode, { query, answers }: AskedQuery, match: AnswerMatch): Episode {
  return {
    query,
    tools: inner.tools,
    call: (calls, options) => inner.call(calls, options),
    finish: async (answer, options) => {
      await inner.finish(answer, options)
      return verdictOn(answer, answers, match)
    },
    copy: () => {
      const copied = inner.copy()
      return copied.ok ? { ok: true, episode: askIn(copied.episode, { query, answers }, match) } : copied
    },
    close: () => inner.close(),
  }
}

/** Where no answer is known, nobody can say whether one is right. */
export function verdictOn(answer: string | null, accepted: readonly string[], match: AnswerMatch): Verdict {
  const given = comparable(answer ?? '')
  const isRight = accepted.map(comparable).some((right) => (match === 'exact' ? given === right : containsWords(given, right)))
  const status = answer === null ? 'unsolved' : accepted.length === 0 ? 'unsure' : isRight ? 'solved' : 'unsolved'
  return { status, truth: { succeeded: status === 'solved', needed: true } }
}

/** Case, spaces and a full stop at the end say nothing about an answer. */
const comparable = (text: string): string =>
  text
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/\s+/g, ' ')
    .trim()
    .replace(/[.!]+$/, '')

/** Scripts that write words without spaces. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u

/** 4 is not contained in 42, nor "art" in "party". */
function containsWords(text: string, words: string): boolean {
  if (words === '') return false
  const isWord = (char: string | undefined): boolean => char !== undefined && /[\p{L}\p{N}]/u.test(char) && !UNSPACED.test(char)
  for (let at = text.indexOf(words); at !== -1; at = text.indexOf(words, at + 1)) {
    const [before, after] = [text[at - 1], text[at + words.length]]
    const isNumber = /^\d/.test(words) && before !== undefined && /[.,-]/.test(before) && /\d/.test(text[at - 2] ?? ' ')
    const goesOn = /\d$/.test(words) && after !== undefined && /[.,]/.test(after) && /\d/.test(text[at + words.length + 1] ?? ' ')
    if (!(isWord(words[0]) && isWord(before)) && !(isWord(words.at(-1)) && isWord(after)) && !isNumber && !goesOn) return true
  }
  return false
}

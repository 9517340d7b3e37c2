/** 10,000 strings, the same here and in test/golden/fuzz_strings.py: parts drawn from the tables of fuzz_tables.json. */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { goldenText } from './files'

const item = z.union([z.string(), z.tuple([z.int(), z.int()])])
const given = z
  .object({ parts: z.int(), kinds: z.array(z.array(z.tuple([z.string(), z.int()]))), tables: z.record(z.string(), z.array(item)) })
  .parse(JSON.parse(goldenText('fuzz_tables.json')))

/** Tommy Ettinger's generator: 32 bits at a time. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return (t ^ (t >>> 14)) >>> 0
  }
}

function chosen<T>(list: readonly T[], at: number): T {
  const found = list[at]
  if (found === undefined) throw new Error(`a table of ${list.length} has nothing at ${at}`)
  return found
}

export function fuzzString(index: number): string {
  const draw = mulberry32(Math.imul(index, 0x9e3779b1))
  const below = (n: number): number => Math.floor((draw() * n) / 2 ** 32)
  let text = ''
  for (let parts = 1 + below(given.parts); parts > 0; parts--) {
    for (const [name, most] of chosen(given.kinds, below(given.kinds.length))) {
      const table = given.tables[name] ?? []
      for (let count = 1 + below(most); count > 0; count--) {
        const one = chosen(table, below(table.length))
        text += typeof one === 'string' ? one : String.fromCodePoint(one[0] + below(one[1] - one[0] + 1))
      }
    }
  }
  return text
}

/** 12 hexadecimal digits of the SHA-256 of each block: every value as text, then a line feed. */
export function digests(values: readonly (string | readonly number[])[], block: number): string[] {
  return Array.from({ length: Math.ceil(values.length / block) }, (_, at) => {
    const hash = createHash('sha256')
    for (const value of values.slice(at * block, (at + 1) * block)) hash.update(`${typeof value === 'string' ? value : value.join(',')}\n`)
    return hash.digest('hex').slice(0, 12)
  })
}

/**
 * The arithmetic environment has three tools that compute, and one scripted failure. A query is a chain of one to three operations; each result has to come
 * from a tool. In every third query the first call of `multiply` replies that the tool is busy, and the same call succeeds when it is
 * repeated. Everything follows from the seed.
 */
import { createRng } from '../../base/random'
import { sha256 } from '../../base/sha256'
import type { ToolCall, ToolSpec } from '../../records/trajectory'
import {
  cancellable,
  EnvironmentError,
  type Environment,
  type BuiltInEnvironment,
  type Episode,
  type Query,
  type ToolReply,
} from '../environment'

type Operation = 'add' | 'multiply' | 'divide'

/** One operation of a query: `value` with the result so far, or with the first number. */
export interface Operand {
  readonly operation: Operation
  readonly value: number
}

export interface Problem {
  readonly query: Query
  readonly first: number
  readonly operands: readonly Operand[]
  /** The result after each operation. */
  readonly results: readonly number[]
  /** Whether the first call of `multiply` fails. */
  readonly isBusy: boolean
}

export interface Arithmetic extends Environment {
  readonly problems: ReadonlyMap<string, Problem>
  queries(split: string): readonly Query[]
}

export const SPLITS = { exam: 60, practice: 120 } as const

const words: Readonly<Record<Operation, string>> = { add: 'plus', multiply: 'times', divide: 'divided by' }
const groups = ['one operation', 'two operations', 'three operations'] as const
const number = { type: 'integer', description: '', required: true } as const
const tool = (name: Operation, description: string): ToolSpec => ({
  ...{ name, category: 'arithmetic', description },
  parameters: [
    { name: 'a', ...number },
    { name: 'b', ...number },
  ],
})
const tools = [
  tool('add', 'The sum of two whole numbers.'),
  tool('multiply', 'The product of two whole numbers. It may be busy: then call it again.'),
  tool('divide', 'A whole number divided by another that divides it.'),
]
const isOperation = (name: string): name is Operation => name in words

function compute(operation: Operation, a: number, b: number): number | string {
  if (operation === 'add') return a + b
  if (operation === 'multiply') return a * b
  if (b === 0) return 'division by zero'
  return a % b === 0 ? a / b : `${String(b)} does not divide ${String(a)}`
}

function drawProblem(rng: ReturnType<typeof createRng>, split: string, index: number): Problem {
  const first = 2 + rng.int(48)
  let now = first
  const operands: Operand[] = []
  const results: number[] = []
  for (let step = 0; step <= index % groups.length; step++) {
    const divisors = [2, 3, 4, 5, 6, 7, 8, 9].filter((divisor) => now % divisor === 0)
    const operation = (['add', 'multiply', divisors.length > 0 ? 'divide' : 'add'] as const)[rng.int(3)] ?? 'add'
    const value = operation === 'divide' ? (divisors[rng.int(divisors.length)] ?? 1) : 2 + rng.int(operation === 'add' ? 48 : 8)
    operands.push({ operation, value })
    now = Number(compute(operation, now, value))
    results.push(now)
  }
  const text = `What is ${[String(first), ...operands.map(({ operation, value }) => `${words[operation]} ${String(value)}`)].join(', ')}?`
  const query: Query = {
    ...{ query_id: `arithmetic-${split}-${String(index)}`, index, text, split, entities: [] },
    group: groups[index % groups.length] ?? groups[0],
    goldTools: operands.map(({ operation }) => operation),
  }
  return { query, first, operands, results, isBusy: index % 3 === 2 }
}

/** No text occurs twice, so that practice contains no query of the exam. */
function drawProblems(seed: number): Problem[] {
  const problems: Problem[] = []
  const texts = new Set<string>()
  for (const [split, count] of Object.entries(SPLITS))
    for (let ordinal = 0; ordinal < count; ordinal++)
      for (let attempt = 0; ; attempt++) {
        const problem = drawProblem(createRng(seed, problems.length, attempt), split, problems.length)
        if (texts.has(problem.query.text)) continue
        texts.add(problem.query.text)
        problems.push(problem)
        break
      }
  return problems
}

/** The state of an episode. */
interface State {
  /** Whether the scripted failure was already given. */
  wasBusy: boolean
  hasEnded: boolean
  /** Results that a tool gave. */
  readonly seen: ReadonlySet<number>
}

function openEpisode(problem: Problem | null, query: Query, state: State): Episode {
  let { wasBusy, hasEnded } = state
  const seen = new Set(state.seen)
  const fail = (error: NonNullable<ToolReply['error']>, text: string, needed = false): ToolReply => ({
    ...{ text: JSON.stringify({ error: text }), error, truth: { succeeded: false, needed }, elapsedMs: null },
  })

  function reply(call: ToolCall): ToolReply {
    if (hasEnded) return fail('ended', 'the episode has ended')
    if (call.error !== undefined) return fail('bad-call', call.error)
    if (!isOperation(call.name)) return fail('unknown-tool', `there is no tool ${call.name}; there is add, multiply, divide`)
    const [a, b] = [call.arguments.a, call.arguments.b].map(Number)
    if (a === undefined || b === undefined || !Number.isSafeInteger(a) || !Number.isSafeInteger(b))
      return fail('bad-arguments', 'a and b must be whole numbers')
    const result = compute(call.name, a, b)
    if (typeof result === 'string') return fail('bad-arguments', result)
    const needed = problem?.results.includes(result) === true && !seen.has(result)
    if (call.name === 'multiply' && problem?.isBusy === true && !wasBusy) {
      wasBusy = true
      return fail('unavailable', 'busy, call again', needed)
    }
    seen.add(result)
    return { text: JSON.stringify({ result }), error: null, truth: { succeeded: true, needed }, elapsedMs: null }
  }

  return {
    query,
    tools,
    call: async (calls, { signal } = {}) => cancellable(Promise.resolve(), signal).then(() => calls.map(reply)),
    finish: (answer) => {
      hasEnded = true
      const last = problem?.results.at(-1)
      // A correct number counts only if a tool returned it, so that a lucky guess is not an answer.
      const isSolved = answer !== null && last !== undefined && Number(answer.trim()) === last && seen.has(last)
      return Promise.resolve({ status: isSolved ? 'solved' : 'unsolved', truth: { succeeded: isSolved, needed: true } })
    },
    copy: () => ({ ok: true, episode: openEpisode(problem, query, { wasBusy, hasEnded, seen }) }),
    close: () => Promise.resolve(),
  }
}

const NAME = 'arithmetic'
const noQuery: Query = { query_id: '', index: 0, text: '', group: '', split: '', goldTools: [], entities: [] }

export function createArithmetic(seed = 1): Arithmetic {
  const drawn = drawProblems(seed)
  const problems = new Map(drawn.map((problem) => [problem.query.query_id, problem]))
  return {
    ...{ name: NAME, title: arithmeticEnvironment.title, description: arithmeticEnvironment.description, tools, problems },
    hash: sha256(JSON.stringify({ version: 1, seed, tools, drawn })),
    queries: (split) => {
      if (!(split in SPLITS))
        throw new EnvironmentError('unknown-split', `Arithmetic has no split ${split}; it has ${Object.keys(SPLITS).join(', ')}.`)
      return drawn.map(({ query }) => query).filter((query) => query.split === split)
    },
    open: (query) => {
      const problem = query === null ? null : problems.get(query.query_id)
      if (problem === undefined)
        return Promise.reject(new EnvironmentError('unknown-query', `Arithmetic has no query ${query?.query_id ?? ''}.`))
      return Promise.resolve(openEpisode(problem, problem?.query ?? noQuery, { wasBusy: false, hasEnded: false, seen: new Set() }))
    },
  }
}

export const arithmeticEnvironment: BuiltInEnvironment = {
  name: NAME,
  title: 'Arithmetic',
  description: 'Three tools that compute with whole numbers; one of them is sometimes busy and must be called again.',
  create: ({ seed }) => createArithmetic(seed),
}

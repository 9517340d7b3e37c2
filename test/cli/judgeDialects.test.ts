/** `hone annotate --by judge` against servers that say the same in other words: no row is lost that the server answered. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { annotate } from '../../src/cli/commands/annotate'
import { sampleCsv } from '../../src/data/sampleCsv'
import { answeringDialects, refusingDialects, startDialectServer, type Dialect, type DialectServer } from '../support/judgeDialects'
import { run, temporaryDirectory, testContext } from './commandContext'

const AT_ONCE = 8
const result = z.object({ trajectories: z.int(), steps: z.int(), opinions: z.int(), failures: z.array(z.string()) })
let server: DialectServer | null = null
afterEach(() => server?.close())

async function judged(
  dialect: Dialect,
  path = '/v1',
  more: readonly string[] = [],
): Promise<{ result: z.output<typeof result>; text: string }> {
  server = await startDialectServer(dialect, AT_ONCE)
  const directory = temporaryDirectory()
  const [source, out] = [join(directory, 'sample.csv'), join(directory, 'judged.jsonl')]
  writeFileSync(source, sampleCsv())
  const words = [
    '--by',
    'judge',
    '--judge-model',
    'judge',
    '--base-url',
    server.url + path,
    '--concurrency',
    String(AT_ONCE),
    source,
    '--out',
    out,
    ...more,
  ]
  try {
    const told = result.parse(await run(annotate, words, testContext({ fetch: (url, init) => fetch(url, init) }).context))
    return { result: told, text: readFileSync(out, 'utf8') }
  } finally {
    if (existsSync(out)) writeFileSync(out, '')
  }
}

/** Success and contribution of every step but the last, the status of that. */
const allOf = ({ steps, trajectories }: z.output<typeof result>): number => 2 * (steps - trajectories) + trajectories

describe('a judge at concurrency 8 loses no row the server answered', () => {
  it.each(Object.entries(answeringDialects))('%s', async (_, dialect) => {
    const { result: told, text } = await judged(dialect, '/v1', ['--repeats', '3'])
    expect(told.failures).toEqual([])
    expect(told.trajectories).toBeGreaterThan(5)
    expect(told.opinions).toBe(3 * allOf(told))
    const values = [...text.matchAll(/"name":"contribution","value":(\d)/g)].map(([, value]) => Number(value))
    expect(new Set(values)).toEqual(new Set(Array.from({ length: Math.max(...values) + 1 }, (_mark, at) => at)))
  })

  it('Azure: its address keeps ?api-version=, and its key has a header of its own', async () => {
    process.env.OPENAI_API_KEY = 'azure-key-0123456789'
    try {
      const seen = new Set<unknown>()
      const { result: told } = await judged(({ url, headers, marks }) => {
        seen.add(url).add(headers['api-key'])
        return { body: { choices: [{ message: { tool_calls: [{ function: { name: 'evaluate_process_reward', arguments: marks } }] } }] } }
      }, '/openai/deployments/judge/chat/completions?api-version=2024-10-21')
      expect(told.opinions).toBe(allOf(told))
      expect([...seen]).toEqual(['/openai/deployments/judge/chat/completions?api-version=2024-10-21', 'azure-key-0123456789'])
    } finally {
      delete process.env.OPENAI_API_KEY
    }
  })

  it('the token limit is a setting', async () => {
    const limits = new Set<unknown>()
    await judged(
      ({ fields, marks }) => {
        limits.add(fields.max_tokens)
        return { body: { choices: [{ message: { tool_calls: [{ function: { name: 'evaluate_process_reward', arguments: marks } }] } }] } }
      },
      '/v1',
      ['--max-tokens', '9000'],
    )
    expect([...limits]).toEqual([9000])
  })
})

it('a file of which no answer can be used does not keep the next from being judged', async () => {
  const short = ({ marks }: { marks: { succeed_tool_calling: readonly number[] } }): boolean => marks.succeed_tool_calling.length < 2
  server = await startDialectServer((request) => {
    const marks = short(request) ? {} : request.marks
    return { body: { choices: [{ message: { tool_calls: [{ function: { name: 'evaluate_process_reward', arguments: marks } }] } }] } }
  })
  const directory = temporaryDirectory()
  const rows = sampleCsv().trimEnd().split('\n')
  const stepsOf = (row: string): number => row.split('Action Input').length - 1
  const [header = '', ...data] = rows
  const few = data.filter((row) => stepsOf(row) === 2)
  const many = data.filter((row) => stepsOf(row) > 2)
  expect([few.length > 0, many.length > 0]).toEqual([true, true])
  const [first, second, out] = ['few.csv', 'many.csv', 'out.jsonl'].map((name) => join(directory, name)) as [string, string, string]
  writeFileSync(first, [header, ...few, ''].join('\n'))
  writeFileSync(second, [header, ...many, ''].join('\n'))
  const words = ['--by', 'judge', '--judge-model', 'judge', '--base-url', server.url, first, second, '--out', out]
  const told = result.parse(await run(annotate, words, testContext({ fetch: (url, init) => fetch(url, init) }).context))
  expect(told.failures).toHaveLength(few.length)
  expect(told.opinions).toBeGreaterThan(0)
})

describe('a judge of which nothing succeeds ends the command with the server’s sentence', () => {
  it.each(Object.entries(refusingDialects))('%s', async (_, [dialect, sentence]) => {
    await expect(judged(dialect)).rejects.toThrow(sentence)
  })
})

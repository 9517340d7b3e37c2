/** `hone score`: any benchmark of the catalogue whose answers can be scored, from a folder or an archive. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { BlobReader, BlobWriter, ZipWriter } from '@zip.js/zip.js'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { score } from '../../src/cli/commands/score'
import { filesUnder, projectRoot } from '../support/sources'
import { run, temporaryDirectory, testContext } from './commandContext'

const { context, said } = testContext()
const fixtures = join(projectRoot, 'test/fixtures/bfcl')
const result = z.object({
  rows: z.array(z.object({ id: z.string(), category: z.string(), valid: z.boolean(), error: z.string().nullable() })),
  cells: z.array(z.object({ cell: z.string(), n: z.int(), accuracy: z.number().nullable() })),
})

function answersFile(): string {
  const path = join(temporaryDirectory(), 'answers.jsonl')
  const calls = [{ lamp_switch: { room: 'hall', on: true } }]
  writeFileSync(path, JSON.stringify({ category: 'multiple', id: 'multiple_0', calls }))
  return path
}

/** The package's wheel is a zip archive whose data are in bfcl_eval/data. */
async function wheel(): Promise<string> {
  const archive = new ZipWriter(new BlobWriter())
  for (const file of filesUnder(fixtures, () => true))
    await archive.add(`bfcl_eval/data/${file.slice(fixtures.length + 1)}`, new BlobReader(new Blob([readFileSync(file)])))
  const path = join(temporaryDirectory(), 'bfcl_eval-2026.3.23-py3-none-any.whl')
  writeFileSync(path, new Uint8Array(await (await archive.close()).arrayBuffer()))
  return path
}

test('scores a file of answers against a folder or the wheel, with the settings of the benchmark', async () => {
  for (const data of [fixtures, await wheel()]) {
    const answers = answersFile()
    const given = ['--benchmark', 'bfcl', '--data', data, '--answers', answers]
    const [row] = result.parse(await run(score, given, context)).rows
    expect(row).toEqual({ id: 'multiple_0', category: 'multiple', valid: false, error: 'simple_function_checker:wrong_func_name' })
    const underscored = await run(score, [...given, '--underscored-names'], context)
    expect(result.parse(underscored).rows[0]?.valid).toBe(true)
    expect(score.show(underscored)).toMatch(/^multiple +n +1 {2}100.00 % \(20.65 % to 100.00 %\)$/m)
    expect(said.at(-1)).toBe('Berkeley Function Calling Leaderboard, version 4: 1 answers were scored, 1 of them are right.')
  }
})

test('says what is wrong with a path or a benchmark', async () => {
  await expect(run(score, ['--benchmark', 'bfcl', '--data', '/no/such', '--answers', answersFile()], context)).rejects.toThrow(
    'There is no file or folder /no/such.',
  )
  await expect(async () => run(score, ['--benchmark', 'chess', '--data', fixtures, '--answers', 'x'], context)).rejects.toThrow(/benchmark/)
})

const shared = (path: string): string => fileURLToPath(new URL(`../../../shared/${path}`, import.meta.url))
const [data, answers] = [shared('data/bfcl/bfcl_v4_data.zip'), shared('golden/bfcl/answers-1.jsonl.gz')]
const present = existsSync(data) && existsSync(answers)

test.skipIf(!present)(
  `agrees with bfcl-eval on 7,503 answers${present ? '' : ' (skipped: ../shared is not there)'}`,
  { timeout: 60_000 },
  async () => {
    const { rows, cells } = result.parse(await run(score, ['--benchmark', 'bfcl', '--data', data, '--answers', answers], context))
    const expected = gunzipSync(readFileSync(answers))
      .toString()
      .trim()
      .split('\n')
      .map((line) => z.object({ id: z.string(), valid: z.boolean(), error_type: z.string() }).parse(JSON.parse(line)))
    expect(rows.map(({ id, valid, error }) => [id, valid, error])).toEqual(
      expected.map(({ id, valid, error_type }) => [id, valid, valid ? null : error_type]),
    )
    expect(cells.find(({ cell }) => cell === 'live_multiple')?.n).toBe(3159)
  },
)

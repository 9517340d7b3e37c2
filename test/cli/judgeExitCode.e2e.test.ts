/** The built command line beside a judge: exit code 1 when nothing was judged, 0 with every row when the server answered. */
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { sampleCsv } from '../../src/data/sampleCsv'
import { answeringDialects, refusingDialects, startDialectServer, type Dialect, type DialectServer } from '../support/judgeDialects'
import { projectRoot } from '../support/sources'
import { temporaryDirectory } from './commandContext'

let server: DialectServer | null = null
afterEach(() => server?.close())

async function annotated(dialect: Dialect): Promise<{ code: number | null; stdout: string; stderr: string }> {
  server = await startDialectServer(dialect, 8)
  const directory = temporaryDirectory()
  const source = join(directory, 'sample.csv')
  writeFileSync(source, sampleCsv())
  const words = ['annotate', '--by', 'judge', '--judge-model', 'judge', '--base-url', server.url, '--concurrency', '8', source]
  const child = spawn(process.execPath, ['src/cli/launch.js', 'hone', ...words, '--out', join(directory, 'out.jsonl'), '--json'], {
    cwd: projectRoot,
    env: { ...process.env, HONE_HOME: join(directory, 'home') },
  })
  const [stdout, stderr]: [string[], string[]] = [[], []]
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk.toString()))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, stdout: stdout.join(''), stderr: stderr.join('') }
}

test.each(Object.entries(refusingDialects))('nothing judged, %s: exit code 1 and the sentence', async (_, [dialect, sentence]) => {
  const { code, stdout, stderr } = await annotated(dialect)
  expect([code, stdout]).toEqual([1, ''])
  expect(stderr).toMatch(sentence)
})

test('every row judged: exit code 0', async () => {
  const { code, stdout } = await annotated(Object.values(answeringDialects)[0] as Dialect)
  const told = z
    .object({ trajectories: z.int(), steps: z.int(), opinions: z.int(), failures: z.array(z.string()) })
    .parse(JSON.parse(stdout))
  expect([code, told.failures, told.opinions]).toEqual([0, [], 2 * (told.steps - told.trajectories) + told.trajectories])
})

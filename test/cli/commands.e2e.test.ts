/** Commands as a program runs them: JSON on stdout alone, failures in one sentence, and a run that is killed without warning. */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { adaptersUnderTest } from '../support/adapters'
import { projectRoot } from '../support/sources'
import { temporaryDirectory, tinyModelFolder } from './commandContext'

const launcher = [join(projectRoot, 'src/cli/launch.js'), 'hone']

function hone(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [...launcher, ...args], { encoding: 'utf8' })
}

test('describe prints one JSON object and nothing else', () => {
  const { status, stdout } = hone('describe', '--json')
  expect(status).toBe(0)
  expect(stdout.split('\n')).toHaveLength(2)
  const lists = z.record(z.string(), z.array(z.string())).parse(JSON.parse(stdout))
  expect(lists.algorithms).toContain('steptool-ppo')
})

test.each([
  [['import', 'nowhere.csv'], 'hone: There is no file nowhere.csv.\n'],
  [['bench', 'everything'], /^hone: kinds: Invalid option: .*gemm.*train.*\n$/],
  [
    ['train', '--model', 'nowhere', '--data', 'starter'],
    'hone: There is no model folder nowhere; a model is starter, a folder, hf:OWNER/NAME, the address of a folder, or random:FOLDER.\n',
  ],
  [['evaluate', '--against', 'nowhere'], 'hone: nowhere holds no evaluation (evaluation.json is missing).\n'],
])('%j fails with one sentence', (args, sentence) => {
  const { status, stdout, stderr } = hone(...args)
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
  if (typeof sentence === 'string') expect(stderr).toBe(sentence)
  else expect(stderr).toMatch(sentence)
})

const adapter = adaptersUnderTest().found[0]

test.skipIf(adapter === undefined)('a run killed without warning ends as the one that was left alone', async () => {
  const model = `random:${tinyModelFolder()}`
  const settings = [
    '--trainable',
    'all',
    '--tokens_per_batch',
    '256',
    '--steps',
    '24',
    '--checkpoint-every',
    '4',
    '--adapter',
    adapter ?? '',
    '--json',
  ]
  const wordsFor = (out: string): string[] => [
    'train',
    '--algorithm',
    'sft',
    '--model',
    model,
    '--data',
    'starter-corpus',
    '--out',
    out,
    ...settings,
  ]
  const outcome = z.object({
    steps: z.literal(24),
    loss: z.array(z.number()).length(24),
    sha256: z.string(),
    peakBytes: z.int(),
    predictedBytes: z.int(),
  })

  const whole = hone(...wordsFor(temporaryDirectory()))
  expect(whole.status).toBe(0)
  expect(whole.stdout.trim().split('\n')).toHaveLength(1)
  const expected = outcome.parse(JSON.parse(whole.stdout))

  const directory = temporaryDirectory()
  const child = spawn(process.execPath, [...launcher, ...wordsFor(directory)], { stdio: 'ignore' })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  while (!existsSync(join(directory, 'checkpoint.1')) && child.exitCode === null) await setTimeout(20)
  child.kill('SIGKILL')
  await ended
  expect(existsSync(join(directory, 'model.safetensors'))).toBe(false)

  expect(hone(...wordsFor(directory)).stderr).toContain('holds an unfinished run: resume it with --resume')
  const resumed = hone(...wordsFor(directory), '--resume')
  expect(resumed.status).toBe(0)
  const { loss, sha256 } = outcome.parse(JSON.parse(resumed.stdout))
  expect(loss).toEqual(expected.loss)
  expect(sha256).toBe(expected.sha256)
})

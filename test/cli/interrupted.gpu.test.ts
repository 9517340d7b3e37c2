/** Ctrl-C during `hone train`: the run is paused, what it did is stored, a sentence says how to go on, and the exit code is 130. A second Ctrl-C ends it at once. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryDirectory, tinyModelFolder } from './commandContext'
import { isAdapterForProcesses, isAt, metricsOf, recordIn, trainInProcess, weightsOf } from './trainProcess'

const STEPS = 6
const PAUSING = 'Pausing: the step under way is finished and stored first.'

/** Checkpoints are far apart: what is stored is the pause's. */
const wordsOf = (model: string): string[] => [
  ...['--algorithm', 'steptool-ppo', '--model', `random:${model}`, '--data', 'starter', '--seed', '5'],
  ...['--steps', String(STEPS), '--max-calls', '2', '--learning_rate', '0.01', '--checkpoint-every', '100', '--no-preflight'],
  ...['--batch_size', '2', '--mini_batch_size', '1', '--gradient_accumulation_steps', '1', '--ppo_epochs', '2'],
  ...['--value_head_init', 'torch'],
]

test.runIf(isAdapterForProcesses)('Ctrl-C pauses the run after the step under way; --resume ends as if nobody had pressed it', async () => {
  const directory = temporaryDirectory()
  const [whole, paused] = [join(directory, 'whole'), join(directory, 'paused')]
  const words = wordsOf(tinyModelFolder())
  expect(await trainInProcess([...words, '--out', whole]).ended).toMatchObject({ code: 0 })

  const { child, ended } = trainInProcess([...words, '--out', paused])
  await expect.poll(() => isAt(paused, child.pid, 1), { timeout: 100_000, interval: 5 }).toBe(true)
  child.kill('SIGINT')
  const { code, said } = await ended
  expect(code).toBe(130)
  const { status, steps_done, checkpoint } = recordIn(paused)
  expect(status).toBe('paused')
  expect(steps_done).toBeGreaterThan(0)
  expect(steps_done).toBeLessThan(STEPS)
  expect(checkpoint).toEqual({ step: steps_done, of: STEPS })
  expect(said).toContain(PAUSING)
  expect(said.trimEnd().split('\n').at(-1)).toBe(
    `hone: The run is paused after step ${steps_done} of ${STEPS}, which is stored in ${paused}. Run the same command with --resume --out ${paused} to go on.`,
  )
  expect(existsSync(join(paused, 'run.lock'))).toBe(false)

  expect(await trainInProcess([...words, '--out', paused, '--resume']).ended).toMatchObject({ code: 0 })
  expect(recordIn(paused).notes).toContain(`It was resumed after step ${steps_done}.`)
  expect(metricsOf(paused)).toEqual(metricsOf(whole))
  expect(weightsOf(paused)).toBe(weightsOf(whole))
})

test.runIf(isAdapterForProcesses)('a second Ctrl-C ends the process at once', async () => {
  const out = join(temporaryDirectory(), 'run')
  const words = [...wordsOf(tinyModelFolder()), '--out', out]
  const { child, ended } = trainInProcess(words)
  let said = ''
  child.stderr?.on('data', (text: Buffer) => {
    said += text.toString()
    if (said.includes(PAUSING)) child.kill('SIGINT')
  })
  await expect.poll(() => isAt(out, child.pid, 1), { timeout: 100_000, interval: 5 }).toBe(true)
  child.kill('SIGINT')
  const twice = await ended
  expect(twice.code).toBe(130)
  expect(twice.said).not.toContain('hone: ')
  expect(existsSync(join(out, 'run.lock'))).toBe(false)
})

/**
 * `hone train` in a process of its own that is killed with SIGKILL and resumed: metrics and weights are those of the run nobody touched. A
 * second process beside a working one is refused. `npm run test:deep` kills twenty times for each of two methods.
 */
import { existsSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createRng } from '../../src/base/random'
import { temporaryDirectory, tinyModelFolder } from './commandContext'
import { isAdapterForProcesses, isAt, metricsOf, recordIn, trainInProcess, weightsOf } from './trainProcess'

const STEPS = 8
/** Steps that are reported before each kill; it comes up to so many milliseconds later, in a rollout, an update or a checkpoint. */
const KILLED_AFTER = [1, 4]
const MOST_MS = 300

test.runIf(isAdapterForProcesses)(
  'SIGKILL and --resume, again and again: the same metrics, each step once, and the same weights',
  async () => {
    const directory = temporaryDirectory()
    const [whole, killed] = [join(directory, 'whole'), join(directory, 'killed')]
    const words = [
      ...['--algorithm', 'steptool-ppo', '--model', `random:${tinyModelFolder()}`, '--data', 'starter', '--seed', '5'],
      ...['--steps', String(STEPS), '--max-calls', '2', '--learning_rate', '0.01', '--checkpoint-every', '2', '--no-preflight'],
      ...[
        '--batch_size',
        '2',
        '--mini_batch_size',
        '1',
        '--gradient_accumulation_steps',
        '1',
        '--ppo_epochs',
        '2',
        '--value_head_init',
        'torch',
      ],
    ]
    expect(await trainInProcess([...words, '--out', whole]).ended).toMatchObject({ code: 0 })
    const rng = createRng(7, 92)
    let kills = 0
    for (const [index, after] of KILLED_AFTER.entries()) {
      const { child, ended } = trainInProcess([...words, '--out', killed, '--resume'])
      await expect.poll(() => isAt(killed, child.pid, after), { timeout: 100_000, interval: 5 }).toBe(true)
      if (index === 1) {
        // It is at work, and cannot come to its end meanwhile: nobody else may work on it.
        child.kill('SIGSTOP')
        const second = await trainInProcess([...words, '--out', killed, '--resume']).ended
        expect(second.code).toBe(1)
        expect(second.said).toMatch(
          new RegExp(`\nhone: This run is at work in process ${child.pid ?? 0} on ${hostname()}, since [\\d: -]+ UTC\\.\n$`),
        )
      }
      child.kill('SIGCONT')
      await new Promise((resolve) => setTimeout(resolve, MOST_MS * rng.uniform()))
      child.kill('SIGKILL')
      // A fast GPU may be at the end before the kill comes.
      const wasKilled = (await ended).code === null
      expect(existsSync(join(killed, 'run.lock'))).toBe(wasKilled)
      kills += Number(wasKilled)
    }
    expect(kills).toBeGreaterThan(0)
    expect(await trainInProcess([...words, '--out', killed, '--resume']).ended).toMatchObject({ code: 0 })
    expect(metricsOf(killed)).toEqual(metricsOf(whole))
    expect(metricsOf(killed).map(([step]) => step)).toEqual(Array.from({ length: STEPS }, (_, step) => step))
    expect(weightsOf(killed)).toBe(weightsOf(whole))
    const { status, notes } = recordIn(killed)
    expect(status).toBe('finished')
    expect(notes.filter((note) => note.endsWith('was taken over: that process has ended.'))).toHaveLength(kills)
    expect(notes.filter((note) => /damaged/.test(note))).toEqual([])
    expect(existsSync(join(killed, 'run.lock'))).toBe(false)
  },
)

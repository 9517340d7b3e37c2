/**
 * `hone train` in a process of its own that is killed with SIGKILL and resumed: metrics and weights are those of the run nobody touched. A
 * second process beside a working one is refused. `npm run test:deep` kills twenty times for each of two methods.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createRng } from '../../src/base/random'
import { runRecord } from '../../src/records/run'
import { adaptersUnderTest } from '../support/adapters'
import { adapterUnderTest } from '../support/gpu'
import { projectRoot } from '../support/sources'
import { storedMetrics } from '../support/storedMetrics'
import { temporaryDirectory, tinyModelFolder } from './commandContext'

const STEPS = 8
/** Steps that are reported before each kill; it comes up to so many milliseconds later, in a rollout, an update or a checkpoint. */
const KILLED_AFTER = [1, 4]
const MOST_MS = 300

interface Ended {
  readonly code: number | null
  readonly said: string
}

function train(words: readonly string[]): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
  const child = spawn(process.execPath, ['src/cli/launch.js', 'hone', 'train', ...words, '--adapter', adapterUnderTest(), '--json'], {
    cwd: projectRoot,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', (text: Buffer) => (said += text.toString()))
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      resolve({ code, said })
    })
  })
  return { child, ended }
}

/** Every metric of every step, but speeds. */
const metricsOf = (directory: string) =>
  storedMetrics(directory).map(({ step, metrics }) => [step, Object.entries(metrics).filter(([name]) => !name.startsWith('perf/'))])
const weightsOf = (directory: string): string =>
  createHash('sha256')
    .update(readFileSync(join(directory, 'adapter_model.safetensors')))
    .digest('hex')
const recordIn = (directory: string) => runRecord.parse(JSON.parse(readFileSync(join(directory, 'run.json'), 'utf8')))
/** Whether the process works on the run, and so many steps of it were reported. */
function isAt(directory: string, pid: number | undefined, steps: number): boolean {
  const [lock, metrics] = ['run.lock', 'metrics.jsonl'].map((name) => join(directory, name))
  if (!lock || !metrics || !existsSync(lock) || !existsSync(metrics)) return false
  return readFileSync(lock, 'utf8').includes(`"pid":${String(pid)},`) && readFileSync(metrics, 'utf8').split('\n').length - 1 >= steps
}

/** Killing is the process's own business: one adapter stands for all, the faster of the software ones. */
const { found } = adaptersUnderTest()
const chosen = found.includes('lavapipe') ? 'lavapipe' : found[0]

test.runIf(adapterUnderTest() === chosen)(
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
    expect(await train([...words, '--out', whole]).ended).toMatchObject({ code: 0 })
    const rng = createRng(7, 92)
    let kills = 0
    for (const [index, after] of KILLED_AFTER.entries()) {
      const { child, ended } = train([...words, '--out', killed, '--resume'])
      await expect.poll(() => isAt(killed, child.pid, after), { timeout: 100_000, interval: 5 }).toBe(true)
      if (index === 1) {
        // It is at work, and cannot come to its end meanwhile: nobody else may work on it.
        child.kill('SIGSTOP')
        const second = await train([...words, '--out', killed, '--resume']).ended
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
    expect(await train([...words, '--out', killed, '--resume']).ended).toMatchObject({ code: 0 })
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

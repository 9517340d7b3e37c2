/**
 * Twenty kills of one online run of each method, and twenty goings-on: metrics, labels, and the adapter's bytes are those of the run nobody
 * touched. In the studio, where faults strike device and store at counted moments; and on the command line, where the process is killed.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createRng } from '../../src/base/random'
import { temporaryDirectory, tinyModelFolder } from '../cli/commandContext'
import { ChaosRun, drawFaults, FAULTS } from '../studio/chaos'
import { chaosRequests } from '../studio/chaosRequests'
import { projectRoot } from '../support/sources'
import { learnAdapter } from '../learn/honeRun'
import { storedMetrics } from '../support/storedMetrics'

const KILLS = 20
/** So many that a run is still at work when its last kill comes: one costs about as much as it gained, and GRPO is kept every other step. */
const STEPS = { 'steptool-ppo': 14, grpo: 22 }
process.env.HONE_ADAPTER ??= learnAdapter

describe.each(['steptool-ppo', 'grpo'] as const)('%s in the studio', (algorithm) => {
  it(`ends as it would have after ${KILLS} kills`, async () => {
    const say = (line: string): void => void process.stdout.write(`${algorithm}: ${line}\n`)
    const run = new ChaosRun(join(temporaryDirectory(), algorithm), chaosRequests(STEPS[algorithm])[algorithm], ({ kind, where, from }) => {
      say(`${kind} during ${where}; goes on after step ${from}`)
    })
    try {
      const whole = await run.uninterrupted()
      expect(Object.values(whole.metrics).flat().length).toBeGreaterThan(200)
      const { outcome, kills } = await run.through(drawFaults(algorithm === 'grpo' ? 2 : 3, KILLS))
      for (const kind of FAULTS) expect(kills.filter((kill) => kill.kind === kind)).toHaveLength(KILLS / FAULTS.length)
      expect(outcome).toEqual(whole)
      say(`${kills.length} kills, ${whole.metrics['num_tokens']?.length ?? 0} steps, all the same`)
    } finally {
      run.close()
    }
  })
})

/** `hone train`; killed with SIGKILL after `ms`, unless it is over before. */
function train(words: readonly string[], ms: number | null): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['src/cli/launch.js', 'hone', 'train', ...words, '--adapter', learnAdapter, '--json'], {
      cwd: projectRoot,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const timer = ms === null ? null : setTimeout(() => child.kill('SIGKILL'), ms)
    child.on('error', reject)
    child.on('close', (code) => {
      if (timer) clearTimeout(timer)
      resolve(code)
    })
  })
}

/** Every metric of every step, but speeds. */
const lines = (directory: string): string =>
  JSON.stringify(
    storedMetrics(directory).map(({ step, metrics }) => [step, Object.entries(metrics).filter(([name]) => !name.startsWith('perf/'))]),
  )
const weights = (directory: string): string =>
  createHash('sha256')
    .update(readFileSync(join(directory, 'adapter_model.safetensors')))
    .digest('hex')

const ppo = ['--batch_size', '2', '--mini_batch_size', '1', '--gradient_accumulation_steps', '1', '--ppo_epochs', '2']
const grpo = ['--generation_batch_size', '4', '--num_generations', '2', '--steps_per_generation', '2', '--beta', '0.05']

describe.each([
  ['steptool-ppo', [...ppo, '--value_head_init', 'torch']],
  ['grpo', grpo],
] as const)('%s on the command line', (algorithm, settings) => {
  it(`ends as it would have after ${KILLS} times SIGKILL`, async () => {
    const directory = temporaryDirectory()
    const whole = join(directory, 'whole')
    const shared = ['--algorithm', algorithm, '--model', `random:${tinyModelFolder()}`, '--data', 'starter', '--seed', '5', '--steps', '60']
    const words = [...shared, '--max-calls', '2', '--learning_rate', '0.01', '--checkpoint-every', '2', ...settings]
    const started = Date.now()
    expect(await train([...words, '--out', whole], null)).toBe(0)
    const took = Date.now() - started
    const rng = createRng(4, 91)
    let kills = 0
    // A machine that got faster meanwhile may finish a run before its kills are used up: then another one is killed.
    for (let runs = 1; kills < KILLS; runs++) {
      const killed = join(directory, `killed-${runs}`)
      for (;;) {
        // The start takes its time too: kills come anywhere between nothing done and half of it.
        const code = await train([...words, '--out', killed, '--resume'], kills < KILLS ? took * 0.5 * rng.uniform() : null)
        if (code === null) kills += 1
        else {
          expect(code).toBe(0)
          break
        }
      }
      process.stdout.write(`${algorithm}: SIGKILL ${kills} times\n`)
      expect(lines(killed)).toBe(lines(whole))
      expect(weights(killed)).toBe(weights(whole))
    }
  })
})

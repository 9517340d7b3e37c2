/** `hone train` in a process of its own, and what its directory holds. */
import { spawn, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runRecord, type RunRecord } from '../../src/records/run'
import { adaptersUnderTest } from '../support/adapters'
import { adapterUnderTest } from '../support/gpu'
import { projectRoot } from '../support/sources'
import { storedMetrics } from '../support/storedMetrics'

export interface Ended {
  readonly code: number | null
  readonly said: string
}

export function trainInProcess(words: readonly string[]): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
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
export const metricsOf = (directory: string) =>
  storedMetrics(directory).map(({ step, metrics }) => [step, Object.entries(metrics).filter(([name]) => !name.startsWith('perf/'))])

export const weightsOf = (directory: string): string =>
  createHash('sha256')
    .update(readFileSync(join(directory, 'adapter_model.safetensors')))
    .digest('hex')

export const recordIn = (directory: string): RunRecord => runRecord.parse(JSON.parse(readFileSync(join(directory, 'run.json'), 'utf8')))

/** Whether the process works on the run, and so many steps of it were reported. */
export function isAt(directory: string, pid: number | undefined, steps: number): boolean {
  const [lock, metrics] = ['run.lock', 'metrics.jsonl'].map((name) => join(directory, name))
  if (!lock || !metrics || !existsSync(lock) || !existsSync(metrics)) return false
  return readFileSync(lock, 'utf8').includes(`"pid":${String(pid)},`) && readFileSync(metrics, 'utf8').split('\n').length - 1 >= steps
}

/** Signals are the process's own business: one adapter stands for all, the faster of the software ones. */
const { found } = adaptersUnderTest()
export const isAdapterForProcesses = adapterUnderTest() === (found.includes('lavapipe') ? 'lavapipe' : found[0])

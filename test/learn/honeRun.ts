/**
 * Runs of the command line for the long tests. A finished run is used again and an unfinished one is resumed, so that a test of hours can
 * be interrupted: everything lies under `.hone/learn/<adapter>/`. A run that other sources or another command made is removed and done again:
 * the file `<name>.sources` beside it holds their fingerprint.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { runRecord } from '../../src/records/run'
import { adaptersUnderTest } from '../support/adapters'
import { sourceFingerprint } from '../support/fingerprint'
import { projectRoot } from '../support/sources'

/** lavapipe where it is: of the software adapters the faster one. `HONE_ADAPTERS=default` asks for the system's GPU. */
export const learnAdapter = adaptersUnderTest().found.find((name) => name !== 'swiftshader') ?? 'swiftshader'
const home = join(projectRoot, '.hone/learn', learnAdapter)
export const placeOf = (name: string): string => join(home, name)

/** Runs `hone WORDS --json`; its progress goes to the terminal. */
function hone(words: readonly string[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const args = ['src/cli/launch.js', 'hone', ...words, '--adapter', learnAdapter, '--json']
    const child = spawn(process.execPath, args, { cwd: projectRoot, stdio: ['ignore', 'pipe', 'inherit'] })
    let out = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
    child.on('error', reject)
    child.on('close', (code) => {
      if (code !== 0) reject(new Error(`hone ${words.join(' ')} ended with ${String(code)}: ${out}`))
      else resolve(JSON.parse(out.trim().split('\n').at(-1) ?? ''))
    })
  })
}

/** Removes what other sources or another command left at `out`, and writes down what will make it now. */
function removeIfStale(out: string, words: readonly string[]): void {
  const stamp = `${out}.sources`
  const fingerprint = sourceFingerprint(words)
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint) return
  rmSync(out, { recursive: true, force: true })
  mkdirSync(dirname(out), { recursive: true })
  writeFileSync(stamp, fingerprint)
}

/** Trains once; later calls find the adapter. Returns its directory. */
export async function trainedOnce(name: string, words: readonly string[]): Promise<string> {
  const out = placeOf(name)
  removeIfStale(out, words)
  const record = join(out, 'run.json')
  const finished = existsSync(record) && runRecord.parse(JSON.parse(readFileSync(record, 'utf8'))).status === 'finished'
  if (!finished) await hone(['train', ...words, '--out', out, '--resume', '--checkpoint-every', '2'])
  return out
}

/** The JSON a command printed, kept beside what it wrote. */
export async function once(name: string, words: readonly string[]): Promise<unknown> {
  const out = placeOf(name)
  removeIfStale(out, words)
  const kept = join(out, 'printed.json')
  if (!existsSync(kept)) {
    const printed = await hone([...words, '--out', out])
    mkdirSync(dirname(kept), { recursive: true })
    writeFileSync(kept, JSON.stringify(printed))
  }
  return JSON.parse(readFileSync(kept, 'utf8'))
}

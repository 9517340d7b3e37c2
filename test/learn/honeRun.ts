/**
 * Runs of the command line for the long tests. What is finished is not done again and what was cut off goes on, so that a test of hours can
 * be interrupted: everything stands under `.hone/learn/<adapter>/`. Delete that folder to measure afresh.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { resolveRewards } from '../../src/annotation/resolver'
import { annotateByWorld } from '../../src/annotation/rules'
import { createRng } from '../../src/base/random'
import { bootstrapMean, mean } from '../../src/base/stats'
import { runRecord } from '../../src/records/run'
import { trajectory, type Trajectory } from '../../src/records/trajectory'
import { adaptersUnderTest } from '../support/adapters'
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

/** Trains once; later calls find the adapter. Returns its directory. */
export async function trainedOnce(name: string, words: readonly string[]): Promise<string> {
  const out = placeOf(name)
  const record = join(out, 'run.json')
  const finished = existsSync(record) && runRecord.parse(JSON.parse(readFileSync(record, 'utf8'))).status === 'finished'
  if (!finished) await hone(['train', ...words, '--out', out, '--resume', '--checkpoint-every', '2'])
  return out
}

/** The JSON a command printed, kept beside what it wrote. */
export async function once(name: string, words: readonly string[]): Promise<unknown> {
  const out = placeOf(name)
  const kept = join(out, 'printed.json')
  if (!existsSync(kept)) {
    const printed = await hone([...words, '--out', out])
    mkdirSync(dirname(kept), { recursive: true })
    writeFileSync(kept, JSON.stringify(printed))
  }
  return JSON.parse(readFileSync(kept, 'utf8'))
}

export function readTrajectories(path: string): Trajectory[] {
  const line = z.object({ trajectory })
  return readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((text) => line.parse(JSON.parse(text)).trajectory)
}

let made = 0
const rowParts = { newId: (prefix: string): string => `${prefix}-${(made += 1)}`, now: (): string => '2026-01-01T00:00:00.000Z' }

/** Mean reward of the labelled steps of each query, by the world's own labels. */
export function stepRewardByQuery(trajectories: readonly Trajectory[]): Map<string, number> {
  const rewards = new Map<string, number[]>()
  for (const one of trajectories) {
    const own = resolveRewards(one, annotateByWorld(one, [], rowParts)).flatMap(({ value }) => (value === null ? [] : [value]))
    rewards.set(one.query_id, [...(rewards.get(one.query_id) ?? []), ...own])
  }
  return new Map([...rewards].map(([query, values]) => [query, mean(values)]))
}

/** Practice queries, tried twice each at the temperature they are trained at, with the same random numbers before and after. */
const probe = ['rollout', '--split', 'practice', '--limit', '160', '--samples', '2', '--temperature', '1', '--seed', '100']

/** How much larger the share of solved attempts is with the adapter, over the same queries. */
export async function passGain(name: string, adapter: string): Promise<ReturnType<typeof bootstrapMean>> {
  const solved = async (run: string, lora: readonly string[]): Promise<Map<string, number>> => {
    await once(run, [...probe, ...lora])
    const shares = new Map<string, number[]>()
    for (const { query_id, status } of readTrajectories(join(placeOf(run), 'trajectories.jsonl')))
      shares.set(query_id, [...(shares.get(query_id) ?? []), status === 'solved' ? 1 : 0])
    return new Map([...shares].map(([query, values]) => [query, mean(values)]))
  }
  const before = await solved('probe-before', [])
  const after = await solved(`${name}-after`, ['--lora', adapter])
  if (after.size !== before.size) throw new Error(`${after.size} queries after, ${before.size} before`)
  const found = bootstrapMean(
    [...after].map(([query, value]) => value - (before.get(query) ?? Number.NaN)),
    createRng(100, 1),
  )
  process.stdout.write(`${name}: pass rate ${found.mean.toFixed(3)} [${found.low.toFixed(3)}, ${found.high.toFixed(3)}]\n`)
  return found
}

/**
 * `npm test`: makes sure a Chrome is there, then runs every kind of test, one kind after the other, and sums up. GPU tests run in two processes
 * at once: most of their time one thread compiles kernels while the other cores rest. So do two files of end-to-end tests.
 * `npm test -- unit gpu` runs only these kinds; other words go to Vitest (`npm test -- unit records`). The kind `deep` runs only where it is named.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import { z } from 'zod'
import { findChrome } from '../../src/cli/node/chrome.ts'
import { adaptersUnderTest, adapterSummary, runsWholeCommandsDeep } from './adapters.ts'

interface Stage {
  readonly kind: 'unit' | 'gpu' | 'e2e' | 'deep'
  /** Vitest project. */
  readonly project: string
  /** The part of the project's files it runs, as Vitest writes it: "1/4". */
  readonly shard?: string
}
interface Outcome {
  readonly stage: Stage
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  /** When it began, and when it had ended, in ms. */
  readonly from: number
  readonly to: number
  /** A line for each failure: what failed, and the first line of what it said. */
  readonly failures: readonly string[]
}

/** Compiling is what takes long, the more so where a driver has kept nothing of it: parts leave neither of two processes idle for long at the end. */
const SHARDS: Readonly<Record<string, number>> = { 'gpu:swiftshader': 4, 'gpu:lavapipe': 2 }
const AT_ONCE = 2

const say = (line: string): void => void process.stdout.write(`${line}\n`)

export async function runTests(projectRoot: string, words: readonly string[]): Promise<number> {
  const chrome = findChrome() ?? installChrome()
  if (chrome === null) return 1
  say(`browser: ${chrome}`)
  const adapters = adaptersUnderTest()
  say(adapterSummary(adapters))

  const all: Stage[] = [
    { kind: 'unit', project: 'unit' },
    ...adapters.found.map((adapter): Stage => ({ kind: 'gpu', project: `gpu:${adapter}` })),
    { kind: 'e2e', project: 'e2e' },
    { kind: 'deep', project: 'deep' },
    ...adapters.found
      .filter((adapter) => runsWholeCommandsDeep(adapter, adapters.found))
      .map((adapter): Stage => ({ kind: 'deep', project: `deep:${adapter}` })),
  ]
  const kinds = words.filter((word) => all.some(({ kind }) => kind === word))
  const stages = kinds.length === 0 ? all.filter(({ kind }) => kind !== 'deep') : all.filter(({ kind }) => kinds.includes(kind))
  const filters = words.filter((word) => !kinds.includes(word))

  const outcomes: Outcome[] = []
  for (const kind of new Set(stages.map((stage) => stage.kind))) {
    const together = stages.filter((stage) => stage.kind === kind)
    const numbers = together.map((stage) => stages.indexOf(stage) + 1)
    say(`\n[${numbers.join(', ')}/${stages.length}] ${together.map(({ project }) => project).join(', ')}`)
    // The end-to-end tests, and some deep ones, use what a user gets: the built site and the built command line.
    const isReady = (kind !== 'e2e' && kind !== 'deep') || (await run(projectRoot, ['src/cli/launch.js', 'build'], 'inherit'))
    const unbuilt = together.map((stage) => ({
      ...{ stage, passed: 0, failed: 1, skipped: 0, from: 0, to: 0 },
      failures: [`${stage.project}: the build failed`],
    }))
    outcomes.push(...(isReady ? await runAtOnce(projectRoot, together, filters) : unbuilt))
  }
  return summarise(outcomes)
}

async function runAtOnce(projectRoot: string, stages: readonly Stage[], filters: readonly string[]): Promise<Outcome[]> {
  const parts = stages.flatMap(partsOf).sort((a, b) => Number(a.shard !== undefined) - Number(b.shard !== undefined))
  const output = parts.length > 1 ? 'lines' : 'inherit'
  const outcomes: Outcome[] = []
  const waiting = parts.values()
  const work = async (): Promise<void> => {
    for (const stage of waiting) outcomes.push(await runStage(projectRoot, stage, filters, output))
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return stages.map((stage) =>
    whole(
      stage,
      outcomes.filter((outcome) => outcome.stage.project === stage.project),
    ),
  )
}

const partsOf = (stage: Stage): Stage[] => {
  const count = SHARDS[stage.project] ?? 1
  return count === 1 ? [stage] : Array.from({ length: count }, (_, i) => ({ ...stage, shard: `${i + 1}/${count}` }))
}

function whole(stage: Stage, parts: readonly Outcome[]): Outcome {
  const sum = (key: 'passed' | 'failed' | 'skipped'): number => parts.reduce((total, part) => total + part[key], 0)
  const failures = parts.flatMap((part) => part.failures)
  const [from, to] = [Math.min(...parts.map((part) => part.from)), Math.max(...parts.map((part) => part.to))]
  return { stage, passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped'), from, to, failures }
}

async function runStage(projectRoot: string, stage: Stage, filters: readonly string[], output: Output): Promise<Outcome> {
  const folder = join(projectRoot, '.cache/tests')
  mkdirSync(folder, { recursive: true })
  const shard = stage.shard === undefined ? [] : [`--shard=${stage.shard}`]
  const report = join(folder, `${[stage.project, ...shard].join('-').replace(/[^\w-]+/g, '-')}.json`)
  rmSync(report, { force: true })
  const from = Date.now()
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const vitest = [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--project',
    stage.project,
    '--passWithNoTests',
    ...shard,
    ...reporters,
    ...filters,
  ]
  const ok = await run(projectRoot, vitest, output)
  const counts = readCounts(report)
  return {
    stage,
    passed: counts.numPassedTests,
    // A file that could not even be loaded has no failed test, but is a failure.
    failed: Math.max(counts.numFailedTests, ok ? 0 : 1),
    skipped: counts.numPendingTests + counts.numTodoTests,
    ...{ from, to: Date.now() },
    failures: failuresOf(projectRoot, stage, counts, ok),
  }
}

function failuresOf(projectRoot: string, stage: Stage, counts: z.output<typeof reportSchema>, ok: boolean): string[] {
  const lines = counts.testResults.flatMap(({ name, status, message, assertionResults }) => {
    const file = relative(projectRoot, name)
    const failed = assertionResults.filter((one) => one.status === 'failed')
    if (failed.length === 0 && status === 'failed') return [`${stage.project} ${file}: ${firstLine(message)}`]
    return failed.map((one) => `${stage.project} ${file}: ${one.fullName}: ${firstLine(one.failureMessages[0])}`)
  })
  return ok || lines.length > 0 ? lines : [`${stage.project}: Vitest ended with an error of its own`]
}

const firstLine = (message = ''): string => stripVTControlCharacters(message).split('\n')[0]?.slice(0, 300) ?? ''

const reportSchema = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
  numTodoTests: z.number(),
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string().optional(),
      assertionResults: z.array(z.object({ fullName: z.string(), status: z.string(), failureMessages: z.array(z.string()) })),
    }),
  ),
})

/** A run that crashed leaves no report. */
function readCounts(report: string): z.output<typeof reportSchema> {
  if (!existsSync(report)) return { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, testResults: [] }
  return reportSchema.parse(JSON.parse(readFileSync(report, 'utf8')))
}

function summarise(outcomes: readonly Outcome[]): number {
  say('')
  for (const line of outcomes.flatMap(({ failures }) => failures)) say(`FAILED ${line}`)
  for (const { stage, passed, failed, skipped, from, to } of outcomes) {
    say(
      `${stage.project.padEnd(16)} ${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''} (${Math.round((to - from) / 1000)} s)`,
    )
  }
  const sum = (key: 'passed' | 'failed'): number => outcomes.reduce((total, outcome) => total + outcome[key], 0)
  say(`${sum('passed')} passed, ${sum('failed')} failed`)
  return sum('failed') === 0 ? 0 : 1
}

/** On Debian as root it is installed; elsewhere the user is told what to install. */
function installChrome(): string | null {
  const isDebianRoot = existsSync('/etc/debian_version') && process.getuid?.() === 0
  if (isDebianRoot) {
    say('No Chrome or Chromium found: installing chromium with apt …')
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    for (const args of [['update'], ['install', '-y', '--no-install-recommends', 'chromium']]) {
      spawnSync('apt-get', ['-q', ...args], { stdio: ['ignore', 'inherit', 'inherit'], env })
    }
    const chrome = findChrome()
    if (chrome !== null) return chrome
  }
  const ways = 'Debian and Ubuntu: sudo apt install chromium; Fedora: sudo dnf install chromium; macOS: brew install --cask google-chrome'
  process.stderr.write(`The tests need Chrome or Chromium (${ways}); HONE_CHROMIUM may point at one elsewhere.\n`)
  return null
}

/** `lines`: each as it ends, so that those of several programs do not mix. */
type Output = 'inherit' | 'lines'

/** True when it ended well. */
function run(projectRoot: string, args: readonly string[], output: Output): Promise<boolean> {
  const stdio = output === 'inherit' ? 'inherit' : 'pipe'
  const child = spawn(process.execPath, args, { cwd: projectRoot, stdio: ['ignore', stdio, stdio] })
  const forward = (from: Readable | null, to: NodeJS.WriteStream): void => {
    if (from) createInterface({ input: from }).on('line', (line) => to.write(`${line}\n`))
  }
  forward(child.stdout, process.stdout)
  forward(child.stderr, process.stderr)
  return new Promise((resolve, reject) => child.once('error', reject).once('close', (code) => resolve(code === 0)))
}

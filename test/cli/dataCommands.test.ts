/** Commands that need no GPU: what is there, what a file holds, labels, exports. */
import { readFileSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { annotate } from '../../src/cli/commands/annotate'
import { describe as describeCommand } from '../../src/cli/commands/describe'
import { exportFiles } from '../../src/cli/commands/export'
import { importFiles } from '../../src/cli/commands/import'
import { environments } from '../../src/environments'
import { benchmarks } from '../../src/evaluation/benchmarks'
import { sampleCsv } from '../../src/data/sampleCsv'
import { writeAdapter } from '../../src/models/weights/peft'
import { openFolderStore } from '../../src/storage/folderStore'
import type { RunRecord } from '../../src/records/run'
import { aRun, anOpinion, trajectoryOf } from '../support/builders'
import { run, temporaryDirectory, testContext } from './commandContext'

const { context, said } = testContext()

function sampleFile(text = sampleCsv(), name = 'sample.csv'): string {
  const path = join(temporaryDirectory(), name)
  writeFileSync(path, text)
  return path
}

test('describe lists every catalogue by name', async () => {
  const lists = z.record(z.string(), z.array(z.string())).parse(await run(describeCommand, [], context))
  expect(Object.keys(lists)).toEqual([
    'algorithms',
    'formats',
    'architectures',
    'environments',
    'benchmarks',
    'strategies',
    'callFormats',
    'ops',
  ])
  expect([lists.environments, lists.benchmarks]).toEqual([Object.keys(environments), Object.keys(benchmarks)])
  for (const name of ['sft', 'rft', 'ppo', 'steptool-ppo']) expect(lists.algorithms).toContain(name)
  expect(lists.ops).toContain('rmsNorm')
  expect(describeCommand.show(lists)).toMatch(/^algorithms +sft rft ppo steptool-ppo/)
})

test('import says what a file holds, and what is wrong with it', async () => {
  const good = sampleFile()
  const rows = sampleCsv().split('\n')
  const bad = sampleFile([...rows.slice(0, 2), 'no list\tat all\t[1]', ...rows.slice(2)].join('\n'))
  const result = await run(importFiles, [good, bad], context)
  const report = z.object({
    files: z.array(
      z.object({
        file: z.string(),
        format: z.string(),
        rows: z.int(),
        trajectories: z.int(),
        steps: z.int(),
        warnings: z.array(z.string()),
      }),
    ),
  })
  const [first, second] = report.parse(result).files
  expect(first).toMatchObject({ file: good, format: 'steptoolCsv', warnings: [] })
  expect(second).toMatchObject({ trajectories: first?.trajectories, rows: (first?.rows ?? 0) + 1 })
  expect(second?.warnings).toHaveLength(1)
  expect(second?.warnings[0]).toMatch(/^sample\.csv, row 3, column prompt: expected .* found .*\. This row was left out/)
  expect(importFiles.show(result)).toContain(`${good}: steptoolCsv, `)
})

test.each([
  [['missing.csv'], 'There is no file missing.csv.'],
  [['.'], '. is not a file.'],
  [[], 'import needs at least one of files.'],
])('import %j fails in one sentence', async (words, sentence) => {
  await expect(async () => run(importFiles, words, context)).rejects.toThrow(sentence)
})

test('import of a file nobody knows fails with what was expected and found', async () => {
  await expect(run(importFiles, [sampleFile('hello there', 'notes.txt')], context)).rejects.toThrow(
    /^notes\.txt: expected StepTool .*, found a file that begins with "hello there"\. Nothing was imported\.$/,
  )
})

test('annotate adds opinions to those of the file, export writes StepTool’s file back', async () => {
  const source = sampleFile()
  const out = join(temporaryDirectory(), 'labelled.jsonl')
  const counts = z
    .object({ trajectories: z.int(), steps: z.int(), opinions: z.int() })
    .parse(await run(annotate, ['--by', 'rules', source, '--out', out], context))
  expect(counts.opinions).toBeGreaterThan(counts.trajectories)
  expect(readFileSync(out, 'utf8').trim().split('\n')).toHaveLength(counts.trajectories)
  const read = await run(importFiles, [out], context)
  expect(read).toMatchObject({ files: [{ format: 'honeJsonl', trajectories: counts.trajectories, steps: counts.steps, warnings: [] }] })

  // The imported rewards come before the rules': the file is the one it was.
  const back = join(temporaryDirectory(), 'back.csv')
  const written = await run(exportFiles, ['--to', 'steptool-csv', out, '--out', back], context)
  expect(written).toEqual({ files: [back], trajectories: counts.trajectories, skipped: [] })
  expect(readFileSync(back, 'utf8')).toBe(sampleCsv())
})

test('annotate --by judge says what it lacks, and why a server refused', async () => {
  const words = ['--by', 'judge', sampleFile(), '--out', join(temporaryDirectory(), 'x.jsonl')]
  await expect(run(annotate, words, context)).rejects.toThrow('annotate --by judge needs --judge-model.')
  const refusing = testContext({ fetch: async () => new Response('', { status: 401 }) })
  await expect(run(annotate, [...words, '--judge-model', 'm', '--base-url', 'http://localhost:9'], refusing.context)).rejects.toThrow(
    /^localhost:9 refused the key/,
  )
})

/** What a judge answers about so many steps. */
const judgement = (steps: number): Response => {
  const args = {
    succeed_tool_calling: Array(steps).fill(1),
    contribution_to_final_answer: Array(steps).fill(4),
    final_answer_status: 'Solved',
  }
  const call = { id: '1', function: { name: 'evaluate_process_reward', arguments: JSON.stringify(args) } }
  return Response.json({ choices: [{ message: { content: '', tool_calls: [call] }, finish_reason: 'tool_calls' }] })
}

test('annotate --by judge keeps what the judge said', async () => {
  const judged = testContext({
    fetch: async (_url, init) => judgement(Number(/with exactly (\d+) numbers/.exec(typeof init?.body === 'string' ? init.body : '')?.[1])),
  })
  const out = join(temporaryDirectory(), 'judged.jsonl')
  const words = [
    '--by',
    'judge',
    '--judge-model',
    'judge-1',
    '--base-url',
    'http://localhost:9',
    '--repeats',
    '2',
    sampleFile(),
    '--out',
    out,
  ]
  const result = z
    .object({ trajectories: z.int(), steps: z.int(), opinions: z.int(), failures: z.array(z.string()) })
    .parse(await run(annotate, words, judged.context))
  expect(result.failures).toEqual([])
  // Success and contribution of every step but the last, the status of that; twice.
  expect(result.opinions).toBe(2 * (2 * (result.steps - result.trajectories) + result.trajectories))
  expect(readFileSync(out, 'utf8')).toContain('"annotator_id":"judge-1"')
})

test('export leaves out what StepTool’s file cannot hold, and says so', async () => {
  const source = sampleFile()
  const labelled = join(temporaryDirectory(), 'some.jsonl')
  await run(exportFiles, ['--to', 'hone-jsonl', source, '--out', labelled], context)
  const lines = readFileSync(labelled, 'utf8').trim().split('\n')
  const entry = z.looseObject({ opinions: z.array(z.unknown()) })
  const first = entry.parse(JSON.parse(lines[0] ?? ''))
  writeFileSync(labelled, [JSON.stringify({ ...first, opinions: first.opinions.slice(1) }), ...lines.slice(1)].join('\n'))
  const out = join(temporaryDirectory(), 'out.csv')
  expect(await run(exportFiles, ['--to', 'steptool-csv', labelled, '--out', out], context)).toMatchObject({
    trajectories: lines.length - 1,
    skipped: [{ reason: 'Step 1 has no reward.' }],
  })
  expect(said.at(-1)).toMatch(/ was left out: Step 1 has no reward\.$/)
})

test('export --to peft reads an adapter and writes it again', async () => {
  const directory = temporaryDirectory()
  const matrix = { a: Float32Array.of(1, 2, 3, 4), b: Float32Array.of(5, 6), inFeatures: 4, outFeatures: 2 }
  const modules = new Map([['model.layers.0.self_attn.q_proj', matrix]])
  for (const [name, bytes] of writeAdapter({ rank: 1, alpha: 2, dropout: 0, useRslora: false, baseModel: 'here', revision: null, modules }))
    writeFileSync(join(directory, name), bytes)
  const out = join(temporaryDirectory(), 'peft')
  const { files } = z
    .object({ files: z.array(z.string()) })
    .parse(await run(exportFiles, ['--to', 'peft', directory, '--out', out, '--base-model', 'org/model'], context))
  expect(files.map((file) => file.slice(out.length + 1))).toEqual(['adapter_config.json', 'adapter_model.safetensors', 'README.md'])
  expect(readFileSync(join(out, 'adapter_model.safetensors'))).toEqual(readFileSync(join(directory, 'adapter_model.safetensors')))
  expect(JSON.parse(readFileSync(join(out, 'adapter_config.json'), 'utf8'))).toMatchObject({
    base_model_name_or_path: 'org/model',
    r: 1,
    lora_alpha: 2,
  })
  await expect(run(exportFiles, ['--to', 'peft', temporaryDirectory(), '--out', out], context)).rejects.toThrow(
    'file missing: adapter_config.json',
  )
})

test('the practice of a run is a source of data by the run’s id and by its directory, with its labels', async () => {
  // A directory outside the home, as --out names it.
  const directory = join(temporaryDirectory(), 'one')
  const store = openFolderStore(context.homeDirectory)
  await store.folders.place('run-one', 'train', directory)
  await store.runs.put(aRun('run-one'))
  const attempt = trajectoryOf([{ completion: 'c' }], { trajectory_id: 'run-one/practice-0000-q-1', query: 'How far?' })
  const exam = { ...attempt, trajectory_id: 'run-one/before-q', task: { ...attempt.task, split: 'exam' } }
  await store.trajectories.put({ run_id: 'run-one' }, [{ ...attempt, task: { ...attempt.task, split: 'practice' } }, exam])
  await store.opinions.add([anOpinion('op-1', attempt.trajectory_id, 0.25)])
  await store.close()
  for (const word of ['run:run-one', `run:${directory}`]) {
    const out = join(temporaryDirectory(), 'practice.jsonl')
    await run(exportFiles, [word, '--to', 'hone-jsonl', '--out', out], context)
    const lines = readFileSync(out, 'utf8').trimEnd().split('\n')
    expect(lines.length, word).toBe(1)
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ opinions: [{ value: 0.25, annotator_id: 'Ada' }] })
  }
  await expect(run(exportFiles, ['run:nowhere', '--to', 'hone-jsonl', '--out', 'x'], context)).rejects.toThrow(
    /There is no run nowhere: expected/,
  )
})

/** A run with one attempt at a practice query and one at an exam's, stored under the home directory. */
async function storedRun(runId: string, status: RunRecord['status'] = 'finished'): Promise<string> {
  const directory = join(context.homeDirectory, 'runs', runId)
  const store = openFolderStore(context.homeDirectory)
  await store.folders.place(runId, 'train', directory)
  await store.runs.put({ ...aRun(runId), status })
  const attempt = trajectoryOf([{ completion: 'c', observation: '{"error": "", "response": "7"}' }, { completion: 'd' }], {
    trajectory_id: `${runId}/practice-0000-q-1`,
    query: 'How far?',
    status: 'solved',
  })
  const exam = { ...attempt, trajectory_id: `${runId}/before-q`, task: { ...attempt.task, split: 'exam' } }
  await store.trajectories.put({ run_id: runId }, [{ ...attempt, task: { ...attempt.task, split: 'practice' } }, exam])
  await store.close()
  return directory
}

test('annotate takes the practice of a run by its id and by its directory, beside files: the run keeps the opinions', async () => {
  const directory = await storedRun('run-label')
  const out = join(temporaryDirectory(), 'labelled.jsonl')
  const counts = await run(annotate, ['--by', 'rules', 'run:run-label', '--out', out], context)
  // Success and contribution of the call, and the status of the answer; nothing of the exam.
  expect(counts).toEqual({ trajectories: 1, steps: 2, opinions: 3, file: out })
  expect(readFileSync(out, 'utf8')).toContain('"rules:steptool-sound"')
  const again = join(temporaryDirectory(), 'again.jsonl')
  expect(await run(annotate, ['--by', 'rules', sampleFile(), `run:${directory}`, '--out', again], context)).toMatchObject({
    trajectories: 1 + sampleCsv().trimEnd().split('\n').length - 1,
  })
  const practice = readFileSync(again, 'utf8').trimEnd().split('\n').at(-1) ?? ''
  const { opinions } = z.object({ opinions: z.array(z.object({ supersedes: z.string().nullable() })) }).parse(JSON.parse(practice))
  expect(opinions.filter(({ supersedes }) => supersedes === null)).toHaveLength(3)
  expect(opinions.filter(({ supersedes }) => supersedes !== null)).toHaveLength(3)
})

test('annotate --by judge asks about the practice of a run', async () => {
  await storedRun('run-judged')
  const asked: string[] = []
  const judged = testContext({
    homeDirectory: context.homeDirectory,
    fetch: async (_url, init) => {
      asked.push(typeof init?.body === 'string' ? init.body : '')
      return judgement(1)
    },
  })
  const out = join(temporaryDirectory(), 'judged.jsonl')
  const words = ['--by', 'judge', '--judge-model', 'judge-1', '--base-url', 'http://localhost:9', 'run:run-judged', '--out', out]
  expect(await run(annotate, words, judged.context)).toMatchObject({ trajectories: 1, steps: 2, opinions: 3, failures: [] })
  expect(asked).toHaveLength(1)
})

test('annotate refuses a run that another process works on, and one that is not there', async () => {
  const directory = await storedRun('run-busy', 'running')
  const owner = { pid: process.ppid, host: hostname(), since: '2026-01-01T00:00:00.000Z', started: null, token: 'other' }
  writeFileSync(join(directory, 'run.lock'), JSON.stringify(owner))
  const words = ['--by', 'rules', 'run:run-busy', '--out', join(temporaryDirectory(), 'x.jsonl')]
  await expect(run(annotate, words, context)).rejects.toThrow(
    `The run run-busy is at work in process ${process.ppid} on ${hostname()}, since 2026-01-01 00:00:00 UTC: label its practice after`,
  )
  await expect(run(annotate, ['--by', 'rules', 'run:nowhere', '--out', 'x'], context)).rejects.toThrow('There is no run nowhere: expected')
})

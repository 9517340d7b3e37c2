/** A run's practice is a data set with its opinions: listed, labelled, exported, and trained on by every method that reads data. */
import { afterEach, expect, test, vi } from 'vitest'
import { algorithms } from '../../src/training/algorithms'
import { stepsOf, type Trajectory } from '../../src/records/trajectory'
import type { LabelledTrajectory } from '../../src/training/batches/labelledTrajectory'
import type { JobRequest, JobSnapshot, NewOpinion, TrainRequest } from '../../src/worker/protocol'
import type { ActingPolicy } from '../../src/studio/runs/policyBackend'
import { file, openTestStudio, scriptedPolicyBackend, type TestStudio } from './testStudio'

vi.setConfig({ testTimeout: 60_000 })

let open: TestStudio | null = null
afterEach(() => {
  open?.close()
})

type Trained = readonly LabelledTrajectory[] | null

interface Practised extends TestStudio {
  readonly runId: string
  readonly practice: readonly Trajectory[]
  /** What each run that was trained on data was handed, in order. */
  readonly trained: Trained[]
}

const story = { kind: 'story', seed: 1, size: 'software' } as const
const acting = { model: 'starter', adapterOf: null, benchmark: 'starter', strategy: 'cot', maxCalls: 6, temperature: 0, seed: 1 } as const
/** Two attempts at each of four questions. */
const rollouts = { kind: 'rollout', ...acting, split: 'practice', limit: 4, samples: 2 } as const

/** The first attempt at each question is one policy's, the second the other's: attempts that can be told apart. */
const unlike = (first: ActingPolicy, second: ActingPolicy): ActingPolicy => ({
  ...first,
  rollout: async (asked) => {
    const quiet = { ...asked, onTrajectory: () => undefined }
    const both = [await first.rollout(quiet), await second.rollout(quiet)]
    const made = both.flatMap((attempts, which) => attempts.filter(({ sample }) => sample % 2 === which))
    for (const one of made) asked.onTrajectory(one)
    return made
  },
})

/** A finished run that practised; a story has an exam before and after. */
async function practised(practising: JobRequest = story): Promise<Practised> {
  const able = scriptedPolicyBackend({ skill: 1 })
  const hopeless = scriptedPolicyBackend({ skill: 0 })
  const trained: Trained[] = []
  const opened = await openTestStudio({
    policyBackend: {
      openPolicy: async (request) => unlike(await able.openPolicy(request), await hopeless.openPolicy(request)),
      train: (request) => {
        if (request.data) trained.push(request.data)
        return able.train(request)
      },
    },
  })
  open = opened
  const job = await opened.studio.jobs.start(practising)
  if (!job.ok) throw new Error(job.message)
  await opened.finished(job.value.job_id)
  const all = await opened.studio.trajectories.list({ run_id: job.value.run_id })
  return { ...opened, runId: job.value.run_id, practice: all.filter(({ task }) => task.split === 'practice'), trained }
}

const request = (algorithm: string, data: readonly string[], config: TrainRequest['config'] = {}): TrainRequest => ({
  ...{ kind: 'train', algorithm, model: 'starter', data, config, steps: 1, seed: 1, rowLimit: null },
})

async function trainedOn(opened: Practised, what: TrainRequest): Promise<JobSnapshot> {
  const started = await opened.studio.jobs.start(what)
  if (!started.ok) throw new Error(started.message)
  return opened.finished(started.value.job_id)
}

test('a run’s practice is listed beside data sets, without the exam’s attempts', async () => {
  const opened = await practised()
  const { studio, runId, practice } = opened
  await studio.datasets.importFile(file('sample.csv', await studio.datasets.sampleCsv()))
  const [dataset, source, ...others] = await studio.datasets.sources()
  expect(dataset).toMatchObject({ kind: 'dataset', name: 'sample.csv', trajectories: 8 })
  expect(source).toMatchObject({
    ...{ id: `run:${runId}`, kind: 'practice', trajectories: practice.length },
    steps: practice.reduce((sum, one) => sum + stepsOf(one).length, 0),
  })
  expect(source?.name).toMatch(/^Practice of /)
  expect(others).toEqual([])
  expect(practice.length).toBeGreaterThan(0)
})

test('labels on a run’s practice are trained on by SFT, DPO and steptool-ppo, and by every other method that reads data', async () => {
  const opened = await practised(rollouts)
  const { studio, runId, practice, trained } = opened
  const [labelled, other] = practice
  const id = labelled?.trajectory_id ?? ''
  expect(other?.task.query_id).toBe(labelled?.task.query_id)
  const answer = (of: Trajectory | undefined, value: number): NewOpinion => ({
    ...{ trajectory_id: of?.trajectory_id ?? '', step: of ? stepsOf(of).length - 1 : 0, name: 'status', value },
  })
  for (const row of [{ trajectory_id: id, step: 0, name: 'reward', value: 0.37 } as const, answer(labelled, 1), answer(other, 0)])
    expect(await studio.labels.add([row], 'Ada')).toMatchObject({ ok: true })
  const readers = Object.values(algorithms).filter(({ learnsFrom }) => (learnsFrom as readonly string[]).includes('files'))
  expect(readers.map(({ name }) => name)).toEqual(expect.arrayContaining(['sft', 'dpo', 'steptool-ppo']))
  for (const { name } of readers) {
    const before = trained.length
    const job = await trainedOn(opened, request(name, [`run:${runId}`]))
    expect(job, name).toMatchObject({ state: 'finished', error: null })
    const seen = trained[before]?.find(({ trajectory }) => trajectory.trajectory_id === id)
    expect(seen?.rewards[0], name).toBe(0.37)
    expect(trained[before]?.length, name).toBe(practice.length)
    const run = await studio.runs.get(job.run_id)
    if (!run.ok) throw new Error(run.message)
    expect(run.value.run.data, name).toMatchObject([{ id: `run:${runId}`, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string }])
  }
})

test('a method that compares fresh attempts refuses data in one sentence, whichever it is', async () => {
  const { studio, runId } = await practised()
  for (const { name, learnsFrom } of Object.values(algorithms))
    if (!(learnsFrom as readonly string[]).includes('files'))
      expect(await studio.jobs.start(request(name, [`run:${runId}`])), name).toMatchObject({ ok: false, code: 'data' })
})

test('practice leaves as Hone’s file with every opinion and as StepTool’s with the rewards, and the first comes back the same', async () => {
  const opened = await practised()
  const { studio, runId, practice } = opened
  const [first] = practice
  const id = first?.trajectory_id ?? ''
  await studio.labels.add([{ trajectory_id: id, step: 0, name: 'reward', value: 0.37 }], 'Ada')
  const jsonl = await studio.labels.exportFile([`run:${runId}`], 'hone-jsonl')
  if (!jsonl.ok) throw new Error(jsonl.message)
  expect(jsonl.value.trajectories).toBe(practice.length)
  const csv = await studio.labels.exportFile([`run:${runId}`], 'steptool-csv')
  expect(csv.ok && csv.value.text).toContain('0.37')
  const back = await studio.datasets.importFile(file('practice.jsonl', jsonl.value.text))
  if (!back.ok) throw new Error(back.message)
  expect(back.value).toMatchObject({ trajectories: practice.length, problems: [] })
  const again = (await studio.trajectories.list({ dataset_id: back.value.dataset_id })).find(({ trajectory_id }) =>
    trajectory_id.endsWith(id.split('/').at(-1) ?? '?'),
  )
  expect((await studio.labels.get(again?.trajectory_id ?? '')).resolved[0]).toMatchObject({ value: 0.37, annotatorId: 'Ada' })
})

test('questions of an evaluation are refused as practice, and trained on from a file only with a warning', async () => {
  const opened = await practised()
  const { studio, trained } = opened
  const job = await studio.jobs.start({
    ...{ kind: 'evaluate', ...acting, split: 'exam', limit: 5 },
  })
  if (!job.ok) throw new Error(job.message)
  await opened.finished(job.value.job_id)
  const id = `run:${job.value.run_id}`
  expect((await studio.datasets.sources()).map((row) => row.id)).not.toContain(id)
  expect(await studio.jobs.start(request('sft', [id]))).toMatchObject({ ok: false, code: 'no-practice' })

  const attempts = await studio.trajectories.list({ run_id: job.value.run_id })
  // As a file names them, and as one that says nothing of where they come from.
  for (const split of ['exam', '']) {
    const lines = attempts.map((one) => JSON.stringify({ trajectory: { ...one, task: { ...one.task, split } }, opinions: [] }))
    const imported = await studio.datasets.importFile(file(`attempts${split}.jsonl`, `${lines.join('\n')}\n`))
    if (!imported.ok) throw new Error(imported.message)
    const asked = request('sft', [imported.value.dataset_id])
    const found = await studio.jobs.preflight(asked)
    if (!found.ok) throw new Error(found.message)
    expect(found.value[0]).toMatchObject({ check: 'held-out questions', level: 'warning' })
    const last = await trainedOn(opened, asked)
    const run = await studio.runs.get(last.run_id)
    expect(run.ok && run.value.run.notes.join(' ')).toMatch(/5 of 5 trajectories answer questions that evaluations ask/)
  }
  expect(trained.length).toBe(2)
})

test('a recipe names a run’s practice, and reads it back', async () => {
  const { studio, runId } = await practised()
  const written = await studio.recipes.write({ kind: 'request', request: request('sft', [`run:${runId}`]) }, 'hone')
  if (!written.ok) throw new Error(written.message)
  const read = await studio.recipes.read('recipe.json', written.value.text, 'sft')
  expect(read).toMatchObject({ ok: true, value: { data: [`run:${runId}`] } })
})

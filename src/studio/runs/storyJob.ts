/** The run story: the starter sits the exam, practises with every step scored, learns, and sits the same exam again. */
import { DEFAULT_ALGORITHM } from '../../training/algorithms'
import type { JobRequest, Reply } from '../../worker/protocol'
import { runExam, stratified } from '../evaluations/exam'
import { accept, refuse } from '../failure'
import type { JobWork } from '../jobs/jobQueue'
import { splitFor } from '../../environments/benchmark'
import { DEFAULT_STRATEGY, PRACTICE_TEMPERATURE } from '../defaults'
import type { JobContext } from '../jobs/jobContext'
import { storedOrigin, resumedRecord, type ResumedRun } from './resume'
import { runTraining } from './runTraining'
import type { StoryScale } from '../../training/algorithm'
import { algorithmNamed, configureAlgorithm } from './configure'
import { STARTER } from '../models/models'
import { newRun } from './newRun'

interface StorySize extends StoryScale {
  readonly examQueries: number
}

/** `gpu`: at most 3 minutes there. `software`: about a minute on two processor cores, and too small to prove much. */
export const storySizes: Readonly<Record<'gpu' | 'software', StorySize>> = {
  gpu: { examQueries: 96, steps: 30, batch: 64, epochs: 4, learningRate: 5e-4 },
  software: { examQueries: 30, steps: 3, batch: 16, epochs: 2, learningRate: 2e-3 },
}

type StoryRequest = Extract<JobRequest, { kind: 'story' }>

/** @param going a story that goes on, with the request it began with. */
export async function storyWork(request: StoryRequest, context: JobContext, going: ResumedRun | null = null): Promise<Reply<JobWork>> {
  const found = algorithmNamed(request.algorithm ?? DEFAULT_ALGORITHM)
  if (!found.ok) return found
  const algorithm = found.value
  if (!algorithm.learnsFrom.includes('rollouts'))
    return refuse('needs-data', `${algorithm.title} does not practise by itself, so it cannot run the story.`)
  const known = context.worlds.benchmark(request.benchmark)
  if (!known.ok) return known
  const [model, gpu] = [await context.models.load(STARTER), await context.gpu.open()]
  if (!model.ok) return model
  if (!gpu.ok) return gpu
  const { report, engine } = gpu.value
  const name = request.size ?? (report.isSoftware ? 'software' : 'gpu')
  const size = storySizes[name]
  const settled = configureAlgorithm(algorithm, algorithm.storyDefaults(size))
  if (!settled.ok) return settled
  const configured = settled.value
  const { value: benchmark } = known
  const examSplit = splitFor(benchmark, 'exam')
  const queries = stratified(benchmark.queries(examSplit), size.examQueries)
  const runId = context.newId('run')
  const title = `Run story · ${algorithm.title}`
  const fresh = newRun({
    runId,
    kind: 'story',
    title,
    algorithm: algorithm.name,
    config: configured.settings,
    model: model.value,
    seed: request.seed,
    adapter: report,
    worldHash: benchmark.environment.hash,
    now: context.now(),
  })
  const began = storedOrigin({ request: { ...request, size: name, algorithm: algorithm.name }, data: null })
  const first = { ...fresh, began, checkpoint: { step: 0, of: size.steps } }
  const record = going ? resumedRecord(going, first, null) : accept(first)
  if (!record.ok) return record
  const placed = going ? accept(null) : await context.placeRun(runId, 'story', request.folder)
  if (!placed.ok) return placed
  const frame = {
    kind: 'story' as const,
    title,
    record: record.value,
    usesGpu: true,
    dispatches: () => engine.counters.dispatches,
    peakBytes: () => engine.peakBytes,
  }
  const callBudget = benchmark.limits.toolCalls
  const exam = { benchmark, split: examSplit, queries, strategy: DEFAULT_STRATEGY, callBudget, temperature: 0, seed: request.seed } as const
  return accept(
    context.runWork(frame, async (recorder, control) => {
      for (const note of configured.notes()) recorder.note(note)
      recorder.note(
        `${name === 'software' ? 'A small run on the processor' : 'A full run'}: ${queries.length} exam queries, ${size.steps} steps of ${size.batch} practice attempts.`,
      )
      await runTraining(
        {
          model: model.value,
          configured,
          steps: size.steps,
          start: null,
          seed: request.seed,
          data: null,
          practice: {
            benchmark,
            split: splitFor(benchmark, 'practice'),
            queriesPerStep: size.batch / configured.samplesPerQuery,
            samplesPerQuery: configured.samplesPerQuery,
            ...{ strategy: DEFAULT_STRATEGY, callBudget, temperature: PRACTICE_TEMPERATURE, seed: request.seed },
            ...{ slots: null, shufflesRewards: false, keepsAll: false },
          },
        },
        {
          before: async (policy) => {
            // A story that goes on sat it already.
            if (recorder.record.evaluations.length > 0) return
            control.phase('before', queries.length, 'The model sits the exam')
            await runExam(
              policy,
              { ...exam, title: 'Starter, before', model: { id: model.value.id, adapter_sha256: null } },
              'before',
              recorder,
              control,
              context.examParts,
            )
          },
          after: async (policy, adapterSha256) => {
            if (recorder.record.evaluations.length > 1) return
            control.phase('after', queries.length, 'The same exam again')
            await runExam(
              policy,
              { ...exam, title: `${algorithm.title}, after`, model: { id: model.value.id, adapter_sha256: adapterSha256 } },
              'after',
              recorder,
              control,
              context.examParts,
            )
          },
        },
        recorder,
        control,
        { ...context.trainingParts, opened: gpu.value },
      )
    }),
  )
}

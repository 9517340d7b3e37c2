/** The run story: the starter sits the exam, practises with every step scored, is trained on that, and sits the same exam again. */
import { splitFor, type Benchmark } from '../../environments/benchmark'
import type { Query } from '../../environments/environment'
import type { StoryRequest } from '../../records/requests'
import type { RunRecord } from '../../records/run'
import type { ConfiguredAlgorithm } from '../../training/algorithm'
import { DEFAULT_ALGORITHM } from '../../training/algorithms'
import type { Reply } from '../../worker/protocol'
import { DEFAULT_STRATEGY, PRACTICE_TEMPERATURE } from '../defaults'
import { evaluatePolicy, stratified } from '../evaluations/evaluatePolicy'
import type { EvaluationRequest } from '../evaluations/evaluationRequest'
import { accept, refuse } from '../failure'
import type { OpenGpu } from '../jobs/gpuAccess'
import type { JobContext } from '../jobs/jobContext'
import type { JobControl, JobWork } from '../jobs/jobControl'
import { STARTER, type LoadedModel } from '../models/models'
import { algorithmNamed, configureAlgorithm } from './configure'
import { newRun } from './newRun'
import type { ActingPolicy } from './policyBackend'
import type { PracticePlan } from './practice'
import { resumedRecord, storedOrigin, type ResumedRun } from './resume'
import type { RunRecorder } from './runRecorder'
import { runTraining } from './runTraining'
import { storySizes } from './storySize'

/** Everything a story needs, found and checked. */
interface StoryPlan {
  readonly request: StoryRequest
  readonly sizeName: keyof typeof storySizes
  readonly configured: ConfiguredAlgorithm
  readonly model: LoadedModel
  readonly gpu: OpenGpu
  readonly benchmark: Benchmark
  readonly examSplit: string
  readonly queries: readonly Query[]
  readonly isResumed: boolean
}

/** @param resumed a story that is resumed, with the request it began with. */
export async function storyWork(request: StoryRequest, context: JobContext, resumed: ResumedRun | null = null): Promise<Reply<JobWork>> {
  const plan = await planStory(request, context, resumed !== null)
  if (!plan.ok) return plan
  const first = recordOf(plan.value, context)
  const record = resumed ? resumedRecord(resumed, first, null) : accept(first)
  if (!record.ok) return record
  const placed = resumed ? accept(null) : await context.placeRun(first.run_id, 'story', request.folder)
  if (!placed.ok) return placed
  const { engine } = plan.value.gpu
  const frame = {
    ...{ kind: 'story' as const, title: first.title, record: record.value, usesGpu: true },
    dispatches: () => engine.counters.dispatches,
    peakBytes: () => engine.peakBytes,
  }
  return accept(context.runWork(frame, (recorder, control) => tellStory(plan.value, context, recorder, control)))
}

async function planStory(request: StoryRequest, context: JobContext, isResumed: boolean): Promise<Reply<StoryPlan>> {
  const algorithm = algorithmNamed(request.algorithm ?? DEFAULT_ALGORITHM)
  if (!algorithm.ok) return algorithm
  const { title, learnsFrom } = algorithm.value
  if (!learnsFrom.includes('rollouts')) return refuse('needs-data', `${title} does not practise by itself, so it cannot run the story.`)
  const known = await context.worlds.benchmark(request.benchmark)
  if (!known.ok) return known
  const [model, gpu] = [await context.models.load(STARTER), await context.gpu.open()]
  if (!model.ok) return model
  if (!gpu.ok) return gpu
  const sizeName = request.size ?? (gpu.value.report.isSoftware ? 'software' : 'gpu')
  const size = storySizes[sizeName]
  const configured = configureAlgorithm(algorithm.value, algorithm.value.storyDefaults(size))
  if (!configured.ok) return configured
  const benchmark = known.value
  const examSplit = splitFor(benchmark, 'exam')
  return accept({
    ...{ request, sizeName, configured: configured.value, model: model.value, gpu: gpu.value, benchmark, examSplit },
    queries: stratified(benchmark.queries(examSplit), request.examQueries ?? size.examQueries),
    isResumed,
  })
}

function recordOf({ request, sizeName, configured, model, gpu, benchmark }: StoryPlan, { newId, now }: JobContext): RunRecord {
  const { name, title } = configured.algorithm
  const first = newRun({
    ...{ runId: newId('run'), kind: 'story', title: `Run story · ${title}`, algorithm: name, config: configured.settings, model },
    ...{ seed: request.seed, adapter: gpu.report, worldHash: benchmark.environment.hash, now: now() },
  })
  return {
    ...first,
    began: storedOrigin({ request: { ...request, size: sizeName, algorithm: name }, data: null }),
    checkpoint: { step: 0, of: storySizes[sizeName].steps },
  }
}

async function tellStory(plan: StoryPlan, context: JobContext, recorder: RunRecorder, control: JobControl): Promise<void> {
  const { request, sizeName, configured, model, gpu, queries } = plan
  const size = storySizes[sizeName]
  for (const note of configured.notes()) recorder.note(note)
  recorder.note(
    `${sizeName === 'software' ? 'A small run on the processor' : 'A full run'}: ${queries.length} exam queries, ${size.steps} steps of ${size.batch} practice attempts.`,
  )
  let examSeconds: number | null = null
  const sitExam = async (policy: ActingPolicy, phase: 'before' | 'after', title: string, adapterSha256: string | null): Promise<void> => {
    // A resumed story may have sat it already.
    if (recorder.record.evaluations.length > (phase === 'before' ? 0 : 1)) return
    const began = control.elapsedMs()
    const shownAs = { phase, message: phase === 'before' ? 'The model sits the exam' : 'The same exam again' }
    const exam = { ...examOf(plan, title, adapterSha256), shownAs }
    const attempted = await evaluatePolicy(policy, exam, phase, recorder, control, context.evaluationParts)
    const seconds = (control.elapsedMs() - began) / 1000
    // The exam after training takes all queries, this one perhaps those that an interrupted run had left.
    examSeconds = attempted === 0 ? null : (seconds * queries.length) / attempted
  }
  await runTraining(
    {
      ...{ model, configured, steps: size.steps, initialAdapter: null, seed: request.seed, data: null, isResumed: plan.isResumed },
      practice: practiceOf(plan, size.batch),
    },
    {
      before: (policy) => sitExam(policy, 'before', 'Starter, before', null),
      secondsAfter: () => examSeconds,
      after: (policy, adapterSha256) => sitExam(policy, 'after', `${configured.algorithm.title}, after`, adapterSha256),
    },
    recorder,
    control,
    { ...context.trainingParts, opened: gpu },
  )
}

const examOf = (
  { request, model, benchmark, examSplit, queries }: StoryPlan,
  title: string,
  adapterSha256: string | null,
): Omit<EvaluationRequest, 'shownAs'> => ({
  ...{ title, benchmark, split: examSplit, queries, strategy: DEFAULT_STRATEGY, callBudget: benchmark.limits.toolCalls, temperature: 0 },
  ...{ seed: request.seed, model: { id: model.id, adapter_sha256: adapterSha256 } },
})

const practiceOf = ({ request, configured: { samplesPerQuery }, benchmark }: StoryPlan, batch: number): PracticePlan => ({
  ...{ benchmark, split: splitFor(benchmark, 'practice'), queriesPerStep: batch / samplesPerQuery, samplesPerQuery },
  ...{
    choice: { strategy: DEFAULT_STRATEGY },
    callBudget: benchmark.limits.toolCalls,
    temperature: PRACTICE_TEMPERATURE,
    seed: request.seed,
  },
  ...{ limits: benchmark.limits, slots: null, shufflesRewards: false, keepsAll: false },
})

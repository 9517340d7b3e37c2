/** One run of training, whatever starts it: adapter and probe before, the steps, adapter and probe after. */
import { firstNonFinite } from '../../base/nonFinite'
import type { Gate } from '../../engine/plan/executable'
import { NonFiniteError } from '../../models/generationRequest'
import type { CheckpointSink } from '../../training/checkpoints/checkpoint'
import type { CheckpointSettings } from '../../worker/protocol'
import { JobCancelled, type JobControl } from '../jobs/jobControl'
import { storeAdapter } from '../models/adapterFiles'
import { createAdvantageRecorder, type AdvantageRecorder } from './advantageRecorder'
import { retryWhenStorageFull } from '../storage/retryWhenStorageFull'
import type { ActingPolicy } from './policyBackend'
import { createPracticeRounds, type PracticeRounds } from './practiceRounds'
import { continuedAfter, STOPPED } from './resume'
import { recordedCheckpoints, removeCheckpoints } from './runCheckpoints'
import type { RunRecorder } from './runRecorder'
import { skippedBefore } from './skippedUpdates'
import { createStepClock, updateShare, type StepClock } from './stepClock'
import { createStepReports, type StepReports } from './stepReports'
import { measureBaseline, type Baseline } from './trainingBaseline'
import { createTrainingRun, type RunTrainingRequest, type TrainingHooks, type TrainingParts, type TrainingRun } from './trainingRun'

/** When nothing else is asked for. */
const USUAL_CHECKPOINTS: CheckpointSettings = { everySteps: 10, everyMinutes: 2, best: null }

export async function runTraining(
  request: RunTrainingRequest,
  hooks: TrainingHooks,
  recorder: RunRecorder,
  control: JobControl,
  parts: TrainingParts,
): Promise<void> {
  const run = createTrainingRun(request, hooks, recorder, control, parts)
  control.phase('starting', 0, 'Loading the model')
  const baseline = await measureBaseline(run)
  const stored = recordedCheckpoints(control.runId, request.steps, recorder, control, parts.store)
  const resumedAfter = (await stored.load())?.step ?? 0
  const continued = request.isResumed ? continuedAfter(resumedAfter, recorder.record) : {}
  await recorder.change({ ...continued, checkpoint: { step: resumedAfter, of: request.steps } })
  const clock = createStepClock({
    ...{ steps: request.steps, done: resumedAfter, elapsedMs: () => control.elapsedMs() },
    practises: !request.data && !request.transcripts,
  })
  const reports = createStepReports(run, resumedAfter, await skippedBefore(parts.store, control.runId, resumedAfter), clock)
  const checkpoints = finiteCheckpoints(stored, reports, request.steps)
  const advantages = createAdvantageRecorder(run)
  const rounds = createPracticeRounds(run, { reports, advantages, clock })
  parts.opened.engine.restartPeak()
  let trained: ActingPolicy
  try {
    trained = await timed(run, clock, () => takeSteps(run, { checkpoints, reports, rounds, advantages }))
  } catch (error) {
    if (control.signal.aborted) await storeStopped(run, rounds, baseline)
    throw error
  }
  hooks.trained?.(parts.opened.engine.peakBytes)
  try {
    await storeTrained(run, trained, checkpoints, baseline)
  } finally {
    await trained.destroy()
    parts.gpu.announce()
  }
}

/** Ends the training where its numbers are not finite any more. */
const checkedGate = (gate: Gate, reports: StepReports): Gate =>
  function checked() {
    reports.check()
    return gate()
  }

/** Throws what was thrown, and says of numbers that are not finite when in the run that was. */
const nonFiniteAt =
  (when: string) =>
  (error: unknown): never => {
    throw error instanceof NonFiniteError ? new Error(`${when}: ${error.message.charAt(0).toLowerCase()}${error.message.slice(1)}`) : error
  }

/** Nothing is stored that could not be gone on from. */
const finiteCheckpoints = (sink: CheckpointSink, reports: StepReports, steps: number): CheckpointSink => ({
  ...sink,
  async save(checkpoint) {
    reports.check()
    const weights = checkpoint.arrays.weights ?? []
    const at = firstNonFinite(weights)
    if (at !== null)
      throw new Error(
        `After step ${checkpoint.step} of ${steps} value ${at} of the trained weights is ${String(weights[at])}: the training diverged. Lower the learning rate; the checkpoint before is kept.`,
      )
    await sink.save(checkpoint)
  },
})

interface StepParts {
  readonly checkpoints: CheckpointSink
  readonly reports: StepReports
  readonly rounds: PracticeRounds
  readonly advantages: AdvantageRecorder
}

/** While the steps are taken, the time left is the steps' and that of what follows them, as far as it is known. */
async function timed<T>({ request, control, hooks, parts }: TrainingRun, clock: StepClock, work: () => Promise<T>): Promise<T> {
  const { activity } = parts.opened.engine
  const before = activity.listener
  const shareOf = updateShare(request.configured.passes)
  activity.listener = (one) => {
    control.show(one)
    const share = shareOf(one)
    if (share === null) return
    // Without practice a step is its update alone: the first one begins when its computation does, after the model was loaded.
    if (request.data ?? request.transcripts) clock.begin('update')
    clock.advance(share)
  }
  control.estimateLeft(() => {
    const [steps, after] = [clock.secondsLeft(), hooks.secondsAfter ? hooks.secondsAfter() : 0]
    return steps === null || after === null ? null : steps + after
  })
  try {
    return await work()
  } finally {
    control.estimateLeft(null)
    activity.listener = before
  }
}

async function takeSteps(run: TrainingRun, { checkpoints, reports, rounds, advantages }: StepParts): Promise<ActingPolicy> {
  const { request, recorder, control, parts } = run
  const { everySteps, everyMinutes, best } = request.checkpoints ?? USUAL_CHECKPOINTS
  if (request.data ?? request.transcripts) {
    control.phase('training', request.steps, 'Preparing the first step')
  }
  const trained = await parts.policyBackend.train({
    ...{ configured: request.configured, model: request.model, data: request.data, transcripts: request.transcripts ?? null },
    ...{ limits: request.practice.limits, slots: request.practice.slots },
    context: {
      ...{ engine: parts.opened.engine, seed: request.seed, initial: request.initialAdapter?.adapter ?? null, steps: request.steps },
      ...{ gate: checkedGate(control.gate, reports), pauses: control.pauses, now: parts.clock },
      ...{ report: reports.report, onAdvantages: advantages.add },
      ...{ checkpoints, checkpointEvery: everySteps, checkpointMinutes: everyMinutes },
      best: best && { ...best, valueOf: (step) => reports.metricOf(step, best.metric) },
    },
    practice: (policy, step) => rounds.next(policy, step).catch(nonFiniteAt(`Practice of step ${step + 1} of ${request.steps}`)),
    onTokens: reports.generated,
    onNote: (sentence) => {
      recorder.note(sentence)
    },
  })
  try {
    reports.check()
    await advantages.settle()
  } catch (error) {
    await trained.destroy()
    throw error
  }
  return trained
}

/** What a stopped run had learned when it practised last. */
async function storeStopped(
  { recorder, control, parts, filesOf }: TrainingRun,
  rounds: PracticeRounds,
  { shownHash }: Baseline,
): Promise<void> {
  const newest = rounds.newest()
  if (newest === null || newest.step === 0) return
  const files = await filesOf(newest.tensors)
  await storeAdapter(parts.store, control.runId, files)
  recorder.note(`${STOPPED} The adapter is the one after ${newest.step} ${newest.step === 1 ? 'step' : 'steps'}.`)
  await recorder.change({ adapter_sha256: { before: shownHash, after: files.sha256 } })
  throw new JobCancelled()
}

async function storeTrained(run: TrainingRun, trained: ActingPolicy, checkpoints: CheckpointSink, baseline: Baseline): Promise<void> {
  const { request, hooks, recorder, control, parts } = run
  // Weights that give no numbers are not kept.
  const after = await trained.logProbs(baseline.probe).catch(nonFiniteAt(`After the last of ${request.steps} steps`))
  const files = await run.filesOf(await trained.adapter())
  await retryWhenStorageFull(control, () => storeAdapter(parts.store, control.runId, files))
  await storeBest(run, trained, checkpoints)
  if (files.sha256 === baseline.hash)
    recorder.note('No update changed the adapter: every advantage was 0, because every step earned the same.')
  recorder.probe({ before: baseline.logProbs, after })
  await recorder.change({ adapter_sha256: { before: baseline.shownHash, after: files.sha256 } })
  await hooks.after?.(trained, files.sha256)
  await recorder.change({ checkpoint: null })
  if (request.keepsCheckpoints) return
  // The run is over: its adapter takes the checkpoints' place.
  await removeCheckpoints(control.runId, parts.store)
  if (request.initialAdapter) await parts.initialAdapters.forget(control.runId)
}

async function storeBest({ request, recorder, control, parts, filesOf }: TrainingRun, trained: ActingPolicy, checkpoints: CheckpointSink) {
  const best = request.checkpoints?.best ? await checkpoints.best?.load() : null
  if (!best) return
  const files = await filesOf(await trained.adapter(best.weights))
  await retryWhenStorageFull(control, () => storeAdapter(parts.store, control.runId, files, 'best'))
  await recorder.change({ best: { metric: best.metric, value: best.value, step: best.step } })
}

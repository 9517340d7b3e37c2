/** One run of training, whatever starts it: adapter and probe before, the steps, adapter and probe after. */
import type { RowParts } from '../../annotation/opinions'
import type { Store } from '../../storage/store'
import type { CheckpointSink } from '../../training/checkpoints/checkpoint'
import { stepOfRound } from '../../training/batches/rounds'
import type { ConfiguredAlgorithm } from '../../training/algorithm'
import { checkReference, type ReferenceKind } from '../../training/preflight/adapterChecks'
import type { CheckpointSettings, StudioEvent } from '../../worker/protocol'
import { adapterFiles, storeAdapter } from '../models/adapterFiles'
import type { GpuAccess, OpenGpu } from '../jobs/gpuAccess'
import { JobCancelled, type JobControl } from '../jobs/jobQueue'
import type { LoadedModel } from '../models/models'
import { createPractice, practiceMetrics, type PracticePlan } from './practice'
import { probeText } from './probe'
import { BEST, CHECKPOINT, DAMAGED_NOTE, runCheckpoints } from './runCheckpoints'
import { STOPPED } from './resume'
import type { RunRecorder } from './runs'
import { initialAdapterNote, type NamedInitialAdapter } from '../models/initialAdapter'
import type { InitialAdapters } from '../models/initialAdapters'
import { retryWhenStorageFull } from '../storage/retryWhenStorageFull'
import type { ActingPolicy, PolicyBackend } from './policyBackend'
import type { AdapterTensors } from '../../training/policy/adapterTensors'
import type { LabelledTrajectory } from '../../training/batches/labelledTrajectory'

/** When nothing else is asked for. */
const USUAL_CHECKPOINTS: CheckpointSettings = { everySteps: 10, everyMinutes: 2, best: null }

export interface RunTrainingRequest {
  readonly model: LoadedModel
  readonly configured: ConfiguredAlgorithm
  readonly steps: number
  /** What it begins from; null: a new adapter. */
  readonly start: NamedInitialAdapter | null
  readonly seed: number
  /** null: practice is rolled out as the plan says. */
  readonly data: readonly LabelledTrajectory[] | null
  readonly practice: PracticePlan
  readonly checkpoints?: CheckpointSettings | undefined
}

export interface TrainingHooks {
  /** The model before its first step. */
  readonly before?: (policy: ActingPolicy) => Promise<void>
  /** The model after its last step, with its adapter's hash. */
  readonly after?: (policy: ActingPolicy, adapterSha256: string) => Promise<void>
}

export interface TrainingParts {
  readonly store: Store
  readonly rows: RowParts
  readonly emit: (event: StudioEvent) => void
  readonly clock: () => number
  readonly gpu: GpuAccess
  readonly starts: Pick<InitialAdapters, 'forget'>
  readonly opened: OpenGpu
  readonly workshop: PolicyBackend
}

export async function runTraining(
  request: RunTrainingRequest,
  hooks: TrainingHooks,
  keeper: RunRecorder,
  control: JobControl,
  parts: TrainingParts,
): Promise<void> {
  const { store, workshop, opened, gpu, clock } = parts
  const { model, seed, start } = request
  const { trainable, passes } = request.configured
  const { benchmark } = request.practice
  const { limits } = benchmark
  const onTokens = (count: number): void => {
    control.countTokens(count)
  }
  control.phase('starting', 0, 'Loading the model')
  const probeIds = model.tokenizer.encode(await probeText(benchmark, model)).slice(0, 256)

  const filesOf = (tensors: AdapterTensors): ReturnType<typeof adapterFiles> =>
    adapterFiles(tensors, trainable, model.title, `Run ${control.runId}: ${keeper.record.title}.${initialAdapterNote(start)}`)
  const initial = start?.adapter ?? null
  const adapter = initial?.tensors ?? null
  const base = await workshop.openPolicy({ engine: opened.engine, model, trainable, adapter, seed, limits, gate: control.gate, onTokens })
  let hashBefore: string
  let shownBefore: string
  let probeBefore: readonly number[]
  try {
    gpu.announce()
    hashBefore = filesOf(await base.adapter()).sha256
    // Another program's file may hold the same weights in another order.
    shownBefore = initial?.sha256 ?? hashBefore
    probeBefore = await base.logProbs(probeIds)
    if (trainable.kind === 'lora') {
      const held = initial ? (trainable.keepsReference ? 'initial' : 'base') : 'new'
      await holdToReference(base, probeIds, probeBefore, held)
    }
    keeper.probe({ before: probeBefore, after: null })
    await keeper.change({ adapter_sha256: { before: shownBefore, after: null } })
    await hooks.before?.(base)
  } finally {
    await base.destroy()
  }

  const practice = createPractice(request.practice, control, parts)
  const { everySteps, everyMinutes, best } = request.checkpoints ?? USUAL_CHECKPOINTS
  const checkpoints = checkpointsOf(control.runId, request.steps, keeper, control, store)
  const resumedAfter = (await checkpoints.load())?.step ?? 0
  await keeper.change({ checkpoint: { step: resumedAfter, of: request.steps } })
  const batchMetrics = new Map<number, Record<string, number>>()
  let lastReport = clock()
  let tokensSince = 0
  /** null until a run that goes on has said how many came before. */
  let trainedTokens: number | null = resumedAfter > 0 ? null : 0
  let isFirst = true
  let reported: { readonly step: number; readonly metrics: Readonly<Record<string, number>> } | null = null
  /** The newest adapter seen, kept when the person stops the run. */
  let newest: { readonly step: number; readonly tensors: AdapterTensors } | null = null
  let trained: ActingPolicy
  try {
    if (request.data) control.phase('training', request.steps, 'Preparing the first step')
    trained = await workshop.train({
      configured: request.configured,
      model,
      limits,
      data: request.data,
      context: {
        engine: opened.engine,
        seed,
        initial,
        steps: request.steps,
        gate: control.gate,
        report: (step, metrics) => {
          const total = metrics.num_tokens ?? trainedTokens ?? 0
          const trainedNow = (total - (trainedTokens ?? total)) * passes
          trainedTokens = total
          tokensSince += trainedNow
          onTokens(trainedNow)
          const seconds = (clock() - lastReport) / 1000
          const all = {
            ...batchMetrics.get(step),
            ...metrics,
            ...(seconds > 0 && tokensSince > 0 ? { 'perf/throughput': tokensSince / seconds } : {}),
          }
          reported = { step, metrics: all }
          keeper.report(step, all)
          batchMetrics.delete(step)
          lastReport = clock()
          tokensSince = 0
          control.advance(step + 1, `Step ${step + 1} of ${request.steps}`)
        },
        checkpoints,
        checkpointEvery: everySteps,
        checkpointMinutes: everyMinutes,
        best: best && {
          ...best,
          valueOf: (step) => (reported?.step === step ? reported.metrics[best.metric] : undefined),
        },
        now: clock,
      },
      practice: async (policy, round) => {
        const step = stepOfRound(round)
        newest = { step, tensors: await policy.adapter() }
        if (isFirst) control.phase('rollout', request.practice.queriesPerStep * request.practice.samplesPerQuery, 'Practising')
        const { trajectories, leftOut } = await practice.batch(policy, round, (done, total) => {
          if (isFirst) control.advance(done)
          else control.say(`Practising for step ${step + 1} of ${request.steps}: ${done} of ${total}`)
        })
        if (isFirst) control.phase('rewards', trajectories.length, 'Scoring every step')
        const labelled = await practice.label(trajectories, round, (done) => {
          if (isFirst) control.advance(done)
        })
        if (round === step) batchMetrics.set(step, practiceMetrics(labelled, leftOut))
        if (isFirst) {
          gpu.announce()
          control.phase('training', request.steps, 'Preparing the first step')
          isFirst = false
        } else control.say(`Training on step ${step + 1} of ${request.steps}`)
        return labelled
      },
      onTokens: (count) => {
        tokensSince += count
        onTokens(count)
      },
      onNote: (sentence) => {
        keeper.note(sentence)
      },
    })
  } catch (error) {
    const kept = newest as { readonly step: number; readonly tensors: AdapterTensors } | null
    if (control.signal.aborted && kept && kept.step > 0) {
      const files = filesOf(kept.tensors)
      await storeAdapter(store, control.runId, files)
      keeper.note(`${STOPPED} The adapter is the one after ${kept.step} ${kept.step === 1 ? 'step' : 'steps'}.`)
      await keeper.change({ adapter_sha256: { before: shownBefore, after: files.sha256 } })
      throw new JobCancelled()
    }
    throw error
  }

  try {
    const files = filesOf(await trained.adapter())
    await retryWhenStorageFull(control, () => storeAdapter(store, control.runId, files))
    const did = best ? await checkpoints.best?.load() : null
    if (did) {
      const bestFiles = filesOf(await trained.adapter(did.weights))
      await retryWhenStorageFull(control, () => storeAdapter(store, control.runId, bestFiles, 'best'))
      await keeper.change({ best: { metric: did.metric, value: did.value, step: did.step } })
    }
    if (files.sha256 === hashBefore)
      keeper.note('No update changed the adapter: every advantage was 0, because every step earned the same.')
    keeper.probe({ before: probeBefore, after: await trained.logProbs(probeIds) })
    await keeper.change({ adapter_sha256: { before: shownBefore, after: files.sha256 } })
    await hooks.after?.(trained, files.sha256)
    // The run is over: its adapter takes the checkpoints' place.
    await keeper.change({ checkpoint: null })
    await removeCheckpoints(control.runId, store)
    if (start) await parts.starts.forget(control.runId)
  } finally {
    await trained.destroy()
    gpu.announce()
  }
}

const prefixOf = (runId: string): string => `runs/${runId}/`

async function removeCheckpoints(runId: string, store: Store): Promise<void> {
  for (const name of [CHECKPOINT, BEST]) await store.removeBlob(prefixOf(runId) + name)
}

/** Metrics up to a checkpoint are stored before it: a run that goes on after it does not report them again. */
function checkpointsOf(runId: string, of: number, keeper: RunRecorder, control: JobControl, store: Store): CheckpointSink {
  const blobs = {
    read: (name: string) => store.readBlob(name),
    write: (name: string, bytes: Uint8Array) => retryWhenStorageFull(control, () => store.writeBlob(name, bytes)),
  }
  const sink = runCheckpoints(blobs, prefixOf(runId), () => {
    keeper.note(DAMAGED_NOTE)
  })
  return {
    ...sink,
    async save(checkpoint) {
      await keeper.settle()
      await sink.save(checkpoint)
      await keeper.change({ checkpoint: { step: checkpoint.step, of } })
    },
  }
}

/** The last check before step 0 needs the model: its KL to the reference is 0, or the run ends here. */
async function holdToReference(
  policy: ActingPolicy,
  ids: readonly number[],
  logProbs: readonly number[],
  held: ReferenceKind,
): Promise<void> {
  if (logProbs.length === 0) return
  const { level, message } = checkReference(logProbs, await policy.logProbs(ids, 'reference'), held)
  if (level === 'refusal') throw new Error(message)
}

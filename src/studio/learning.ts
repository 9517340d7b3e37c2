/** One run of training, whatever starts it: adapter and probe before, the steps, adapter and probe after. */
import type { RowParts } from '../annotation/opinions'
import type { StarterWorld } from '../environments/starter'
import type { Store } from '../storage/store'
import type { TrainableSet } from '../training/policyModel'
import type { StudioEvent } from '../worker/protocol'
import { adapterFiles, storeAdapter } from './adapterFiles'
import type { GpuRoom, OpenGpu } from './gpu'
import { JobCancelled, type JobControl } from './jobs'
import type { LoadedModel } from './models'
import { createPractice, practiceMetrics, type PracticePlan } from './practice'
import { probeText } from './probe'
import type { RunKeeper } from './runs'
import type { ActingPolicy, AdapterTensors, LabelledTrajectory, Workshop } from './workshop'

export interface LearnRequest {
  readonly model: LoadedModel
  readonly algorithm: string
  readonly config: Readonly<Record<string, unknown>>
  readonly steps: number
  readonly trainable: TrainableSet
  /** Times a token of a batch is trained on: the speed counts each. */
  readonly passes: number
  readonly seed: number
  /** null: practice is rolled out as the plan says. */
  readonly data: readonly LabelledTrajectory[] | null
  readonly practice: PracticePlan
}

export interface LearnHooks {
  /** The model before its first step. */
  readonly before?: (policy: ActingPolicy) => Promise<void>
  /** The model after its last step, with its adapter's hash. */
  readonly after?: (policy: ActingPolicy, adapterSha256: string) => Promise<void>
}

export interface LearnParts {
  readonly store: Store
  readonly rows: RowParts
  readonly emit: (event: StudioEvent) => void
  readonly clock: () => number
  readonly gpu: GpuRoom
  readonly opened: OpenGpu
  readonly workshop: Workshop
  readonly world: StarterWorld
}

export async function learn(
  request: LearnRequest,
  hooks: LearnHooks,
  keeper: RunKeeper,
  control: JobControl,
  parts: LearnParts,
): Promise<void> {
  const { store, workshop, opened, gpu, clock, world } = parts
  const { model, seed } = request
  const { trainable } = request
  const probeIds = model.tokenizer.encode(probeText(world)).slice(0, 256)
  const onTokens = (count: number): void => {
    control.countTokens(count)
  }
  control.phase('starting', 0, 'Loading the model')

  const filesOf = (tensors: AdapterTensors): ReturnType<typeof adapterFiles> =>
    adapterFiles(tensors, trainable, model.title, `Run ${control.runId}: ${keeper.record.title}.`)
  const base = await workshop.openPolicy({ engine: opened.engine, model, trainable, adapter: null, seed, gate: control.gate, onTokens })
  let hashBefore: string
  let probeBefore: readonly number[]
  try {
    gpu.announce()
    hashBefore = filesOf(await base.adapter()).sha256
    probeBefore = await base.logProbs(probeIds)
    keeper.probe({ before: probeBefore, after: null })
    await keeper.change({ adapter_sha256: { before: hashBefore, after: null } })
    await hooks.before?.(base)
  } finally {
    await base.destroy()
  }

  const practice = createPractice(request.practice, control, parts)
  const batchMetrics = new Map<number, Record<string, number>>()
  let lastReport = clock()
  let tokensSince = 0
  let trainedTokens = 0
  /** The newest adapter seen, kept when the person stops the run. */
  let newest: { readonly step: number; readonly tensors: AdapterTensors } | null = null
  let trained: ActingPolicy
  try {
    if (request.data) control.phase('training', request.steps, 'Preparing the first step')
    trained = await workshop.train({
      algorithm: request.algorithm,
      config: request.config,
      model,
      data: request.data,
      context: {
        engine: opened.engine,
        seed,
        steps: request.steps,
        gate: control.gate,
        report: (step, metrics) => {
          const total = metrics.num_tokens ?? trainedTokens
          const trainedNow = (total - trainedTokens) * request.passes
          trainedTokens = total
          tokensSince += trainedNow
          onTokens(trainedNow)
          const seconds = (clock() - lastReport) / 1000
          keeper.report(step, {
            ...batchMetrics.get(step),
            ...metrics,
            ...(seconds > 0 && tokensSince > 0 ? { 'perf/throughput': tokensSince / seconds } : {}),
          })
          batchMetrics.delete(step)
          lastReport = clock()
          tokensSince = 0
          control.advance(step + 1, `Step ${step + 1} of ${request.steps}`)
        },
        checkpoints: null,
        checkpointEvery: Number.MAX_SAFE_INTEGER,
        now: clock,
      },
      practice: async (policy, step) => {
        newest = { step, tensors: await policy.adapter() }
        const isFirst = step === 0
        if (isFirst) control.phase('rollout', request.practice.queriesPerStep * request.practice.samplesPerQuery, 'Practising')
        const { trajectories, leftOut } = await practice.batch(policy, step, (done, total) => {
          if (isFirst) control.advance(done)
          else control.say(`Practising for step ${step + 1} of ${request.steps}: ${done} of ${total}`)
        })
        if (isFirst) control.phase('rewards', trajectories.length, 'Scoring every step')
        const labelled = await practice.label(trajectories, step, (done) => {
          if (isFirst) control.advance(done)
        })
        batchMetrics.set(step, practiceMetrics(labelled, leftOut))
        if (isFirst) {
          gpu.announce()
          control.phase('training', request.steps, 'Preparing the first step')
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
      keeper.note(`The run was stopped. The adapter is the one after ${kept.step} ${kept.step === 1 ? 'step' : 'steps'}.`)
      await keeper.change({ adapter_sha256: { before: hashBefore, after: files.sha256 } })
      throw new JobCancelled()
    }
    throw error
  }

  try {
    const files = filesOf(await trained.adapter())
    await storeAdapter(store, control.runId, files)
    if (files.sha256 === hashBefore)
      keeper.note('No update changed the adapter: every advantage was 0, because every step earned the same.')
    keeper.probe({ before: probeBefore, after: await trained.logProbs(probeIds) })
    await keeper.change({ adapter_sha256: { before: hashBefore, after: files.sha256 } })
    await hooks.after?.(trained, files.sha256)
  } finally {
    await trained.destroy()
    gpu.announce()
  }
}

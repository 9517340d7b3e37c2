/** One run of `hone train`: its data as the algorithm wants it, its memory known beforehand, its loop. */
import { createRng } from '../base/random'
import type { EngineDevice } from '../engine/device/engineDevice'
import { requireCallFormat } from '../agents/callFormats/callFormatFor'
import type { Benchmark, Transcripts } from '../environments/benchmark'
import { DEFAULT_BENCHMARK } from '../studio/defaults'
import { whyUntrainable } from '../studio/dataProblem'
import { slotsOf } from '../studio/runs/gpuPolicyBackend'
import { truncationNote, type Method } from '../studio/method'
import { methodNamed } from '../studio/methods'
import type { LabelledTrajectory } from '../training/batches/labelledTrajectory'
import type { SampleSource } from '../training/batches/sampleSource'
import type { TrainingContext } from '../training/trainingContext'
import { archer, archerSequenceOptions } from '../training/algorithms/archer/loop'
import { grpo, grpoSequenceOptions } from '../training/algorithms/grpo/loop'
import { ppo, stepGrained } from '../training/algorithms/ppo/outcome'
import { rft, samplesToImitate } from '../training/algorithms/rft/loop'
import { runSft, sft } from '../training/algorithms/sft/loop'
import { steptoolPpo } from '../training/algorithms/ppo/loop'
import { archerMemory } from '../training/algorithms/archer/memory'
import { loraOf } from '../training/policy/policyPlans'
import { generationMemory, grpoMemory, onOnePool, ppoMemory, sftMemory, type MemoryPart } from '../training/preflight/memoryPlan'
import type { PolicyModel } from '../training/policy/policyModel'
import { chunk } from '../training/batches/batchLayout'
import { ppoSequenceOptions } from '../training/algorithms/ppo/config'
import { tokenizeTrajectory, type TokenizedTrajectory } from '../training/batches/tokenizedTrajectory'
import { rftSequenceOptions } from '../training/algorithms/rft/selection'
import { imitatedPositions } from '../training/batches/lossMask'
import { expertSamples } from '../training/batches/expertSamples'
import { trajectorySamples } from '../training/batches/trajectorySamples'
import { UsageError, type JsonObject } from './command'
import type { OpenModel } from './modelSpec'
import { onlinePractice, shuffledRewards, type PracticeOptions } from './onlinePractice'

/** What a run learns from. */
export type TrainingData =
  | { readonly kind: 'files'; readonly labelled: readonly LabelledTrajectory[] }
  /** The transcripts of a benchmark's expert. */
  | { readonly kind: 'corpus'; readonly benchmark: Benchmark; readonly transcripts: Transcripts }
  /** Rollouts of the policy as it is, on a benchmark's practice. */
  | { readonly kind: 'practice'; readonly benchmark: Benchmark }

export interface TrainingRequest {
  readonly method: Method
  /** The method's settings, validated. */
  readonly config: JsonObject
  readonly model: OpenModel
  readonly data: TrainingData
  readonly engine: EngineDevice
  readonly seed: number
  readonly steps: number
  /** It begins from an adapter. */
  readonly isContinued: boolean
  readonly shuffleRewards: boolean
  readonly maxContextLen: number | null
  readonly maxResponseLen: number | null
  readonly practice: Pick<PracticeOptions, 'strategy' | 'callBudget' | 'slots' | 'gate' | 'signal' | 'now' | 'keep'>
}

export interface TrainingJob {
  /** Empty when it cannot be known for this method. */
  readonly memory: readonly MemoryPart[]
  readonly notes: readonly string[]
  /** Of a step's practice, for its report. */
  takeMetrics(step: number): Readonly<Record<string, number>>
  generatedTokens(): number
  /** The caller owns the policy. */
  run(context: TrainingContext): Promise<PolicyModel>
  destroy(): Promise<void>
}

export function methodOf(algorithm: string): Method {
  const method = methodNamed(algorithm)
  if (!method.ok) throw new UsageError(method.message)
  return method.value
}

/** Throws one sentence when the method cannot learn from this data. */
export function prepareTraining(request: TrainingRequest): TrainingJob {
  const { method, data } = request
  if (method.name === sft.name) return supervised(request)
  switch (data.kind) {
    case 'files':
      if (method.name === grpo.name)
        throw new UsageError(
          `grpo compares fresh attempts at the same query: it practises with --data BENCHMARK, such as ${DEFAULT_BENCHMARK}.`,
        )
      return method.name === steptoolPpo.name || method.name === archer.name
        ? ofSteps(request, data.labelled)
        : ofEnds(request, data.labelled)
    case 'practice':
      if (!method.isOnline) throw new UsageError(`${method.name} does not practise by itself: name files with --data.`)
      return online(request, data.benchmark)
    case 'corpus':
      throw new UsageError(
        `An expert’s transcripts are for sft; ${method.name} learns from files${method.isOnline ? `, or practises with --data ${data.benchmark.name}` : ''}.`,
      )
  }
}

const idle = { takeMetrics: () => ({}), generatedTokens: () => 0, destroy: () => Promise.resolve() }

function supervised(request: TrainingRequest): TrainingJob {
  const { engine, model, method, seed, steps } = request
  const settings = sft.config.parse(request.config)
  const { samples, notes } = samplesOf(request, settings.tokens_per_batch)
  return {
    ...idle,
    memory: sftMemory(model.config, settings, samples, steps, engine),
    notes: [...method.notesOf(request.config), ...notes],
    run: async (context) => {
      const { policy } = await runSft(context, settings, samples)
      return policy
    },
  }

  function samplesOf(
    { data, maxContextLen, maxResponseLen }: TrainingRequest,
    budget: number,
  ): { samples: SampleSource; notes: readonly string[] } {
    if (data.kind === 'practice') throw new UsageError(`sft learns from data: --data FILE… or --data ${data.benchmark.name}-corpus.`)
    if (data.kind === 'corpus')
      return { samples: expertSamples(data.transcripts, model.tokenizer, { format: requireCallFormat(model), mask: settings }), notes: [] }
    // A sample must fit one micro-batch: unless told otherwise its last completion gets a quarter of it.
    const response = Math.min(maxResponseLen ?? Math.floor(budget / 4), budget - 1)
    const context = Math.min(maxContextLen ?? budget, budget - response)
    const trajectories = data.labelled.map(({ trajectory }) => trajectory)
    const cut = trajectorySamples(trajectories, model.tokenizer, { maxContextLen: context, maxResponseLen: response, seed, mask: settings })
    return { samples: cut.samples, notes: noteOf(cut.sequences, context, response) }
  }
}

const noteOf = (sequences: readonly TokenizedTrajectory[], maxContextLen: number, maxResponseLen: number): string[] => {
  const note = truncationNote(sequences, `max_context_len ${maxContextLen} and max_response_len ${maxResponseLen}`)
  return note === null ? [] : [note]
}

const noPractice = (): Promise<never> => Promise.reject(new Error('training on files does not practise'))

/** What counts is the label of each step. */
function ofSteps(request: TrainingRequest, given: readonly LabelledTrajectory[]): TrainingJob {
  const { method, model } = request
  const labelled = request.shuffleRewards ? shuffledRewards(given, request.seed, 0) : given
  const notes = [...method.notesOf(request.config)]
  const steps = labelled.flatMap(({ rewards }) => rewards)
  const unlabelled = steps.filter((reward) => reward === null).length
  if (unlabelled === steps.length) throw new UsageError('No step of the data has a label: hone annotate labels steps.')
  if (unlabelled > 0) notes.push(`${unlabelled} of ${steps.length} steps have no label.`)
  return {
    ...idle,
    memory: memoryOf(request, (options) =>
      labelled.map(({ trajectory, rewards }) => tokenizeTrajectory(trajectory, rewards, model.tokenizer, options)),
    ),
    notes,
    run: (context) =>
      method.train(context, request.config, { model, data: labelled, practice: noPractice, onNote: (note) => void notes.push(note) }),
  }
}

/** What counts is how a trajectory ended. */
function ofEnds(request: TrainingRequest, given: readonly LabelledTrajectory[]): TrainingJob {
  const { method, model, engine, seed, steps, isContinued } = request
  const labelled = request.shuffleRewards ? shuffledRewards(given, seed, 0) : given
  const problem = whyUntrainable(method.name, request.config, labelled, model, seed)
  if (problem !== null) throw new UsageError(problem)
  const notes = [...method.notesOf(request.config)]
  return {
    ...idle,
    memory: method.memoryOf(request.config, { model, data: labelled, steps, seed, device: engine, isContinued }),
    notes,
    run: (context) =>
      method.train(context, request.config, { model, data: labelled, practice: noPractice, onNote: (note) => void notes.push(note) }),
  }
}

/** Stand-ins for episodes that are not played yet: 60 to 180 tokens, two fifths of them the agent's. */
function likelyEpisodes(count: number, seed: number): TokenizedTrajectory[] {
  const rng = createRng(seed, 80)
  return Array.from({ length: count }, () => {
    const tokens = 60 + rng.int(121)
    const stepOf = Array.from({ length: tokens }, (_, position) => (position < 0.6 * tokens ? -1 : 0))
    const cut = { truncatedTokens: 0, truncatedSteps: [], notTrainedSteps: [] }
    return { trajectoryId: '', ids: stepOf.map(() => 0), stepOf, rewards: [1], stepIndex: [0], ...cut }
  })
}

function online(request: TrainingRequest, benchmark: Benchmark): TrainingJob {
  const { method, model, engine } = request
  const notes = [
    ...method.notesOf(request.config),
    ...(request.shuffleRewards
      ? ['Step rewards were permuted among the steps of each batch, statuses among its attempts: the null experiment.']
      : []),
  ]
  const batch = method.batchOf(request.config)
  const practice = onlinePractice({
    ...request.practice,
    benchmark,
    text: model,
    batch,
    samples: method.samplesOf(request.config),
    seed: request.seed,
    shuffleRewards: request.shuffleRewards,
  })
  return {
    memory: onOnePool(
      memoryOf(request, () => likelyEpisodes(batch * STEPS_LOOKED_AT, request.seed)),
      generationMemory(
        {
          ...{
            config: model.config,
            lora: loraOf(method.trainable(request.config)),
            maxContext: benchmark.limits.maxContext,
            maxNewTokens: benchmark.limits.maxNewTokens,
          },
          slots: request.practice.slots ?? slotsOf(engine.isSoftware),
        },
        engine,
      ),
    ),
    notes,
    takeMetrics: (step) => practice.takeMetrics(step),
    generatedTokens: () => practice.generatedTokens,
    run: (context) =>
      method.train(context, request.config, {
        model,
        data: null,
        practice: (policy, step) => practice.next(policy, step),
        onNote: (note) => void notes.push(note),
      }),
    destroy: () => practice.destroy(),
  }
}

/** Batches looked at to learn which sizes come up. */
const STEPS_LOOKED_AT = 8

/** From the first batches. */
function memoryOf(
  { method, config, model, data, engine, seed, steps, isContinued }: TrainingRequest,
  sequencesOf: (options: Parameters<typeof tokenizeTrajectory>[3]) => readonly TokenizedTrajectory[],
): MemoryPart[] {
  const batchesOf = (sequences: readonly TokenizedTrajectory[], size: number): TokenizedTrajectory[][] =>
    chunk(sequences, size).slice(0, Math.min(steps, STEPS_LOOKED_AT))
  switch (method.name) {
    case grpo.name: {
      const settings = grpo.config.parse(config)
      const batches = batchesOf(sequencesOf(grpoSequenceOptions(settings)), settings.generation_batch_size)
      return grpoMemory(model.config, settings, batches, seed, engine, isContinued)
    }
    case ppo.name:
    case steptoolPpo.name: {
      const settings = method.name === ppo.name ? stepGrained(ppo.config.parse(config)) : steptoolPpo.config.parse(config)
      const batches = batchesOf(sequencesOf(ppoSequenceOptions(settings)), settings.batch_size)
      return ppoMemory(model.config, settings, batches, seed, engine, isContinued)
    }
    case archer.name: {
      const settings = archer.config.parse(config)
      const sequences = sequencesOf(archerSequenceOptions(settings))
      const isGiven = data.kind === 'files'
      const fill = isGiven ? { given: sequences, rollouts: [] } : { given: [], rollouts: batchesOf(sequences, settings.rollout_size) }
      return archerMemory(model.config, settings, fill, steps, seed, engine)
    }
    case rft.name: {
      const settings = rft.config.parse(config)
      const likely = sequencesOf(rftSequenceOptions(settings)).filter(({ ids }) => ids.length <= settings.tokens_per_batch)
      const kept = likely.map((sequence) => ({
        ids: sequence.ids,
        targets: imitatedPositions(sequence, { mask_history: settings.mask_history }),
      }))
      return kept.length === 0 ? [] : sftMemory(model.config, settings, samplesToImitate(kept), steps, engine)
    }
    default:
      return []
  }
}

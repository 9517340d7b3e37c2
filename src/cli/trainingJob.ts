/** One run of `hone train`: where its trajectories come from, and its memory, known beforehand. */
import type { EngineDevice } from '../engine/device/engineDevice'
import { requireCallFormat } from '../agents/callFormats/callFormatFor'
import type { Benchmark, Transcripts } from '../environments/benchmark'
import { DEFAULT_BENCHMARK } from '../studio/defaults'
import { slotsOf } from '../studio/runs/gpuPolicyBackend'
import type { ConfiguredAlgorithm } from '../training/algorithm'
import { variedRollouts } from '../training/batches/expectedEpisodes'
import { expertSamples } from '../training/batches/expertSamples'
import type { LabelledTrajectory } from '../training/batches/labelledTrajectory'
import { loraOf } from '../training/policy/policyPlans'
import type { PolicyModel } from '../training/policy/policyModel'
import { generationMemory, onOnePool, type MemoryPart } from '../training/preflight/memoryPlan'
import type { TrainingContext } from '../training/trainingContext'
import { UsageError } from './command'
import type { OpenModel } from './modelSpec'
import { onlinePractice, shuffledRewards, type PracticeOptions } from './onlinePractice'

/** What a run learns from. */
export type CommandData =
  | { readonly kind: 'files'; readonly labelled: readonly LabelledTrajectory[] }
  /** The transcripts of a benchmark's expert. */
  | { readonly kind: 'transcripts'; readonly benchmark: Benchmark; readonly transcripts: Transcripts }
  /** Rollouts of the policy as it is, on a benchmark's practice. */
  | { readonly kind: 'rollouts'; readonly benchmark: Benchmark }

export interface TrainingRequest {
  readonly configured: ConfiguredAlgorithm
  readonly model: OpenModel
  readonly data: CommandData
  readonly engine: EngineDevice
  readonly seed: number
  readonly steps: number
  readonly shuffleRewards: boolean
  readonly practice: Pick<PracticeOptions, 'strategy' | 'callBudget' | 'slots' | 'gate' | 'signal' | 'now' | 'keep'>
}

export interface TrainingJob {
  readonly memory: readonly MemoryPart[]
  readonly notes: readonly string[]
  /** Of a step's rollouts, for its report. */
  takeMetrics(step: number): Readonly<Record<string, number>>
  generatedTokens(): number
  /** The caller owns the policy. */
  run(context: TrainingContext): Promise<PolicyModel>
  destroy(): Promise<void>
}

/** Throws one sentence when the algorithm cannot learn from this data. */
export function prepareTraining(request: TrainingRequest): TrainingJob {
  const { configured, data, model, engine, seed, steps } = request
  checkKind(configured, data)
  const notes = configured.notes()
  const labelled = data.kind === 'files' ? givenRewards(request, data.labelled, notes) : null
  const transcripts =
    data.kind === 'transcripts'
      ? (mask: { readonly mask_history: boolean }) =>
          expertSamples(data.transcripts, model.tokenizer, { format: requireCallFormat(model), mask })
      : null
  const practice = data.kind === 'rollouts' ? practiceOf(request, data.benchmark, notes) : null
  const own = configured.memory({
    ...{ model, data: labelled, transcripts, steps, seed, device: engine },
    expectedRollouts: (batchSize, count) => variedRollouts(batchSize, count, seed),
  })
  return {
    memory: data.kind === 'rollouts' ? onOnePool(own, actingMemory(request, data.benchmark)) : own,
    notes,
    takeMetrics: (step) => practice?.takeMetrics(step) ?? {},
    generatedTokens: () => practice?.generatedTokens ?? 0,
    run: (context) =>
      configured.train(context, {
        ...{ model, data: labelled, transcripts },
        rollouts: (policy, round) =>
          practice
            ? practice.next(policy, round)
            : Promise.reject(new Error('this run learns from given data and does not roll out its own')),
        onNote: (note) => void notes.push(note),
      }),
    destroy: async () => practice?.destroy(),
  }
}

function actingMemory({ configured, model, engine, practice }: TrainingRequest, { limits }: Benchmark): MemoryPart[] {
  const { maxContext, maxNewTokens } = limits
  const slots = practice.slots ?? slotsOf(engine.isSoftware)
  return generationMemory({ config: model.config, lora: loraOf(configured.trainable), maxContext, maxNewTokens, slots }, engine)
}

function checkKind({ algorithm: { name, learnsFrom } }: ConfiguredAlgorithm, data: CommandData): void {
  const learns = (from: CommandData['kind']): boolean => learnsFrom.includes(from)
  if (learns(data.kind)) return
  switch (data.kind) {
    case 'files':
      throw new UsageError(
        `${name} compares fresh attempts at the same query: it practises with --data BENCHMARK, such as ${DEFAULT_BENCHMARK}.`,
      )
    case 'rollouts':
      throw new UsageError(
        learns('transcripts')
          ? `${name} learns from data: --data FILE… or --data ${data.benchmark.name}-corpus.`
          : `${name} does not practise by itself: name files with --data.`,
      )
    case 'transcripts':
      throw new UsageError(
        `An expert’s transcripts are for imitation; ${name} learns from files${learns('rollouts') ? `, or practises with --data ${data.benchmark.name}` : ''}.`,
      )
  }
}

/** The trajectories with the rewards they are trained on. Throws when the algorithm can learn nothing from them. */
function givenRewards(
  { configured, model, seed, shuffleRewards }: TrainingRequest,
  given: readonly LabelledTrajectory[],
  notes: string[],
): readonly LabelledTrajectory[] {
  const labelled = shuffleRewards ? shuffledRewards(given, seed, 0) : given
  const problem = configured.checkData(labelled, model, seed)
  if (problem !== null) throw new UsageError(problem)
  if (configured.preflight.rewards !== 'steps') return labelled
  const steps = labelled.flatMap(({ rewards }) => rewards)
  const unlabelled = steps.filter((reward) => reward === null).length
  if (unlabelled === steps.length) throw new UsageError('No step of the data has a label: hone annotate labels steps.')
  if (unlabelled > 0) notes.push(`${unlabelled} of ${steps.length} steps have no label.`)
  return labelled
}

function practiceOf({ configured, model, seed, shuffleRewards, practice }: TrainingRequest, benchmark: Benchmark, notes: string[]) {
  if (shuffleRewards)
    notes.push('Step rewards were permuted among the steps of each batch, statuses among its attempts: the null experiment.')
  return onlinePractice({
    ...practice,
    ...{ benchmark, text: model, seed, shuffleRewards },
    batch: configured.batch,
    samples: configured.samplesPerQuery,
  })
}

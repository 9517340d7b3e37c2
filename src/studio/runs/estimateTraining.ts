/** What training would need in memory: its own plans, generation beside them where it practises, and what smaller settings would save. */
import type { PlanContext } from '../../engine/plan/planGraph'
import { WEIGHT_FORMATS } from '../../engine/weightFormat'
import { stepsOf } from '../../records/trajectory'
import type { StoryRequest } from '../../records/requests'
import type { ConfiguredAlgorithm, TranscriptSource } from '../../training/algorithm'
import { DEFAULT_ALGORITHM } from '../../training/algorithms'
import { usualRollouts } from '../../training/batches/expectedEpisodes'
import type { LabelledTrajectory } from '../../training/batches/labelledTrajectory'
import type { TrainableSet } from '../../training/policy/policyPlans'
import { onOnePool } from '../../training/preflight/memoryPlan'
import type { MemoryEstimate, Reply, TrainRequest } from '../../worker/protocol'
import { openDataSource, readableBy } from '../data/dataSources'
import { accept } from '../failure'
import type { JobContext } from '../jobs/jobContext'
import { withPrecision, type ModelText } from '../models/models'
import { algorithmNamed, configureAlgorithm } from './configure'
import { materialOf } from './material'
import { countWithin, largestWeight } from './memoryCounts'
import { verdictOn, type MemoryCount, type MemoryKnob, type MemoryLimits } from './memoryVerdict'
import { storySizes } from './storySize'

type TrainingRequest = TrainRequest | StoryRequest

export interface EstimateParts {
  readonly context: JobContext
  readonly limits: MemoryLimits
  /** The model in the precision it is stored in, and in the precision the request asks for. */
  readonly stored: ModelText
  readonly model: ModelText
  readonly generation: (trainable: TrainableSet) => MemoryCount
}

/** What a run learns from, as far as its memory depends on it. */
interface TrainingSource {
  readonly data: readonly LabelledTrajectory[] | null
  readonly transcripts: TranscriptSource | null
}

/** Trajectories of a data set that are looked at. */
const SAMPLED = 1024
const NO_GENERATION: MemoryCount = { parts: [], largestBinding: 0 }

export async function estimateTraining(request: TrainingRequest, parts: EstimateParts): Promise<Reply<MemoryEstimate>> {
  const { context, limits, model, generation } = parts
  const found = algorithmNamed(request.kind === 'story' ? (request.algorithm ?? DEFAULT_ALGORITHM) : request.algorithm)
  if (!found.ok) return found
  const algorithm = found.value
  const initial = request.kind === 'train' ? await context.initialAdapters.open(request.initAdapter, model, null) : accept(null)
  if (!initial.ok) return initial
  const size = storySizes[request.kind === 'story' ? (request.size ?? (limits.isSoftware ? 'software' : 'gpu')) : 'gpu']
  const configured =
    request.kind === 'story'
      ? configureAlgorithm(algorithm, algorithm.storyDefaults(size))
      : configureAlgorithm(algorithm, request.config, initial.value, request.limits)
  if (!configured.ok) return configured
  const source = await sourceOf(request, configured.value, parts)
  if (!source.ok) return source
  const { data, transcripts } = source.value
  const steps = (request.kind === 'story' ? size.steps : request.steps) ?? configured.value.steps
  const isPractising = data === null && transcripts === null && algorithm.learnsFrom.includes('rollouts')
  const practice = isPractising ? generation(configured.value.trainable) : NO_GENERATION
  const count = (own: ConfiguredAlgorithm, of: ModelText = model): MemoryCount => {
    const plans = (device: PlanContext): MemoryCount['parts'] =>
      own.memory({ model: of, data, transcripts, expectedRollouts: usualRollouts, steps, seed: request.seed, device })
    const planned = countWithin(plans, limits)
    const largestBinding = Math.max(planned.largestBinding, largestWeight(of.config, own.trainable, limits), practice.largestBinding)
    return { parts: onOnePool(planned.parts, practice.parts), largestBinding }
  }
  const planned = count(configured.value)
  const knobs = [
    ...settingKnobs(configured.value, initial.value !== null, count),
    ...precisionKnobs(request, configured.value, parts, count),
  ]
  return accept(verdictOn(planned, limits, knobs))
}

type Count = (configured: ConfiguredAlgorithm, model?: ModelText) => MemoryCount

/**
 * The rank of an adapter that is continued cannot be chosen. A smaller setting that the data does not fit, such as fewer tokens at once than
 * the longest trajectory has, cannot be chosen either: it is left out, and says nothing about the settings that were asked about.
 */
function settingKnobs(configured: ConfiguredAlgorithm, isContinued: boolean, count: Count): MemoryKnob[] {
  const choices = configured
    .smallerSettings()
    .filter(({ configured: own }) => !isContinued || own.settings.lora_r === configured.settings.lora_r)
  return choices.flatMap(({ change, configured: own }) => {
    try {
      return [{ change, count: count(own) }]
    } catch {
      return []
    }
  })
}

/** What is trained is f32 in any case: only a frozen base can be stored in fewer bits. */
function precisionKnobs(request: TrainingRequest, configured: ConfiguredAlgorithm, { stored }: EstimateParts, count: Count): MemoryKnob[] {
  if (request.kind !== 'train' || configured.trainable.kind !== 'lora') return []
  const { dtype = 'f32', kvDtype } = request
  return WEIGHT_FORMATS.slice(WEIGHT_FORMATS.indexOf(dtype) + 1).map((format) => ({
    change: `dtype ${dtype} → ${format}`,
    count: count(configured, withPrecision(stored, format, kvDtype)),
  }))
}

async function sourceOf(
  request: TrainingRequest,
  { algorithm }: ConfiguredAlgorithm,
  { context, model }: EstimateParts,
): Promise<Reply<TrainingSource>> {
  if (request.kind === 'story') return accept({ data: null, transcripts: null })
  const material = request.expert ? await materialOf(request, algorithm, model, context) : accept(null)
  if (!material.ok) return material
  const data = request.data.length === 0 ? null : await sampleOf(request, model.id, context)
  return accept({ data, transcripts: material.value?.transcripts ?? null })
}

/** With the rewards that labels resolve to, because pairs and passes follow from them. */
async function sampleOf(
  request: TrainRequest,
  modelId: string,
  { store, labels }: JobContext,
): Promise<readonly LabelledTrajectory[] | null> {
  const sample: LabelledTrajectory[] = []
  const wanted = Math.min(SAMPLED, request.rowLimit ?? SAMPLED)
  for (const id of request.data) {
    const source = await openDataSource(store, id)
    if (!source.ok) continue
    for (const stored of source.value.trajectories.slice(0, wanted - sample.length))
      if (stepsOf(stored).length > 0)
        sample.push({ trajectory: readableBy(source.value, modelId, stored), rewards: await labels.rewards(stored) })
  }
  return sample.length === 0 ? null : sample
}

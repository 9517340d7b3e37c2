/** What a request would need in memory, by its kind. A plan needs no device, so this answers before one is opened. */
import { KV_DTYPES } from '../../engine/ops/kvCache'
import { WEIGHT_FORMATS } from '../../engine/weightFormat'
import type { EvaluateRequest, RolloutRequest, StoryRequest } from '../../records/requests'
import { loraOf, type TrainableSet } from '../../training/policy/policyPlans'
import { generationMemory, onOnePool, policyMemory } from '../../training/preflight/memoryPlan'
import type { JobRequest, MemoryEstimate, Reply, TrainRequest } from '../../worker/protocol'
import { accept, attempt, refuse } from '../failure'
import type { JobContext } from '../jobs/jobContext'
import { STARTER, withCallFormat, withPrecision, type ModelText } from '../models/models'
import { limitsFor } from './episodeLimits'
import { estimateTraining, type EstimateParts } from './estimateTraining'
import { slotsOf } from './gpuPolicyBackend'
import { countWithin, largestWeight, memoryLimits } from './memoryCounts'
import { verdictOn, type MemoryCount } from './memoryVerdict'
import { plainTrainable } from './policyBackend'
import { worldOf } from '../worlds/worlds'

type ActingRequest = EvaluateRequest | RolloutRequest
type GpuRequest = TrainRequest | StoryRequest | ActingRequest

/** @param memoryBytes what the GPU has, as the person says. */
export function estimateJob(request: JobRequest, context: JobContext, memoryBytes?: number): Promise<Reply<MemoryEstimate>> {
  return attempt('estimate', async () => {
    if (request.kind === 'download') return refuse('no-gpu-needed', 'A download goes to storage: it needs no memory here.')
    if (request.kind === 'judge') return refuse('no-gpu-needed', 'A judge runs on its own server: it needs no memory here.')
    if (request.kind === 'merge')
      return refuse(
        'no-estimate',
        'Merging needs memory for one tensor at a time, and the comparison after it needs as much as an evaluation.',
      )
    const parts = await estimateParts(request, context, memoryBytes)
    if (!parts.ok) return parts
    return isActing(request) ? accept(estimateActing(parts.value)) : estimateTraining(request, parts.value)
  })
}

async function estimateParts(request: GpuRequest, context: JobContext, memoryBytes: number | undefined): Promise<Reply<EstimateParts>> {
  if (isActing(request) && request.server) return refuse('no-gpu', 'A server’s model needs no memory of this GPU.')
  const stored = await (request.kind === 'story' ? context.models.text(STARTER) : context.models.text(request.model, request.seed))
  if (!stored.ok) return stored
  const model = await withAskedPrecision(request, stored.value, context)
  const benchmark = await context.worlds.benchmark(request.benchmark, request.kind === 'story' ? {} : worldOf(request))
  if (!benchmark.ok) return benchmark
  const { maxContext, maxNewTokens } = limitsFor(benchmark.value.limits, withCallFormat(model, request.kind === 'story' ? {} : request))
  const limits = memoryLimits(context.gpu.known(), memoryBytes)
  const generation = (trainable: TrainableSet): MemoryCount => {
    const slots = slotsAsked(request) ?? slotsOf(limits.isSoftware)
    const size = { config: model.config, lora: loraOf(trainable), slots, maxContext, maxNewTokens }
    return countWithin((device) => generationMemory(size, device), limits)
  }
  return accept({ context, limits, stored: stored.value, model, generation })
}

/** An adapter is evaluated on the base as it was trained on, unless the request says otherwise. */
async function withAskedPrecision(request: GpuRequest, stored: ModelText, { store }: JobContext): Promise<ModelText> {
  const source = isActing(request) && request.adapterOf !== null ? await store.runs.get(request.adapterOf) : null
  const asked: Pick<TrainRequest, 'dtype' | 'kvDtype'> = request.kind === 'story' ? {} : request
  const dtype = asked.dtype ?? WEIGHT_FORMATS.find((one) => one === source?.config.dtype) ?? 'f32'
  return withPrecision(stored, dtype, asked.kvDtype ?? KV_DTYPES.find((one) => one === source?.config.kv_dtype))
}

function estimateActing({ limits, model: { config }, generation }: EstimateParts): MemoryEstimate {
  const { parts, largestBinding } = generation(plainTrainable)
  const count = {
    parts: onOnePool(policyMemory(config, plainTrainable, []), parts),
    largestBinding: Math.max(largestWeight(config, plainTrainable, limits), largestBinding),
  }
  return verdictOn(count, limits, [])
}

const isActing = (request: GpuRequest): request is ActingRequest => request.kind === 'evaluate' || request.kind === 'rollout'

function slotsAsked(request: GpuRequest): number | undefined {
  if (request.kind === 'train') return request.practice?.slots
  return isActing(request) ? request.slots : undefined
}

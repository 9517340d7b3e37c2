/** What a request would need in memory, by its kind. A plan needs no device, so this answers before one is opened. */
import { DEFAULT_ALGORITHM } from '../../training/algorithms'
import { stepsOf } from '../../records/trajectory'
import type { PlanContext } from '../../engine/plan/planGraph'
import { packedLayout } from '../../engine/memory/packedState'
import { KV_DTYPES } from '../../engine/ops/kvCache'
import { bytesOf } from '../../engine/tensor'
import { WEIGHT_FORMATS } from '../../engine/weightFormat'
import type { ModelConfig } from '../../models/architectures/config'
import { storedSpec } from '../../models/architectures/decoder'
import { architectureOf } from '../../models/languageModel'
import { generationMemory, onOnePool, policyMemory } from '../../training/preflight/memoryPlan'
import type { ConfiguredAlgorithm } from '../../training/algorithm'
import { usualRollouts } from '../../training/batches/expectedEpisodes'
import { loraOf, trainableEntries, type TrainableSet } from '../../training/policy/policyPlans'
import type { JobRequest, MemoryEstimate, Reply, TrainRequest } from '../../worker/protocol'
import { datasetTrajectories } from '../data/datasetOrder'
import { materialOf } from './material'
import { verdictOn, type MemoryCount, type MemoryLimits } from './memoryVerdict'
import { accept, attempt, refuse } from '../failure'
import { algorithmNamed, configureAlgorithm } from './configure'
import { slotsOf } from './gpuPolicyBackend'
import type { JobContext } from '../jobs/jobContext'
import { withPrecision, STARTER, type ModelText } from '../models/models'
import { storySizes } from './storyJob'
import { plainTrainable } from './policyBackend'
import type { LabelledTrajectory } from '../../training/batches/labelledTrajectory'

const GUESSED_BUDGET_BYTES = { software: 2e9, gpu: 4e9 } as const
const DEFAULT_BINDING_BYTES = 128 << 20
/** Trajectories of a data set that are looked at. */
const SAMPLED = 1024

/** @param memoryBytes what the GPU has, as the person says. */
export function estimateJob(request: JobRequest, context: JobContext, memoryBytes?: number): Promise<Reply<MemoryEstimate>> {
  return attempt('estimate', async () => {
    if (request.kind === 'download') return refuse('no-gpu-needed', 'A download goes to storage: it needs no memory here.')
    if (request.kind === 'judge') return refuse('no-gpu-needed', 'A judge runs on its own server: it needs no memory here.')
    if (request.kind === 'merge') return refuse('no-estimate', 'Merging takes a tensor at a time, and comparing what one evaluation does.')
    const stored = await (request.kind === 'story' ? context.models.text(STARTER) : context.models.text(request.model, request.seed))
    if (!stored.ok) return stored
    // An adapter sits an exam on the base it was trained on.
    const source =
      (request.kind === 'evaluate' || request.kind === 'rollout') && request.adapterOf !== null
        ? await context.store.runs.get(request.adapterOf)
        : null
    const asked: Pick<TrainRequest, 'dtype' | 'kvDtype'> = request.kind === 'story' ? {} : request
    const dtype = asked.dtype ?? WEIGHT_FORMATS.find((one) => one === source?.config.dtype) ?? 'f32'
    const kvDtype = asked.kvDtype ?? KV_DTYPES.find((one) => one === source?.config.kv_dtype)
    const model = withPrecision(stored.value, dtype, kvDtype)
    const { config } = model
    const known = context.worlds.benchmark(request.benchmark)
    if (!known.ok) return known
    const { maxContext, maxNewTokens } = known.value.limits
    const limits = limitsOf(context, memoryBytes)
    const generationUnder = (trainable: TrainableSet): MemoryCount => {
      const size = {
        config,
        lora: loraOf(trainable),
        slots: slotsAsked(request) ?? slotsOf(limits.isSoftware),
        maxContext,
        maxNewTokens,
      }
      return within((device) => generationMemory(size, device), limits)
    }
    if (request.kind === 'evaluate' || request.kind === 'rollout') {
      const generation = generationUnder(plainTrainable)
      const parts = onOnePool(policyMemory(config, plainTrainable, []), generation.parts)
      return accept(
        verdictOn(
          { parts, largestBinding: Math.max(largestWeight(config, plainTrainable, limits), generation.largestBinding) },
          limits,
          [],
        ),
      )
    }

    const found = algorithmNamed(request.kind === 'story' ? (request.algorithm ?? DEFAULT_ALGORITHM) : request.algorithm)
    if (!found.ok) return found
    const algorithm = found.value
    const size = storySizes[request.kind === 'story' ? (request.size ?? (limits.isSoftware ? 'software' : 'gpu')) : 'gpu']
    const begun = request.kind === 'train' ? await context.initialAdapters.open(request.initAdapter, model, null) : accept(null)
    if (!begun.ok) return begun
    const isContinued = begun.value !== null
    const settled = configureAlgorithm(
      algorithm,
      request.kind === 'story' ? algorithm.storyDefaults(size) : request.config,
      begun.value,
      request.kind === 'train' ? request.limits : {},
    )
    if (!settled.ok) return settled
    const configured = settled.value
    const material = request.kind === 'train' && request.expert ? await materialOf(request, algorithm, model, context) : accept(null)
    if (!material.ok) return material
    const transcripts = material.value?.transcripts ?? null
    const data = request.kind === 'story' || request.data.length === 0 ? null : await sampleOf(request, context)
    const steps = (request.kind === 'story' ? size.steps : request.steps) ?? configured.steps
    const isPractising = data === null && transcripts === null && algorithm.learnsFrom.includes('rollouts')
    const generation = isPractising ? generationUnder(configured.trainable) : { parts: [], largestBinding: 0 }
    const count = (own: ConfiguredAlgorithm, held: ModelText = model): MemoryCount => {
      const { trainable } = own
      const under = (device: PlanContext): MemoryCount['parts'] =>
        own.memory({ model: held, data, transcripts, expectedRollouts: usualRollouts, steps, seed: request.seed, device })
      const planned = within(under, limits)
      return {
        parts: onOnePool(planned.parts, generation.parts),
        largestBinding: Math.max(planned.largestBinding, largestWeight(held.config, trainable, limits), generation.largestBinding),
      }
    }
    // The rank of an adapter that is there is no choice.
    const choices = configured
      .smallerSettings()
      .filter(({ configured: own }) => !isContinued || own.settings.lora_r === configured.settings.lora_r)
    const knobs = choices.map(({ change, configured: own }) => ({ change, count: count(own) }))
    // What is trained is f32 anyway: only a frozen base can be held in fewer bits.
    const isFrozen = configured.trainable.kind === 'lora'
    const smaller = request.kind === 'train' && isFrozen ? WEIGHT_FORMATS.slice(WEIGHT_FORMATS.indexOf(dtype) + 1) : []
    const held = smaller.map((format) => ({
      change: `dtype ${dtype} → ${format}`,
      count: count(configured, withPrecision(stored.value, format, kvDtype)),
    }))
    return accept(verdictOn(count(configured), limits, [...knobs, ...held]))
  })
}

function limitsOf({ gpu }: JobContext, memoryBytes: number | undefined): MemoryLimits {
  const report = gpu.known()
  const isSoftware = report?.isSoftware ?? false
  return {
    maxBindingBytes: report?.limits.maxStorageBufferBindingSize ?? DEFAULT_BINDING_BYTES,
    isSoftware,
    budgetBytes: memoryBytes ?? (isSoftware ? GUESSED_BUDGET_BYTES.software : GUESSED_BUDGET_BYTES.gpu),
    isGuessed: memoryBytes === undefined,
  }
}

/** Which kernels run does not change the memory. A plan this device could not run still says how large it would be, and which binding was too long. */
function within(plan: (device: PlanContext) => MemoryCount['parts'], { maxBindingBytes, isSoftware }: MemoryLimits): MemoryCount {
  try {
    return { parts: plan({ maxBindingBytes, isSoftware, subgroupSize: null }), largestBinding: 0 }
  } catch (error) {
    const binds = /binds (\d+) bytes at once/.exec(error instanceof Error ? error.message : '')?.[1]
    if (binds === undefined) throw error
    return { parts: plan({ maxBindingBytes: Number.MAX_SAFE_INTEGER, isSoftware, subgroupSize: null }), largestBinding: Number(binds) }
  }
}

/** The packed buffer of what is trained, or the largest weight: what is longer than a binding is bound in parts. */
function largestWeight(config: ModelConfig, trainable: TrainableSet, { maxBindingBytes }: MemoryLimits): number {
  const { ranges, count } = packedLayout(trainableEntries(config, trainable))
  const frozen = Object.entries(architectureOf(config).parameters(config)).map(([name, shape]) =>
    ranges.has(name) ? 0 : bytesOf(storedSpec(config, name, shape)),
  )
  return Math.min(maxBindingBytes, Math.max(count * 4, ...frozen))
}

/** With the rewards that labels resolve to, because pairs and passes follow from them. */
async function sampleOf(request: TrainRequest, { store, labels }: JobContext): Promise<readonly LabelledTrajectory[] | null> {
  const sample: LabelledTrajectory[] = []
  const wanted = Math.min(SAMPLED, request.rowLimit ?? SAMPLED)
  for (const id of request.data)
    for (const trajectory of (await datasetTrajectories(store, id)).slice(0, wanted - sample.length))
      if (stepsOf(trajectory).length > 0) sample.push({ trajectory, rewards: await labels.rewards(trajectory) })
  return sample.length === 0 ? null : sample
}

function slotsAsked(request: JobRequest): number | undefined {
  if (request.kind === 'train') return request.practice?.slots
  return request.kind === 'evaluate' || request.kind === 'rollout' ? request.slots : undefined
}

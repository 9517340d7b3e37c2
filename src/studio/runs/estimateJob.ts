/** What a request would need in memory, by its kind. A plan needs no device, so this answers before one is opened. */
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
import type { JobRequest, MemoryEstimate, Reply } from '../../worker/protocol'
import { verdictOn, type MemoryCount, type MemoryLimits } from './memoryVerdict'
import { accept, attempt, refuse } from '../failure'
import { algorithmNamed, configureAlgorithm } from './configure'
import { slotsOf } from './gpuPolicyBackend'
import type { JobContext } from '../jobs/jobContext'
import { withPrecision, STARTER, type ModelText } from '../models/models'
import { DEFAULT_STORY_ALGORITHM } from '../defaults'
import { storySizes } from './storyJob'
import { plainTrainable } from './policyBackend'
import type { LabelledTrajectory } from '../../training/batches/labelledTrajectory'

const GUESSED_BUDGET_BYTES = { software: 2e9, gpu: 4e9 } as const
const DEFAULT_BINDING_BYTES = 128 << 20
/** Trajectories of a data set that are looked at. */
const SAMPLED = 256

/** @param memoryBytes what the GPU has, as the person says. */
export function estimateJob(request: JobRequest, room: JobContext, memoryBytes?: number): Promise<Reply<MemoryEstimate>> {
  return attempt('estimate', async () => {
    if (request.kind === 'download') return refuse('no-gpu-needed', 'A download goes to storage: it needs no memory here.')
    if (request.kind === 'judge') return refuse('no-gpu-needed', 'A judge runs on its own server: it needs no memory here.')
    if (request.kind === 'merge') return refuse('no-estimate', 'Merging takes a tensor at a time, and comparing what one evaluation does.')
    const stored = await room.models.text(request.kind === 'story' ? STARTER : request.model)
    if (!stored.ok) return stored
    // An adapter sits an exam on the base it was trained on.
    const source = request.kind === 'evaluate' && request.adapterOf !== null ? await room.store.runs.get(request.adapterOf) : null
    const dtype = (request.kind === 'train' ? request.dtype : WEIGHT_FORMATS.find((one) => one === source?.config.dtype)) ?? 'f32'
    const kvDtype = request.kind === 'train' ? request.kvDtype : KV_DTYPES.find((one) => one === source?.config.kv_dtype)
    const model = withPrecision(stored.value, dtype, kvDtype)
    const { config } = model
    const known = room.worlds.benchmark(request.benchmark)
    if (!known.ok) return known
    const { maxContext, maxNewTokens } = known.value.limits
    const limits = limitsOf(room, memoryBytes)
    const generationUnder = (trainable: TrainableSet): MemoryCount => {
      const size = {
        config,
        lora: loraOf(trainable),
        slots: slotsOf(limits.isSoftware),
        maxContext,
        maxNewTokens,
      }
      return within((device) => generationMemory(size, device), limits)
    }
    if (request.kind === 'evaluate') {
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

    const found = algorithmNamed(request.kind === 'story' ? (request.algorithm ?? DEFAULT_STORY_ALGORITHM) : request.algorithm)
    if (!found.ok) return found
    const algorithm = found.value
    const size = storySizes[request.kind === 'story' ? (request.size ?? (limits.isSoftware ? 'software' : 'gpu')) : 'gpu']
    const begun = request.kind === 'train' ? await room.starts.open(request.initAdapter, model, null) : accept(null)
    if (!begun.ok) return begun
    const isContinued = begun.value !== null
    const settled = configureAlgorithm(algorithm, request.kind === 'story' ? algorithm.storyDefaults(size) : request.config, begun.value)
    if (!settled.ok) return settled
    const configured = settled.value
    const data = request.kind === 'story' || request.data.length === 0 ? null : await sampleOf(request.data, room)
    const steps = (request.kind === 'story' ? size.steps : request.steps) ?? configured.steps
    const isPractising = data === null && algorithm.learnsFrom.includes('rollouts')
    const generation = isPractising ? generationUnder(configured.trainable) : { parts: [], largestBinding: 0 }
    const count = (own: ConfiguredAlgorithm, held: ModelText = model): MemoryCount => {
      const { trainable } = own
      const under = (device: PlanContext): MemoryCount['parts'] =>
        own.memory({ model: held, data, expectedRollouts: usualRollouts, steps, seed: request.seed, device })
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

/** Labels do not matter for memory: every step counts as labelled. */
async function sampleOf(data: readonly string[], { store }: JobContext): Promise<readonly LabelledTrajectory[] | null> {
  const sample: LabelledTrajectory[] = []
  for (const dataset_id of data)
    for (const trajectory of (await store.trajectories.listOf({ dataset_id })).records.slice(0, SAMPLED - sample.length))
      if (stepsOf(trajectory).length > 0) sample.push({ trajectory, rewards: stepsOf(trajectory).map(() => 0) })
  return sample.length === 0 ? null : sample
}

/** What a request would need in memory, by its kind. */
import { buildPpoSequence } from '../training/ppoSequence'
import type { JobRequest, MemoryEstimate, Reply } from '../worker/protocol'
import { estimateMemory, type MemoryKnob, type MemoryShape } from './estimate'
import { accept, attempt, refuse } from './failure'
import { MAX_CONTEXT, slotsOf } from './gpuWorkshop'
import type { JobRoom } from './jobRoom'
import type { Method } from './methods'
import { STARTER, type ModelText } from './models'
import { DEFAULT_STORY_ALGORITHM, storySizes } from './storyJob'
import { plainTrainable } from './workshop'

/** Trajectories looked at for the longest. */
const SAMPLED = 64
/** 99 of 100 episodes of the starter world are shorter, and a third of their tokens is the agent's. */
const STARTER_LONGEST = 160
const GUESSED_BUDGET_BYTES = { software: 2e9, gpu: 4e9 } as const
const DEFAULT_BINDING_BYTES = 128 << 20

interface Lengths {
  readonly longest: number
  /** Share of tokens that carry loss. */
  readonly trainedShare: number
}

export function estimateJob(request: JobRequest, room: JobRoom): Promise<Reply<MemoryEstimate>> {
  return attempt('estimate', async () => {
    if (request.kind === 'judge') return refuse('no-gpu-needed', 'A judge runs on its own server: it needs no memory here.')
    const model = await room.models.text(request.kind === 'story' ? STARTER : request.model)
    if (!model.ok) return model
    const report = room.gpu.known()
    const isSoftware = report?.isSoftware ?? false
    const limits = { maxBindingBytes: report?.limits.maxStorageBufferBindingSize ?? DEFAULT_BINDING_BYTES, isSoftware, budgetBytes: isSoftware ? GUESSED_BUDGET_BYTES.software : GUESSED_BUDGET_BYTES.gpu }
    const { config } = model.value
    const generation = { slots: slotsOf(isSoftware), maxContext: Math.min(MAX_CONTEXT, config.max_position_embeddings) }
    if (request.kind === 'evaluate') return accept(estimateMemory({ config, training: { trainable: plainTrainable, tokens: 256, targets: 256 }, generation }, limits, []))

    const method = room.method(request.kind === 'story' ? (request.algorithm ?? DEFAULT_STORY_ALGORITHM) : request.algorithm)
    if (!method.ok) return method
    const size = storySizes[request.kind === 'story' ? (request.size ?? (isSoftware ? 'software' : 'gpu')) : 'gpu']
    const settings = method.value.parseConfig(request.kind === 'story' ? method.value.storyConfig(size.batch, size.steps) : request.config)
    if (!settings.ok) return settings
    const isOnline = request.kind === 'story' || request.data.length === 0
    const lengths = isOnline ? { longest: STARTER_LONGEST, trainedShare: 0.4 } : await lengthsOf(request.data, model.value, method.value, settings.value, room)
    const shapeOf = (own: typeof settings.value): MemoryShape => {
      const { trainable, tokens } = method.value.memoryOf(own, lengths.longest)
      return { config, training: { trainable, tokens, targets: Math.max(1, Math.ceil(tokens * lengths.trainedShare)) }, generation: isOnline ? generation : null }
    }
    const knobs: MemoryKnob[] = method.value.knobsOf(settings.value).map(({ change, config: own }) => ({ change, shape: shapeOf(own) }))
    return accept(estimateMemory(shapeOf(settings.value), limits, knobs))
  })
}

/** The longest of the first trajectories, uncut. */
async function lengthsOf(data: readonly string[], { tokenizer }: ModelText, method: Method, config: Readonly<Record<string, unknown>>, { store }: JobRoom): Promise<Lengths> {
  let longest = 1
  let tokens = 0
  let trained = 0
  let left = SAMPLED
  for (const dataset_id of data) {
    for (const trajectory of (await store.trajectories.listOf({ dataset_id })).records.slice(0, left)) {
      if (trajectory.steps.length === 0) continue
      const sequence = buildPpoSequence(trajectory, trajectory.steps.map(() => null), tokenizer, { maxContextLen: Number.MAX_SAFE_INTEGER, maxResponseLen: Number.MAX_SAFE_INTEGER, encoding: 'auto' })
      longest = Math.max(longest, sequence.ids.length)
      tokens += sequence.ids.length
      trained += sequence.stepOf.filter((step) => step >= 0).length
      left -= 1
    }
  }
  // What a batch can hold at most decides when nothing is known of the data.
  return tokens === 0 ? { longest: method.memoryOf(config, Number.MAX_SAFE_INTEGER).tokens, trainedShare: 0.5 } : { longest, trainedShare: trained / tokens }
}

/** The plans of batched generation and the sizes of their buffers. They touch no device, so their memory is known before anything is allocated. */
import type { EngineDevice } from '../engine/device/engineDevice'
import { gatherRows } from '../engine/ops/gatherRows'
import { BLOCK_TOKENS, cachedAttention, kvWrite } from '../engine/ops/kvCache'
import { linear } from '../engine/ops/linear'
import { sample, seenWords, SLOT_WORDS } from '../engine/ops/sample'
import { planGraph } from '../engine/plan/planGraph'
import type { Plan, PlanContext } from '../engine/plan/planGraph'
import { bytesOf, Graph } from '../engine/tensor'
import type { Tensor } from '../engine/tensor'
import type { ModelConfig } from './architectures/config'
import { batchTensors, headWeight } from './architectures/decoder'
import type { LoraShape } from './architectures/decoder'
import { architectureOf, isStreamed } from './languageModel'

export interface GenerationShape {
  readonly config: ModelConfig
  readonly lora: LoraShape | null
  /** Sequences generated at once. */
  readonly slots: number
  /** Blocks one sequence may have. */
  readonly blocksPerSlot: number
  /** Blocks of all sequences. */
  readonly blocks: number
  /** The maximum number of new tokens of one extend. */
  readonly maxNewTokens: number
}

export type GenerationSize = Pick<GenerationShape, 'config' | 'lora' | 'slots' | 'maxNewTokens'> & {
  readonly maxContext: number
  /** When absent, every slot can be filled. One sequence of full length always fits. */
  readonly blocks?: number | undefined
}

export function generationShape({ maxContext, blocks, ...size }: GenerationSize): GenerationShape {
  const blocksPerSlot = Math.ceil(Math.min(maxContext, size.config.max_position_embeddings) / BLOCK_TOKENS)
  return { ...size, blocksPerSlot, blocks: Math.max(blocksPerSlot, blocks ?? size.slots * blocksPerSlot) }
}

/** The token counts for which extend is planned; longer texts are appended in several batches. The sizes are fixed, so that there are few plans. */
export const LARGEST_EXTEND = 2048
export const EXTEND_BUCKETS = [32, 128, 512, LARGEST_EXTEND] as const

/** The bytes of the keys, or of the values, of one layer in one block. */
export const blockBytes = ({ config, blocks }: Pick<GenerationShape, 'config' | 'blocks'>): number => cacheBytes(config, blocks) / blocks

const cacheBytes = (config: ModelConfig, blocks: number): number =>
  bytesOf({ shape: [blocks * BLOCK_TOKENS, config.num_key_value_heads * config.head_dim], dtype: config.kv_dtype })

/** The bytes of each buffer that only generation uses. */
export function generationBuffers({ config, slots, blocksPerSlot, blocks, maxNewTokens }: GenerationShape): Map<string, number> {
  const cache = cacheBytes(config, blocks)
  const sizes = new Map<string, number>()
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    sizes.set(`cache.${layer}.keys`, cache)
    sizes.set(`cache.${layer}.values`, cache)
  }
  sizes.set('gen.copy', 2 * config.num_hidden_layers * blockBytes({ config, blocks }))
  sizes.set('gen.state', stateRows(slots, config) * SLOT_WORDS * 4)
  for (const name of ['gen.ids', 'gen.positions', 'gen.slots', 'gen.all']) sizes.set(name, slots * 4)
  sizes.set('gen.record', slots * maxNewTokens * 8)
  sizes.set('gen.counts', 16)
  sizes.set('gen.table', slots * blocksPerSlot * 4)
  return sizes
}

/** The rows of `gen.state` [rows, SLOT_WORDS]: one per slot, then the bits of the tokens that each slot has seen. */
const stateRows = (slots: number, config: ModelConfig): number => slots + Math.ceil((slots * seenWords(config.vocab_size)) / SLOT_WORDS)

/** Plans one extend: it appends up to `tokens` tokens to the contexts of their slots, and samples the first new token of each slot whose text is complete. */
export function extendPlan(shape: GenerationShape, tokens: number, context: PlanContext): Plan {
  const { config, slots } = shape
  const graph = new Graph()
  const batch = batchTensors(graph, tokens, config.vocab_size)
  const hidden = forward(graph, shape, batch, { slots: graph.batch('slots', [tokens], 'u32'), isDecode: false })
  const picked = gatherRows(hidden, graph.batch('rowOf', [slots], 'u32'), batch.counts, graph.batch('targetOf', [tokens], 'u32'))
  sampleRows(graph, shape, picked, batch.counts, graph.batch('rowSlots', [slots], 'u32'))
  return planGraph(graph, context)
}

/** Plans one decode step: it samples one token for every slot that is active. */
export function decodePlan(shape: GenerationShape, context: PlanContext): Plan {
  const { config, slots } = shape
  const graph = new Graph()
  const counts = graph.state('gen.counts', [4], 'u32')
  const batch = {
    ...batchTensors(graph, slots, config.vocab_size),
    ids: graph.state('gen.ids', [slots], 'u32'),
    positions: graph.state('gen.positions', [slots], 'u32'),
    counts,
  }
  const hidden = forward(graph, shape, batch, { slots: graph.state('gen.slots', [slots], 'u32'), isDecode: true })
  sampleRows(graph, shape, hidden, counts, graph.state('gen.all', [slots], 'u32'))
  return planGraph(graph, context)
}

/**
 * Compiles the kernels of generation before the weights of a large model are read. Kernels depend on widths and slots, not on the number of
 * layers, so the plans of two layers contain all of them.
 */
export function compileGenerationAhead(engine: EngineDevice, size: GenerationSize): void {
  if (!isStreamed(size.config)) return
  const shape = generationShape({ ...size, config: { ...size.config, num_hidden_layers: Math.min(2, size.config.num_hidden_layers) } })
  for (const { dispatches } of [extendPlan(shape, EXTEND_BUCKETS[0], engine), decodePlan(shape, engine)])
    // A kernel that does not compile throws when it is requested again.
    for (const { dispatch } of dispatches) engine.kernel(dispatch).catch(() => undefined)
}

function forward(
  graph: Graph,
  shape: GenerationShape,
  batch: ReturnType<typeof batchTensors>,
  { slots, isDecode }: { readonly slots: Tensor; readonly isDecode: boolean },
): Tensor {
  const { config, lora } = shape
  const width = config.num_key_value_heads * config.head_dim
  const rows = shape.blocks * BLOCK_TOKENS
  const place = {
    slots,
    positions: batch.positions,
    blockTable: graph.state('gen.table', [shape.slots, shape.blocksPerSlot], 'u32'),
    counts: batch.counts,
  }
  return architectureOf(config).forward({
    graph,
    config,
    batch,
    lora,
    attend: (layer, q, k, v) => {
      const keys = graph.state(`cache.${layer}.keys`, [rows, width], config.kv_dtype)
      const values = graph.state(`cache.${layer}.values`, [rows, width], config.kv_dtype)
      kvWrite(k, v, place, keys, values)
      return cachedAttention(q, keys, values, place, {
        heads: config.num_attention_heads,
        kvHeads: config.num_key_value_heads,
        headDim: config.head_dim,
        isDecode,
      })
    },
  })
}

function sampleRows(graph: Graph, shape: GenerationShape, hidden: Tensor, counts: Tensor, rowSlots: Tensor): void {
  const { config, slots, maxNewTokens } = shape
  const logits = linear(hidden, headWeight(graph, config), counts, { rowCount: 'targets' })
  const state = {
    slotState: graph.state('gen.state', [stateRows(slots, config), SLOT_WORDS], 'u32'),
    ids: graph.state('gen.ids', [slots], 'u32'),
    positions: graph.state('gen.positions', [slots], 'u32'),
    slots: graph.state('gen.slots', [slots], 'u32'),
    record: graph.state('gen.record', [slots, maxNewTokens, 2], 'u32'),
  }
  sample(logits, rowSlots, counts, state, { limit: maxNewTokens, vocabulary: config.vocab_size })
}

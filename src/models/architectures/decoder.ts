/**
 * A decoder-only transformer as symbolic ops: RMSNorm, rotary attention with grouped key heads, SwiGLU, pre-norm residuals.
 * Architectures of this shape differ in which projections have a bias and in whether queries and keys are normalised by head.
 */
import { attention } from '../../engine/ops/attention'
import { dropout } from '../../engine/ops/dropout'
import { embedding } from '../../engine/ops/embedding'
import { linear } from '../../engine/ops/linear'
import { rmsNorm } from '../../engine/ops/rmsNorm'
import { rope } from '../../engine/ops/rope'
import { roundHalf } from '../../engine/ops/roundHalf'
import { swiglu } from '../../engine/ops/swiglu'
import { fits, isInteger } from '../../engine/weightFormat'
import type { WeightFormat } from '../../engine/weightFormat'
import type { Graph, Tensor } from '../../engine/tensor'
import type { ModelConfig } from './modelConfig'

export const EMBEDDING = 'model.embed_tokens.weight'
export const HEAD = 'lm_head.weight'

export const PROJECTIONS = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'] as const
export type Projection = (typeof PROJECTIONS)[number]

export interface LoraShape {
  readonly rank: number
  readonly alpha: number
  readonly targets: readonly Projection[]
  /** Whether the adapter is scaled by alpha / √rank (Kalajdzievski 2023) instead of alpha / rank. */
  readonly useRslora?: boolean
  /** Share of a module's inputs that its adapter does not see in training. */
  readonly dropout?: number
}

/** The factor of an adapter's product. */
export const loraScaling = ({ rank, alpha, useRslora = false }: Pick<LoraShape, 'rank' | 'alpha' | 'useRslora'>): number =>
  alpha / (useRslora ? Math.sqrt(rank) : rank)

/** The packed batch as symbolic tensors. T tokens and R targets are bucket sizes; live counts are in `counts`. */
export interface BatchTensors {
  readonly ids: Tensor
  readonly positions: Tensor
  /** [T + 1, 2]: live tokens, then start and end of each token's segment. */
  readonly spans: Tensor
  /** [4]: live tokens, live targets, live sequences, 0. */
  readonly counts: Tensor
  readonly order: Tensor
  readonly starts: Tensor
}

export function batchTensors(graph: Graph, tokens: number, vocabulary: number): BatchTensors {
  return {
    ids: graph.batch('ids', [tokens], 'u32'),
    positions: graph.batch('positions', [tokens], 'u32'),
    spans: graph.batch('spans', [tokens + 1, 2], 'u32'),
    counts: graph.batch('counts', [4], 'u32'),
    order: graph.batch('order', [tokens], 'u32'),
    starts: graph.batch('starts', [vocabulary + 1], 'u32'),
  }
}

export interface DecoderGraph {
  readonly graph: Graph
  readonly config: ModelConfig
  readonly batch: BatchTensors
  readonly lora: LoraShape | null
  /** Whether all parameters are trained, so that none is packed. */
  readonly trained?: boolean
  /** [3]: what the masks of an adapter's dropout are made of. When absent, nothing is dropped, as in evaluation. */
  readonly dropoutState?: Tensor
  /** Attention of one layer; by default causal attention inside the packed batch. Generation reads a cache instead. */
  readonly attend?: Attend
}

/** o [T, heads·headDim] from rotated q, k and v of one layer. */
export type Attend = (layer: number, q: Tensor, k: Tensor, v: Tensor) => Tensor

/** Module path of a projection, as Hugging Face names it. */
export function projectionPath(layer: number, projection: Projection): string {
  const block = projection.endsWith('_proj') && ['q_proj', 'k_proj', 'v_proj', 'o_proj'].includes(projection) ? 'self_attn' : 'mlp'
  return `model.layers.${layer}.${block}.${projection}`
}

/** [out, in] of a projection. */
export function projectionShape(config: ModelConfig, projection: Projection): readonly [number, number] {
  const { hidden_size: hidden, intermediate_size: inner, head_dim: headDim } = config
  const q = config.num_attention_heads * headDim
  const kv = config.num_key_value_heads * headDim
  switch (projection) {
    case 'q_proj':
      return [q, hidden]
    case 'k_proj':
    case 'v_proj':
      return [kv, hidden]
    case 'o_proj':
      return [hidden, q]
    case 'gate_proj':
    case 'up_proj':
      return [inner, hidden]
    case 'down_proj':
      return [hidden, inner]
  }
}

function hasBias(config: ModelConfig, projection: Projection): boolean {
  switch (projection) {
    case 'q_proj':
    case 'k_proj':
    case 'v_proj':
      return config.qkv_bias
    case 'o_proj':
      return config.o_bias
    case 'gate_proj':
    case 'up_proj':
    case 'down_proj':
      return config.mlp_bias
  }
}

/** Hugging Face parameter name → shape. */
export function decoderParameters(config: ModelConfig): Record<string, readonly number[]> {
  const table: Record<string, readonly number[]> = { [EMBEDDING]: [config.vocab_size, config.hidden_size] }
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    table[`model.layers.${layer}.input_layernorm.weight`] = [config.hidden_size]
    table[`model.layers.${layer}.post_attention_layernorm.weight`] = [config.hidden_size]
    if (config.qk_norm) for (const norm of ['q_norm', 'k_norm']) table[`model.layers.${layer}.self_attn.${norm}.weight`] = [config.head_dim]
    for (const projection of PROJECTIONS) {
      const [out, inner] = projectionShape(config, projection)
      table[`${projectionPath(layer, projection)}.weight`] = [out, inner]
      if (hasBias(config, projection)) table[`${projectionPath(layer, projection)}.bias`] = [out]
    }
  }
  table['model.norm.weight'] = [config.hidden_size]
  if (!config.tie_word_embeddings) table[HEAD] = [config.vocab_size, config.hidden_size]
  return table
}

/**
 * The storage format of a frozen parameter under `config.weight_format`. Gains and biases stay f32. Embedding and head are looked up and compared by
 * single rows, where 4 bits lose most: they take 8, as llama.cpp's mixed formats do. Rows no group divides stay at 16 bits.
 */
export function storedFormat(config: ModelConfig, name: string, shape: readonly number[]): WeightFormat {
  const wanted = config.weight_format
  const width = shape[1]
  if (width === undefined || wanted === 'f32') return 'f32'
  // Products of packed weights take four rows at a time; embedding and head are padded to such a number of rows.
  if (name !== EMBEDDING && name !== HEAD && (shape[0] ?? 0) % 4 !== 0) return 'f32'
  const format = wanted === 'int4' && (name === EMBEDDING || name === HEAD) ? 'int8' : wanted
  if (fits(format, width)) return format
  return isInteger(format) && fits('f16', width) ? 'f16' : 'f32'
}

/**
 * The layout of a frozen tensor in its buffer. Kernels take four columns of logits at a time: rows of zeros follow a vocabulary that is no multiple of
 * four, such as the 32,001 tokens of a Llama 2 with a [PAD].
 */
export function storedSpec(config: ModelConfig, name: string, shape: readonly number[]): { shape: readonly number[]; dtype: WeightFormat } {
  const [, width] = shape
  const isByToken = (name === EMBEDDING || name === HEAD) && width !== undefined
  return { shape: isByToken ? [paddedRows(config), width] : shape, dtype: storedFormat(config, name, shape) }
}

/** Rows of embedding and head with their padding. */
export const paddedRows = ({ vocab_size: vocabulary }: Pick<ModelConfig, 'vocab_size'>): number => Math.ceil(vocabulary / 4) * 4

/** Hidden states after the final norm, [T, hidden]. Names of state leaves are Hugging Face parameter names. */
export function decoder({ graph, config, batch, lora, dropoutState, attend, trained = false }: DecoderGraph): Tensor {
  const { hidden_size: hidden, head_dim: headDim, num_attention_heads: heads, num_key_value_heads: kvHeads } = config
  const tables = {
    cos: graph.state('rope.cos', [config.max_position_embeddings, headDim / 2]),
    sin: graph.state('rope.sin', [config.max_position_embeddings, headDim / 2]),
  }
  const norm = (x: Tensor, name: string): Tensor =>
    rmsNorm(x, graph.state(name, [hidden]), batch.counts, { eps: config.rms_norm_eps, rowCount: 'tokens' })
  const byHead = (x: Tensor, name: string): Tensor =>
    config.qk_norm ? rmsNorm(x, graph.state(name, [headDim]), batch.counts, { eps: config.rms_norm_eps, rowCount: 'tokens' }) : x
  const project = (x: Tensor, layer: number, projection: Projection, residual?: Tensor): Tensor => {
    const path = projectionPath(layer, projection)
    const [out, inner] = projectionShape(config, projection)
    const weight = matrix(graph, config, `${path}.weight`, [out, inner], trained)
    const bias = hasBias(config, projection) ? { bias: graph.state(`${path}.bias`, [out]) } : {}
    const added = { ...bias, ...(residual ? { residual } : {}) }
    if (!lora?.targets.includes(projection)) return linear(x, weight, batch.counts, added)
    const stream = layer * PROJECTIONS.length + PROJECTIONS.indexOf(projection)
    const seen = dropoutState && lora.dropout ? dropout(x, dropoutState, { rate: lora.dropout, stream }) : x
    const low = linear(seen, graph.state(`${path}.lora_A.weight`, [lora.rank, inner]), batch.counts)
    const b = graph.state(`${path}.lora_B.weight`, [out, lora.rank])
    return linear(x, weight, batch.counts, { ...added, lora: { low, b, scale: loraScaling(lora) } })
  }

  /** The values as a cache returns them. */
  const kept = (x: Tensor): Tensor => (config.kv_dtype === 'f16' ? roundHalf(x) : x)

  const table = matrix(graph, config, EMBEDDING, [config.vocab_size, hidden], trained)
  let x = embedding(table, batch.ids, batch.counts, { order: batch.order, starts: batch.starts })
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    graph.mark()
    const a = norm(x, `model.layers.${layer}.input_layernorm.weight`)
    const attentionPath = `model.layers.${layer}.self_attn`
    const q = rope(byHead(project(a, layer, 'q_proj'), `${attentionPath}.q_norm.weight`), batch.positions, tables, batch.counts, heads)
    const k = rope(byHead(project(a, layer, 'k_proj'), `${attentionPath}.k_norm.weight`), batch.positions, tables, batch.counts, kvHeads)
    const v = project(a, layer, 'v_proj')
    const o = attend ? attend(layer, q, k, v) : attention(q, kept(k), kept(v), batch.spans, { heads, kvHeads, headDim })
    x = project(o, layer, 'o_proj', x)
    const m = norm(x, `model.layers.${layer}.post_attention_layernorm.weight`)
    x = project(swiglu(project(m, layer, 'gate_proj'), project(m, layer, 'up_proj')), layer, 'down_proj', x)
  }
  graph.mark()
  return norm(x, 'model.norm.weight')
}

/** The output projection's leaf: the embedding itself when tied. Frozen it has `heldRows`. */
export function headWeight(graph: Graph, config: ModelConfig, trained = false): Tensor {
  return matrix(graph, config, config.tie_word_embeddings ? EMBEDDING : HEAD, [config.vocab_size, config.hidden_size], trained)
}

function matrix(graph: Graph, config: ModelConfig, name: string, shape: readonly [number, number], trained: boolean): Tensor {
  if (trained) return graph.state(name, shape, 'f32')
  const stored = storedSpec(config, name, shape)
  return graph.state(name, stored.shape, stored.dtype)
}

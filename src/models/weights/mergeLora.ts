/**
 * An adapter merged into its base: W' = W + s·B·A (LoRA, Hu 2021, arXiv:2106.09685 §4.1), written in 16 bits, where they hold its values, as Hugging Face shards.
 * One tensor is in memory at a time. A base whose weights were stored in int8 or int4 while it was trained on is merged as the values it had there:
 * the adapter was fitted to those.
 */
import type { Gate } from '../../engine/plan/executable'
import { isPacked, packWeights, unpackWeights } from '../../engine/weightFormat'
import type { ModelConfig } from '../architectures/config'
import { storedFormat } from '../architectures/decoder'
import { architectureOf, type WeightReader } from '../languageModel'
import { loraScaling } from '../architectures/decoder'
import { adaptedBase, isChangedBy, isRunBeside, mergedMatrix } from './adaptedBase'
import { fittingDtype, largestValue, type FittingDtype, type LargestValue } from './fittingDtype'
import type { LoraAdapter } from './peft'
import { streamSafetensors, type PlannedTensor, type WritableDtype } from './writeSafetensors'

/** transformers' `save_pretrained` cuts at 5 GB; a browser and a phone like less. */
const SHARD_BYTES = 2e9

/** The merged model's values in f32, before they are rounded to 16 bits. `config.weight_format`: how the base's weights were stored. */
export function mergedReader(config: ModelConfig, base: WeightReader, adapter: LoraAdapter): WeightReader {
  const scaling = loraScaling(adapter)
  const changed = adaptedBase(base, adapter)
  return {
    async read(name, shape) {
      const values = withStoredPrecision(config, name, shape, await changed.read(name, shape))
      const path = name.replace(/\.weight$/, '')
      const matrices = isRunBeside(adapter, path) ? adapter.modules.get(path) : undefined
      return matrices ? mergedMatrix(values, matrices, scaling) : values
    },
  }
}

/** The values kernels saw: packed and unpacked again. */
function withStoredPrecision(config: ModelConfig, name: string, shape: readonly number[], values: Float32Array): Float32Array {
  const format = storedFormat(config, name, shape)
  return isPacked(format) ? unpackWeights(packWeights(values, format), values.length, format) : values
}

/** 16 bits as config.json names them; f32 checkpoints take f16, which keeps more of a weight's digits than bf16. */
export const mergedDtype = ({ torch_dtype }: Pick<ModelConfig, 'torch_dtype'>): Exclude<WritableDtype, 'F32'> =>
  torch_dtype === 'bfloat16' ? 'BF16' : 'F16'

interface Shard {
  readonly file: string
  readonly tensors: readonly PlannedTensor[]
}
export interface MergePlan {
  readonly shards: readonly Shard[]
  readonly dtype: WritableDtype
  readonly bytes: number
  /** `model.safetensors.index.json`; null for a single file. */
  readonly index: string | null
}

/**
 * The dtype of the merged model. All of a float32 base is looked at before the first byte is written; of a base in 16 bits only what the adapter
 * changes can have grown too large.
 */
export async function fittingMergedDtype(
  config: ModelConfig,
  merged: WeightReader,
  adapter: LoraAdapter,
  gate: Gate = () => undefined,
): Promise<FittingDtype> {
  const wanted = mergedDtype(config)
  const isNarrow = config.torch_dtype === 'float16' || config.torch_dtype === 'bfloat16'
  let largest: LargestValue | null = null
  for (const [name, shape] of Object.entries(architectureOf(config).parameters(config))) {
    if (isNarrow && !isChangedBy(adapter, name)) continue
    await gate()
    largest = largestValue(largest, name, await merged.read(name, shape))
  }
  return fittingDtype(wanted, largest)
}

/** Tensors in the architecture's order, cut into files of at most `shardBytes` (a larger tensor has its own). */
export function planMerge(config: ModelConfig, dtype: WritableDtype = mergedDtype(config), shardBytes = SHARD_BYTES): MergePlan {
  const groups: PlannedTensor[][] = []
  let filled = Number.POSITIVE_INFINITY
  let bytes = 0
  for (const [name, shape] of Object.entries(architectureOf(config).parameters(config))) {
    const size = shape.reduce((product, extent) => product * extent, dtype === 'F32' ? 4 : 2)
    if (filled + size > shardBytes) {
      groups.push([])
      filled = 0
    }
    groups.at(-1)?.push({ name, shape, dtype })
    filled += size
    bytes += size
  }
  const number = (n: number): string => String(n).padStart(5, '0')
  const shards = groups.map((tensors, at) => ({
    file: groups.length === 1 ? 'model.safetensors' : `model-${number(at + 1)}-of-${number(groups.length)}.safetensors`,
    tensors,
  }))
  const weight_map = Object.fromEntries(shards.flatMap(({ file, tensors }) => tensors.map(({ name }) => [name, file])))
  const index = shards.length === 1 ? null : `${JSON.stringify({ metadata: { total_size: bytes }, weight_map }, null, 2)}\n`
  return { shards, dtype, bytes, index }
}

/** A shard's bytes in pieces, one tensor at a time. */
export const mergedShard = ({ tensors }: Shard, merged: WeightReader): AsyncGenerator<Uint8Array> => {
  const shapes = new Map(tensors.map(({ name, shape }) => [name, shape]))
  return streamSafetensors(tensors, (name) => merged.read(name, shapes.get(name) ?? []))
}

/** config.json of the merged model: the base's, with the dtype its weights now have, whether it has a head, and no word of quantisation. */
export function mergedConfig(configJson: Readonly<Record<string, unknown>>, dtype: MergePlan['dtype'], isTied: boolean): string {
  const { quantization_config: _gone, ...kept } = configJson
  const name = dtype === 'BF16' ? 'bfloat16' : dtype === 'F16' ? 'float16' : 'float32'
  const named = 'dtype' in kept && !('torch_dtype' in kept) ? { dtype: name } : { torch_dtype: name }
  return `${JSON.stringify({ ...kept, ...named, tie_word_embeddings: isTied }, null, 2)}\n`
}

/** What a reader of the merged model must know of its base; null when nothing was lost on the way to it. */
export function mergeNote({ weight_format: format }: Pick<ModelConfig, 'weight_format'>): string | null {
  return format === 'int8' || format === 'int4'
    ? `The base was trained on in ${format}: the adapter was merged into those dequantised values, not into the original weights.`
    : null
}

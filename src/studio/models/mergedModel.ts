/** A model with an adapter merged in, in Hugging Face layout, and how far it is from the two apart. The command line and the page share it. */
import type { EngineDevice } from '../../engine/device/engineDevice'
import type { Gate } from '../../engine/plan/executable'
import type { Benchmark } from '../../environments/benchmark'
import type { ModelConfig } from '../../models/architectures/config'
import { openWeightsFolder, SIDE_FILES } from '../../models/checkpointFolder'
import { architectureOf, type WeightReader } from '../../models/languageModel'
import { parseJson, readText, type FolderSource } from '../../models/weights/byteSource'
import {
  fittingMergedDtype,
  mergedConfig,
  mergedReader,
  mergedShard,
  mergeNote,
  planMerge,
  type MergePlan,
} from '../../models/weights/mergeLora'
import { checkAdapterFits, type LoraAdapter } from '../../models/weights/peft'
import { readerOf } from '../../models/weights/safetensors'
import { divergenceOf, logitRows, type Divergence } from '../../training/policy/divergence'
import { PolicyModel, type TrainableSet } from '../../training/policy/policyModel'
import { actingAdapter } from './adapterFiles'
import { callFormatFor } from '../../agents/callFormats/callFormatFor'
import type { LoadedModel } from './models'
import { probeText } from '../runs/probe'
import { plainTrainable } from '../runs/policyBackend'

/** `config.weight_format`: how the base's weights were stored while the adapter was trained. */
export interface BaseModel extends Pick<LoadedModel, 'title' | 'config' | 'tokenizer' | 'reader'> {
  readonly folder: FolderSource
}

export interface MergedFile {
  readonly name: string
  /** Its bytes in order, a tensor at a time. */
  readonly pieces: () => AsyncIterable<Uint8Array>
}
export interface MergedFiles {
  /** Weights first, then what else belongs to the model. */
  readonly files: readonly MergedFile[]
  /** Of the weights. */
  readonly bytes: number
  readonly dtype: MergePlan['dtype']
  /** What a reader of the merged model must know of its base. */
  readonly note: string | null
}

/** Throws CheckpointError when the adapter is for another model, or when a merged value would not be finite. */
export async function mergedFiles(model: BaseModel, adapter: LoraAdapter, gate?: Gate): Promise<MergedFiles> {
  const { config, folder } = model
  checkAdapterFits(adapter, architectureOf(config).parameters(config))
  const merged = mergedReader(config, model.reader, adapter)
  const fitting = await fittingMergedDtype(config, merged, adapter, gate)
  const { shards, index, bytes, dtype } = planMerge(config, fitting.dtype)
  const files: MergedFile[] = shards.map((shard) => ({ name: shard.file, pieces: () => mergedShard(shard, merged) }))
  if (index !== null) files.push(whole('model.safetensors.index.json', new TextEncoder().encode(index)))
  for (const name of SIDE_FILES) {
    const source = await folder.open(name)
    if (!source) continue
    if (name !== 'config.json') {
      files.push(whole(name, await source.read(0, source.size)))
      continue
    }
    const json = parseJson((await readText(folder, name)) ?? '{}', name)
    files.push(
      whole(name, new TextEncoder().encode(mergedConfig(json as Readonly<Record<string, unknown>>, dtype, config.tie_word_embeddings))),
    )
  }
  const notes = [mergeNote(config), fitting.note].filter((note) => note !== null)
  return { files, bytes, dtype, note: notes.length > 0 ? notes.join(' ') : null }
}

const whole = (name: string, bytes: Uint8Array): MergedFile => ({
  name,
  pieces: async function* () {
    yield await Promise.resolve(bytes)
  },
})

/** Texts that the two are compared on, besides an episode of the benchmark where the model can act in it. */
const TEXTS = [
  'The weather tool takes the name of a city and returns degrees and wind. Call get_weather(city="Zürich").',
  '{"tool": "search", "arguments": {"query": "capital of Norway", "limit": 3}}',
  'First look at what the tool replied; if it failed, try another one, then answer in one sentence.',
]
const MOST_TOKENS = 192

interface Measuring {
  readonly engine: EngineDevice
  readonly model: BaseModel
  readonly adapter: LoraAdapter
  /** The merged model as it was written. */
  readonly merged: FolderSource
  readonly benchmark: Benchmark
  readonly gate: Gate
  /** Rows of logits read so far, of both models together. */
  readonly onProgress?: (done: number, total: number) => void
}

/** KL(base with adapter ‖ merged), the first as it was trained, the second read back from its files. */
export async function mergedDivergence(parts: Measuring): Promise<Divergence> {
  const { engine, model, merged, benchmark, gate, onProgress } = parts
  const texts = [...(callFormatFor(model).ok ? [await probeText(benchmark, model)] : []), ...TEXTS]
  let left = MOST_TOKENS
  const sequences = texts.flatMap((text) => {
    const ids = model.tokenizer.encode(text).slice(0, left)
    left -= ids.length
    return ids.length < 2 ? [] : [ids]
  })
  const total = 2 * sequences.reduce((sum, ids) => sum + ids.length - 1, 0)
  let done = 0
  const { tensors, trainable: adapted, reader: base } = actingAdapter(parts.adapter, model)
  const rowsOf = async (config: ModelConfig, reader: WeightReader, trainable: TrainableSet): Promise<Float32Array[]> => {
    const policy = await PolicyModel.create(engine, config, reader, trainable)
    try {
      for (const { name, shape } of policy.packed.ranges.values())
        policy.packed.writeWeights(
          name,
          (trainable === plainTrainable ? undefined : tensors.get(name)?.values) ??
            new Float32Array(shape.reduce((product, extent) => product * extent, 1)),
        )
      const rows: Float32Array[] = []
      for (const ids of sequences)
        for await (const row of logitRows(policy, ids, gate)) {
          rows.push(row)
          onProgress?.(++done, total)
        }
      return rows
    } finally {
      await policy.destroy()
    }
  }
  const apart = await rowsOf(model.config, base, adapted)
  const again = await openWeightsFolder(merged)
  const found = divergenceOf(apart, await rowsOf(again.config, readerOf(again.tensors), plainTrainable))
  if (Number.isFinite(found.mean)) return found
  throw new Error(
    'The KL of base and adapter to the merged model is not finite: the logits of one of them are not, though its weights are. Evaluate the base with the adapter (hone evaluate --lora), which says where its values stop being finite.',
  )
}

/** A trained adapter as files, in PEFT's layout, and back. Its identity is the SHA-256 of the weights file. */
import { sha256 } from '../../base/sha256'
import type { ModelConfig } from '../../models/architectures/config'
import { PROJECTIONS, projectionPath, projectionShape, type LoraShape, type Projection } from '../../models/architectures/decoder'
import { SIDE_FILES } from '../../models/checkpointFolder'
import { architectureOf, type WeightReader } from '../../models/languageModel'
import { adaptedBase, isRunBeside } from '../../models/weights/adaptedBase'
import { CheckpointError, folderFromMap, parseJson, readText, sourceFromBytes, type FolderSource } from '../../models/weights/byteSource'
import { fittingDtype, largestValue, type LargestValue } from '../../models/weights/fittingDtype'
import { mergedConfig } from '../../models/weights/mergeLora'
import {
  ADAPTER_CONFIG,
  ADAPTER_WEIGHTS,
  checkAdapterFits,
  readAdapter,
  VALUE_HEAD_WEIGHTS,
  writeAdapter,
  writeValueHead,
  type LoraAdapter,
  type LoraMatrices,
} from '../../models/weights/peft'
import { openSafetensors } from '../../models/weights/safetensors'
import { writeSafetensors, type TensorToWrite, type WritableDtype } from '../../models/weights/writeSafetensors'
import type { Store } from '../../storage/store'
import { VALUE_BIAS, VALUE_WEIGHT, type TrainableSet } from '../../training/policy/policyModel'
import { plainTrainable } from '../runs/policyBackend'
import type { LoadedModel } from './models'
import { readStoredFolder } from './storedFolder'
import type { AdapterTensors } from '../../training/policy/adapterTensors'

/** Full weights, when all of the model was trained. */
const FULL_WEIGHTS = 'model.safetensors'

export interface AdapterFiles {
  readonly files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>
  readonly sha256: string
}

interface TrainedModel {
  readonly title: string
  readonly config: ModelConfig
  /** The base: a model that was trained whole gets copies of its small files. */
  readonly folder: FolderSource
}

/** The files of what was trained: a PEFT adapter (and the value head apart), or a whole model in Hugging Face layout. */
export async function trainedFiles(
  tensors: AdapterTensors,
  trainable: TrainableSet,
  model: TrainedModel,
  note: string,
): Promise<AdapterFiles> {
  return trainable.kind === 'lora' ? adapterFiles(tensors, trainable, model.title, note) : wholeModel(tensors, model)
}

/** In the dtype that its config.json names, so that the folder is a model again; in a wider one where a value would become infinite. */
async function wholeModel(tensors: AdapterTensors, { config, folder }: TrainedModel): Promise<AdapterFiles> {
  const named: WritableDtype = config.torch_dtype === 'float16' ? 'F16' : config.torch_dtype === 'bfloat16' ? 'BF16' : 'F32'
  const parameters = Object.keys(architectureOf(config).parameters(config)).flatMap((name) => {
    const tensor = tensors.get(name)
    return tensor ? [{ name, tensor }] : []
  })
  const largest = parameters.reduce<LargestValue | null>((most, { name, tensor }) => largestValue(most, name, tensor.values), null)
  const { dtype } = fittingDtype(named, largest)
  const written = parameters.map(({ name, tensor }): [string, TensorToWrite] => [name, { shape: tensor.shape, data: tensor.values, dtype }])
  const weights = writeSafetensors(Object.fromEntries(written))
  const files = new Map([[FULL_WEIGHTS, weights]])
  for (const name of SIDE_FILES) {
    const source = await folder.open(name)
    if (!source) continue
    const isRenamed = name === 'config.json' && dtype !== named
    files.set(name, isRenamed ? await configNaming(dtype, folder, config) : await source.read(0, source.size))
  }
  return { files, sha256: sha256(weights) }
}

async function configNaming(dtype: WritableDtype, folder: FolderSource, config: ModelConfig): Promise<Uint8Array<ArrayBuffer>> {
  const json = parseJson((await readText(folder, 'config.json')) ?? '{}', 'config.json')
  return new TextEncoder().encode(mergedConfig(json as Readonly<Record<string, unknown>>, dtype, config.tie_word_embeddings))
}

/** A LoRA adapter in PEFT's layout. */
export function adapterFiles(
  tensors: AdapterTensors,
  { lora }: Extract<TrainableSet, { kind: 'lora' }>,
  baseModel: string,
  note = '',
): AdapterFiles {
  const modules = new Map<string, LoraMatrices>()
  // What would not be read again is not written.
  for (const [name, { values }] of tensors) largestValue(null, name, values)
  for (const [name, a] of tensors) {
    const path = /^(.+)\.lora_A\.weight$/.exec(name)?.[1]
    const b = path === undefined ? undefined : tensors.get(`${path}.lora_B.weight`)
    if (path === undefined || !b) continue
    modules.set(path, { a: a.values, b: b.values, inFeatures: a.shape[1] ?? 0, outFeatures: b.shape[0] ?? 0 })
  }
  const files = writeAdapter({ dropout: 0, useRslora: false, ...lora, baseModel, revision: null, modules }, note)
  const weights = files.get(ADAPTER_WEIGHTS) ?? new Uint8Array(0)
  const head = tensors.get(VALUE_WEIGHT)
  if (head) files.set(VALUE_HEAD_WEIGHTS, writeValueHead({ weight: head.values, bias: tensors.get(VALUE_BIAS)?.values[0] ?? 0 }))
  return { files, sha256: sha256(weights) }
}

/** The weights a run ended with, or those that did best on the way. */
export type WhichAdapter = 'last' | 'best'
const folderName = (runId: string, which: WhichAdapter): string => `runs/${runId}/${which === 'best' ? 'best-adapter' : 'adapter'}/`

export async function storeAdapter(store: Store, runId: string, { files }: AdapterFiles, which: WhichAdapter = 'last'): Promise<void> {
  for (const [name, bytes] of files) await store.writeBlob(folderName(runId, which) + name, bytes)
}

/** Names of the stored files of a run, the weights of a whole model first. */
export async function storedAdapterNames(store: Store, runId: string, which: WhichAdapter = 'last'): Promise<string[]> {
  const folder = folderName(runId, which)
  const names = (await store.listBlobs((one) => one.startsWith(folder))).map(({ name }) => name.slice(folder.length))
  return names.sort((a, b) => Number(b === FULL_WEIGHTS) - Number(a === FULL_WEIGHTS) || (a < b ? -1 : 1))
}

/** The stored files of a run; empty when it left none. */
export const storedAdapterFiles = (
  store: Store,
  runId: string,
  which: WhichAdapter = 'last',
): Promise<ReadonlyMap<string, Uint8Array<ArrayBuffer>>> => readStoredFolder(store, folderName(runId, which))

/** PEFT's files read and written again: what is handed over is known to be whole. @param baseModel when absent, as the files say. */
export async function rewrittenAdapter(folder: FolderSource, baseModel?: string): Promise<ReadonlyMap<string, Uint8Array<ArrayBuffer>>> {
  const adapter = await readAdapter(folder)
  const files = writeAdapter(baseModel === undefined ? adapter : { ...adapter, baseModel })
  const head = await folder.open(VALUE_HEAD_WEIGHTS)
  if (head) files.set(VALUE_HEAD_WEIGHTS, await head.read(0, head.size))
  return files
}

export interface LoadedAdapter {
  readonly tensors: AdapterTensors
  readonly trainable: TrainableSet
  /** The base as the adapter needs it. */
  readonly reader: WeightReader
  readonly sha256: string
}

/** Throws CheckpointError when the run left no adapter, or one made for another model. */
export async function loadAdapter(store: Store, runId: string, model: Pick<LoadedModel, 'config' | 'reader'>): Promise<LoadedAdapter> {
  const files = await storedAdapterFiles(store, runId)
  const full = files.get(FULL_WEIGHTS)
  const shapes = architectureOf(model.config).parameters(model.config)
  if (full) {
    const source = await openSafetensors(sourceFromBytes(full), FULL_WEIGHTS)
    const tensors = new Map<string, { shape: readonly number[]; values: Float32Array }>()
    for (const [name, shape] of Object.entries(shapes)) tensors.set(name, { shape, values: await source.float32(name, shape) })
    return { tensors, trainable: { kind: 'all', valueHead: false }, reader: model.reader, sha256: sha256(full) }
  }
  const weights = files.get(ADAPTER_WEIGHTS)
  if (!weights || !files.has(ADAPTER_CONFIG))
    throw new CheckpointError('this run left no adapter: it was stopped before its first checkpoint was stored')
  const adapter = await readAdapter(folderFromMap(runId, files))
  checkAdapterFits(adapter, shapes)
  return { ...actingAdapter(adapter, model), sha256: sha256(weights) }
}

/** What of an adapter runs beside the base, as a policy takes it: one rank for all layers. The rest of it is `adaptedBase`'s. */
export function policyAdapter(adapter: LoraAdapter, config: ModelConfig): { readonly lora: LoraShape; readonly tensors: AdapterTensors } {
  const tensors = new Map<string, { shape: readonly number[]; values: Float32Array }>()
  const found = new Set<Projection>()
  const beside = new Map([...adapter.modules].filter(([path]) => isRunBeside(adapter, path)))
  for (const [path, { a, b, inFeatures, outFeatures }] of beside) {
    tensors.set(`${path}.lora_A.weight`, { shape: [adapter.rank, inFeatures], values: a })
    tensors.set(`${path}.lora_B.weight`, { shape: [outFeatures, adapter.rank], values: b })
    const target = PROJECTIONS.find((projection) => path.endsWith(`.${projection}`))
    if (target) found.add(target)
  }
  const targets = PROJECTIONS.filter((name) => found.has(name))
  // Layers it leaves alone get an adapter that changes nothing.
  for (let layer = 0; layer < config.num_hidden_layers; layer++)
    for (const target of targets) {
      const path = projectionPath(layer, target)
      if (beside.has(path)) continue
      const [out, inner] = projectionShape(config, target)
      tensors.set(`${path}.lora_A.weight`, { shape: [adapter.rank, inner], values: new Float32Array(adapter.rank * inner) })
      tensors.set(`${path}.lora_B.weight`, { shape: [out, adapter.rank], values: new Float32Array(out * adapter.rank) })
    }
  return { lora: { rank: adapter.rank, alpha: adapter.alpha, useRslora: adapter.useRslora, targets }, tensors }
}

/** A policy with an adapter on it that is not trained: the adapter where it runs beside the base, and how the base is read. */
export function actingAdapter(
  adapter: LoraAdapter,
  { config, reader }: Pick<LoadedModel, 'config' | 'reader'>,
): { readonly tensors: AdapterTensors; readonly trainable: TrainableSet; readonly reader: WeightReader } {
  const { lora, tensors } = policyAdapter(adapter, config)
  const trainable: TrainableSet = lora.targets.length === 0 ? plainTrainable : { kind: 'lora', lora, valueHead: false }
  return { tensors, trainable, reader: adaptedBase(reader, adapter) }
}

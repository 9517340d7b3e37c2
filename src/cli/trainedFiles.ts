/** What training leaves in its directory: a PEFT adapter, or a whole model in Hugging Face layout; and reading an adapter back. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { LoraShape } from '../models/architectures/decoder'
import { SIDE_FILES } from '../models/checkpointFolder'
import { architectureOf } from '../models/languageModel'
import type { FolderSource } from '../models/weights/byteSource'
import { ADAPTER_WEIGHTS, checkAdapterFits, readAdapter } from '../models/weights/peft'
import { writeSafetensors, type TensorToWrite, type WritableDtype } from '../models/weights/writeSafetensors'
import { sha256 } from '../base/sha256'
import { adapterFiles, policyAdapter } from '../studio/models/adapterFiles'
import type { LoadedModel } from '../studio/models/models'
import type { AdapterTensors } from '../training/policy/adapterTensors'
import type { PolicyModel } from '../training/policy/policyModel'
import type { OpenModel } from './modelSpec'
import { nodeFolder } from './node/folder'

/** Writes what `policy` trained, or other weights of it in packed order. The hash is of the weights file. */
export async function writeTrained(
  directory: string,
  policy: PolicyModel,
  model: OpenModel,
  note: string,
  weights?: Float32Array,
): Promise<{ files: string[]; sha256: string }> {
  const values = policy.packed.unpack(weights ?? (await policy.packed.readWeights()))
  const tensors: AdapterTensors = new Map(
    [...policy.packed.ranges.values()].map(({ name, shape }) => [
      name,
      { shape: [...shape], values: values.get(name) ?? new Float32Array(0) },
    ]),
  )
  mkdirSync(directory, { recursive: true })
  if (policy.trainable.kind === 'all') return writeWholeModel(directory, tensors, model)
  const { files, sha256: hash } = adapterFiles(tensors, policy.trainable, model.title, note)
  for (const [name, bytes] of files) writeFileSync(join(directory, name), bytes)
  return { files: [...files.keys()], sha256: hash }
}

/** In the dtype its config.json names, so that the folder is a model again. */
async function writeWholeModel(
  directory: string,
  tensors: AdapterTensors,
  { config, folder }: OpenModel,
): Promise<{ files: string[]; sha256: string }> {
  const dtype: WritableDtype = config.torch_dtype === 'float16' ? 'F16' : config.torch_dtype === 'bfloat16' ? 'BF16' : 'F32'
  const written: Record<string, TensorToWrite> = {}
  for (const name of Object.keys(architectureOf(config).parameters(config))) {
    const tensor = tensors.get(name)
    if (tensor) written[name] = { shape: tensor.shape, data: tensor.values, dtype }
  }
  const weights = writeSafetensors(written)
  writeFileSync(join(directory, 'model.safetensors'), weights)
  const files = ['model.safetensors']
  for (const name of SIDE_FILES) {
    const source = await folder.open(name)
    if (!source) continue
    writeFileSync(join(directory, name), await source.read(0, source.size))
    files.push(name)
  }
  return { files, sha256: sha256(weights) }
}

/** An adapter to act with: scaled as alpha / rank, whatever its file says. */
export interface TrainedAdapter {
  readonly lora: LoraShape
  readonly tensors: AdapterTensors
  readonly sha256: string
}

/** Throws CheckpointError when the folder holds no adapter, or one for another model. */
export async function readTrainedAdapter(directory: string, { config }: Pick<LoadedModel, 'config'>): Promise<TrainedAdapter> {
  const folder = nodeFolder(directory)
  try {
    const adapter = await readAdapter(folder)
    checkAdapterFits(adapter, architectureOf(config).parameters(config))
    return { ...policyAdapter(adapter, config), sha256: await hashOf(folder, ADAPTER_WEIGHTS) }
  } finally {
    await folder.close()
  }
}

async function hashOf(folder: FolderSource, file: string): Promise<string> {
  const source = await folder.open(file)
  return source ? sha256(await source.read(0, source.size)) : ''
}

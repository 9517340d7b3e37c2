/**
 * A model's weights in a folder: `model.safetensors`, or the shards that `model.safetensors.index.json` names.
 * Source: huggingface/transformers `save_pretrained` and huggingface_hub `_save_torch`: {"metadata": …, "weight_map": {tensor: file}}.
 */
import { z } from 'zod'
import { CheckpointError, type FolderSource, missingFile, readJson } from './byteSource'
import { withModelPrefix } from './renamedTensors'
import { describeNames, openSafetensors, PICKLE_ADVICE, shapeText, type TensorInfo, type TensorSource } from './safetensors'

const SINGLE_FILE = 'model.safetensors'
const INDEX_FILE = 'model.safetensors.index.json'
const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) })

/** Names that training code gives to pickles. */
const PICKLE_NAME = /^pytorch_model.*\.bin(\.index\.json)?$|\.(pt|pth|ckpt|pkl|pickle)$/i
/** Names that are tried where a folder cannot be listed. */
const USUAL_PICKLES = ['pytorch_model.bin', 'pytorch_model.bin.index.json', 'consolidated.00.pth']

export const isPickleName = (name: string): boolean => PICKLE_NAME.test(name)

/** Opens and checks the headers. Throws CheckpointError when no weights are there, with advice when there are pickles. */
export async function openModelWeights(folder: FolderSource): Promise<TensorSource> {
  const single = await folder.open(SINGLE_FILE)
  if (single) return withModelPrefix(await openSafetensors(single, SINGLE_FILE))
  const index = await readJson(folder, INDEX_FILE)
  if (index !== null) return withModelPrefix(await openShards(folder, index))
  const pickle = await findPickle(folder)
  if (pickle !== null) throw new CheckpointError(`${folder.name}: expected ${SINGLE_FILE}, found ${pickle}. ${PICKLE_ADVICE}`)
  throw missingFile(folder, `expected ${SINGLE_FILE} or ${INDEX_FILE}`)
}

async function findPickle(folder: FolderSource): Promise<string | null> {
  if (folder.names) return (await folder.names()).find(isPickleName) ?? null
  for (const name of USUAL_PICKLES) if (await folder.open(name)) return name
  return null
}

/**
 * Every shard is there, and no tensor is in two of them. Tensors are those of the shards, as in transformers: an index may name some that nothing
 * needs and that no shard has, such as a tied head or `rotary_emb.inv_freq`, or one in another shard than it stands in.
 */
async function openShards(folder: FolderSource, index: unknown): Promise<TensorSource> {
  const parsed = indexSchema.safeParse(index)
  if (!parsed.success) throw new CheckpointError(`${INDEX_FILE}: expected {"weight_map": {tensor name: file name}}`)
  const weightMap = new Map(Object.entries(parsed.data.weight_map))
  if (weightMap.size === 0) throw new CheckpointError(`${INDEX_FILE}: expected tensors in weight_map, found none`)
  const files = [...new Set(weightMap.values())].sort()
  for (const file of files) checkShardName(file)

  const shards = new Map<string, TensorSource>()
  const holder = new Map<string, TensorInfo>()
  for (const file of files) {
    const source = await folder.open(file)
    if (!source) throw missingFile(folder, `${file}, which ${INDEX_FILE} names`)
    const shard = await openSafetensors(source, file)
    shards.set(file, shard)
    for (const [name, info] of shard.tensors) {
      const before = holder.get(name)
      if (before)
        throw new CheckpointError(`${file}: tensor "${name}": expected in one file only, found in ${before.file} ${describe(before)} too`)
      holder.set(name, info)
    }
  }

  const shardOf = (name: string, shape?: readonly number[]): TensorSource => {
    const shard = shards.get(holder.get(name)?.file ?? '')
    if (shard) return shard
    const wanted = shape ? ` of shape ${shapeText(shape)}` : ''
    const file = weightMap.get(name)
    if (file !== undefined)
      throw new CheckpointError(
        `${INDEX_FILE}: tensor "${name}"${wanted}: expected in ${file}, found in no file; ${file} has ${describeNames(namesIn(shards.get(file)))}`,
      )
    throw new CheckpointError(`${INDEX_FILE}: tensor "${name}"${wanted} is missing; the shards have ${describeNames([...holder.keys()])}`)
  }
  return {
    tensors: holder,
    metadata: {},
    files,
    info: (name, shape) => shardOf(name, shape).info(name, shape),
    bytes: async (name, from, length) => shardOf(name).bytes(name, from, length),
    float32: async (name, shape) => shardOf(name, shape).float32(name, shape),
    float32Rows: async (name, shape, first, count) => shardOf(name, shape).float32Rows(name, shape, first, count),
  }
}

const describe = ({ dtype, shape }: TensorInfo): string => `(${dtype} ${shapeText(shape)})`
const namesIn = (shard: TensorSource | undefined): string[] => [...(shard?.tensors.keys() ?? [])]

/** A name from a file goes into paths and addresses: it must not lead out of the folder. */
function checkShardName(file: string): void {
  if (isPickleName(file)) throw new CheckpointError(`${INDEX_FILE}: expected safetensors files, found ${file}. ${PICKLE_ADVICE}`)
  if (/[\\/]/.test(file) || !file.endsWith('.safetensors'))
    throw new CheckpointError(`${INDEX_FILE}: expected plain file names that end in .safetensors, found "${file}"`)
}

/**
 * LoRA adapters in PEFT's layout: `adapter_config.json`, `adapter_model.safetensors`, `README.md`. Sources: huggingface/peft
 * `LoraConfig` and `save_and_load.py`; the small set of fields loads in every release (old ones refuse unknown keys).
 * The value head is no part of the adapter: it is saved apart in `v_head.safetensors` under TRL's names.
 */
import { EMBEDDING, HEAD } from '../architectures/decoder'
import { type ByteSource, CheckpointError, type FolderSource, missingFile, readJson } from './byteSource'
import { ADAPTER_CONFIG, parseLoraConfig } from './loraConfig'
import { ADAPTER_WEIGHTS, type BaseChanges, type LoraMatrices, PREFIX, readLoraTensors, transposed } from './loraTensors'
import { openSafetensors, shapeText } from './safetensors'
import { type TensorToWrite, writeSafetensors } from './writeSafetensors'

export { ADAPTER_CONFIG } from './loraConfig'
export { ADAPTER_WEIGHTS, type LoraMatrices } from './loraTensors'
export const VALUE_HEAD_WEIGHTS = 'v_head.safetensors'

export interface LoraAdapter {
  readonly rank: number
  readonly alpha: number
  readonly dropout: number
  /** scaling = alpha / √r instead of alpha / r. */
  readonly useRslora: boolean
  readonly baseModel: string
  readonly revision: string | null
  /** By module path in the base model, such as `model.layers.0.self_attn.q_proj`. */
  readonly modules: ReadonlyMap<string, LoraMatrices>
  /** Its file gave modules several ranks or scalings; here they have one of each, and compute the same. */
  readonly isMixed?: boolean
  /** What it makes of the base beside those products; when absent, nothing. */
  readonly changes?: BaseChanges
}

/** The adapter's files by name. Throws CheckpointError when a matrix does not fit the rank or the layer. */
export function writeAdapter(adapter: LoraAdapter, note = ''): Map<string, Uint8Array<ArrayBuffer>> {
  const { rank, modules } = adapter
  if (adapter.changes)
    throw new CheckpointError(
      `a plain LoRA adapter cannot hold what this one does: ${changesText(adapter.changes)}. Export it merged into its base instead`,
    )
  if (modules.size === 0) throw new CheckpointError('an adapter without modules cannot be written')
  const tensors: Record<string, TensorToWrite> = {}
  for (const [path, matrices] of modules) Object.assign(tensors, tensorsOf(path, matrices, rank))
  const text = new TextEncoder()
  return new Map([
    [ADAPTER_CONFIG, text.encode(`${JSON.stringify(configJson(adapter), null, 2)}\n`)],
    [ADAPTER_WEIGHTS, writeSafetensors(tensors)],
    ['README.md', text.encode(readme(adapter, note))],
  ])
}

function tensorsOf(path: string, { a, b, inFeatures, outFeatures }: LoraMatrices, rank: number): Record<string, TensorToWrite> {
  if (`${path}.weight` === EMBEDDING)
    return {
      [`${PREFIX}${path}.lora_embedding_A`]: { shape: [rank, outFeatures], data: transposed(b, rank) },
      [`${PREFIX}${path}.lora_embedding_B`]: { shape: [inFeatures, rank], data: transposed(a, inFeatures) },
    }
  return {
    [`${PREFIX}${path}.lora_A.weight`]: { shape: [rank, inFeatures], data: a },
    [`${PREFIX}${path}.lora_B.weight`]: { shape: [outFeatures, rank], data: b },
  }
}

/** What an adapter changes beside its products, in words. */
export function changesText({ residuals, magnitudes, biases, parameters }: BaseChanges): string {
  const [residual] = residuals.values()
  return [
    ...(residual ? [`init_lora_weights "${residual.init}" takes a part out of the base`] : []),
    ...(magnitudes.size > 0 ? ['use_dora sets the lengths of rows'] : []),
    ...(biases.size > 0 ? ['lora_bias adds to biases'] : []),
    ...(parameters.size > 0 ? [`it holds ${[...parameters.keys()].slice(0, 3).join(', ')} whole`] : []),
  ].join(', ')
}

function configJson(adapter: LoraAdapter): Record<string, unknown> {
  // Outside the layers a whole path is named: layers_to_transform says nothing of those.
  const targetOf = (path: string): string => (path.includes('.layers.') ? path.slice(path.lastIndexOf('.') + 1) : path)
  const targets = new Set(Array.from(adapter.modules.keys(), targetOf))
  return {
    alpha_pattern: {},
    base_model_name_or_path: adapter.baseModel,
    bias: 'none',
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    layers_pattern: null,
    layers_to_transform: layersToTransform(adapter, targets),
    lora_alpha: adapter.alpha,
    lora_dropout: adapter.dropout,
    modules_to_save: null,
    peft_type: 'LORA',
    r: adapter.rank,
    rank_pattern: {},
    revision: adapter.revision,
    target_modules: [...targets].sort(),
    task_type: 'CAUSAL_LM',
    use_dora: false,
    use_rslora: adapter.useRslora,
  }
}

/** Layer indexes when only some layers are adapted, else null. PEFT would otherwise expect the targets in every layer. */
function layersToTransform(adapter: LoraAdapter, targets: ReadonlySet<string>): number[] | null {
  const layers = new Set<number>()
  const outside = new Set<string>()
  for (const path of adapter.modules.keys()) {
    const layer = /\.layers\.(\d+)\./.exec(path)?.[1]
    if (layer === undefined) outside.add(path)
    else layers.add(Number(layer))
  }
  const sorted = [...layers].sort((x, y) => x - y)
  const inLayers = adapter.modules.size - outside.size
  const isFull = sorted.every((layer, i) => layer === i) && inLayers === sorted.length * (targets.size - outside.size)
  return isFull ? null : sorted
}

function readme(adapter: LoraAdapter, note: string): string {
  const quoted = JSON.stringify(adapter.baseModel)
  return `---
base_model: ${quoted}
library_name: peft
pipeline_tag: text-generation
---

# LoRA adapter for ${adapter.baseModel || 'an unnamed base model'}

Rank ${adapter.rank}, alpha ${adapter.alpha}, ${adapter.modules.size} adapted layers; trained with Hone.${note ? `\n\n${note}` : ''}

\`\`\`python
from peft import PeftModel
from transformers import AutoModelForCausalLM
model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(${quoted}), "PATH TO THIS FOLDER")
\`\`\`
`
}

/**
 * Reads an adapter of any subset of layers. Throws CheckpointError that names the file, and the field or tensor, with what was expected and what was
 * found. Whether it fits a base model is `checkAdapterFits`.
 */
export async function readAdapter(folder: FolderSource): Promise<LoraAdapter> {
  const json = await readJson(folder, ADAPTER_CONFIG)
  if (json === null) throw missingFile(folder, ADAPTER_CONFIG)
  const config = parseLoraConfig(json)
  const source = await folder.open(ADAPTER_WEIGHTS)
  if (!source) {
    const pickle = (await folder.open('adapter_model.bin'))
      ? ', found adapter_model.bin (a pickle, which can run code when opened: save it again with safe_serialization=True)'
      : ''
    throw missingFile(folder, `expected ${ADAPTER_WEIGHTS}${pickle}`)
  }
  const { isMixed, changes, ...plain } = await readLoraTensors(await openSafetensors(source, ADAPTER_WEIGHTS), config)
  const { dropout, baseModel, revision } = config
  return { ...plain, dropout, baseModel, revision, ...(isMixed ? { isMixed } : {}), ...(changes ? { changes } : {}) }
}

/**
 * Throws unless everything the adapter changes is there in the base model, with fitting sizes.
 * `shapes`: HF tensor name → shape [out, in], as the architecture's parameter table gives them.
 */
export function checkAdapterFits({ modules, changes }: LoraAdapter, shapes: Readonly<Record<string, readonly number[]>>): void {
  for (const [path, { inFeatures, outFeatures }] of modules) {
    checkHead(`${path}.weight`, shapes)
    const shape = shapes[`${path}.weight`]
    if (!shape) throw new CheckpointError(`the adapter does not fit the model: it adapts ${path}, which the model does not have`)
    if (shape.length !== 2 || shape[0] !== outFeatures || shape[1] !== inFeatures) {
      throw new CheckpointError(
        `the adapter does not fit the model: ${path} is ${shapeText(shape)} in the model, the adapter was made for ${shapeText([outFeatures, inFeatures])}`,
      )
    }
  }
  for (const [name, { shape: found }] of changes?.parameters ?? []) {
    checkHead(name, shapes)
    const shape = shapes[name]
    if (!shape) throw new CheckpointError(`the adapter does not fit the model: it holds ${name}, which the model does not have`)
    if (shapeText(shape) !== shapeText(found))
      throw new CheckpointError(
        `the adapter does not fit the model: ${name} is ${shapeText(shape)} in the model, the adapter holds ${shapeText(found)}`,
      )
  }
  for (const path of changes?.biases.keys() ?? [])
    if (!shapes[`${path}.bias`])
      throw new CheckpointError(
        `the adapter does not fit the model: it adds a bias to ${path} (lora_bias: true), which has none in the model. Train it with lora_bias false.`,
      )
}

/** Where the head is the embedding, peft changes one of the two alone: they would be tied no more. */
function checkHead(name: string, shapes: Readonly<Record<string, readonly number[]>>): void {
  if ((name === EMBEDDING || name === HEAD) && !(HEAD in shapes))
    throw new CheckpointError(
      `the adapter does not fit the model: it changes ${name}, but the model’s head is its embedding (tie_word_embeddings), and only one of the two would change. Merge it with peft into a copy of the base with tie_word_embeddings false.`,
    )
}

/** A linear layer from the last hidden state to one value per token. */
export interface ValueHead {
  /** [hidden] */
  readonly weight: Float32Array
  readonly bias: number
}

/** TRL's `AutoModelForCausalLMWithValueHead` names: `v_head.summary.weight` [1, hidden], `v_head.summary.bias` [1]. */
export function writeValueHead({ weight, bias }: ValueHead): Uint8Array<ArrayBuffer> {
  return writeSafetensors({
    'v_head.summary.weight': { shape: [1, weight.length], data: weight },
    'v_head.summary.bias': { shape: [1], data: Float32Array.of(bias) },
  })
}

/** Throws CheckpointError when the head was made for another hidden size. */
export async function readValueHead(source: ByteSource, hiddenSize: number, file = VALUE_HEAD_WEIGHTS): Promise<ValueHead> {
  const tensors = await openSafetensors(source, file)
  const weight = await tensors.float32('v_head.summary.weight', [1, hiddenSize])
  const [bias = 0] = await tensors.float32('v_head.summary.bias', [1])
  return { weight, bias }
}

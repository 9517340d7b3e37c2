/**
 * LoRA adapters in PEFT's layout: `adapter_config.json`, `adapter_model.safetensors`, `README.md`. Sources: huggingface/peft
 * `LoraConfig` and `save_and_load.py`; the small set of fields loads in every release (old ones refuse unknown keys).
 * The value head is no part of the adapter: it is saved apart in `v_head.safetensors` under TRL's names.
 */
import { z } from 'zod'
import { type ByteSource, CheckpointError, type FolderSource, readJson } from './byteSource'
import { openSafetensors, shapeText, type TensorSource } from './safetensors'
import { type TensorToWrite, writeSafetensors } from './writeSafetensors'

export const ADAPTER_CONFIG = 'adapter_config.json'
export const ADAPTER_WEIGHTS = 'adapter_model.safetensors'
export const VALUE_HEAD_WEIGHTS = 'v_head.safetensors'
const PREFIX = 'base_model.model.'

/** One adapted linear layer: y += scaling · B·A·x, W [out, in]. */
export interface LoraMatrices {
  /** [r, in] row-major. */
  readonly a: Float32Array
  /** [out, r] row-major. */
  readonly b: Float32Array
  readonly inFeatures: number
  readonly outFeatures: number
}

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
}

/** The adapter's files by name. Throws CheckpointError when a matrix does not fit the rank or the layer. */
export function writeAdapter(adapter: LoraAdapter, note = ''): Map<string, Uint8Array<ArrayBuffer>> {
  const { rank, modules } = adapter
  if (modules.size === 0) throw new CheckpointError('an adapter without modules cannot be written')
  const tensors: Record<string, TensorToWrite> = {}
  for (const [path, { a, b, inFeatures, outFeatures }] of modules) {
    tensors[`${PREFIX}${path}.lora_A.weight`] = { shape: [rank, inFeatures], data: a }
    tensors[`${PREFIX}${path}.lora_B.weight`] = { shape: [outFeatures, rank], data: b }
  }
  const text = new TextEncoder()
  return new Map([
    [ADAPTER_CONFIG, text.encode(`${JSON.stringify(configJson(adapter), null, 2)}\n`)],
    [ADAPTER_WEIGHTS, writeSafetensors(tensors)],
    ['README.md', text.encode(readme(adapter, note))],
  ])
}

function configJson(adapter: LoraAdapter): Record<string, unknown> {
  const targets = new Set(Array.from(adapter.modules.keys(), (path) => path.slice(path.lastIndexOf('.') + 1)))
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
  for (const path of adapter.modules.keys()) {
    const layer = /\.layers\.(\d+)\./.exec(path)?.[1]
    if (layer !== undefined) layers.add(Number(layer))
  }
  const sorted = [...layers].sort((x, y) => x - y)
  const isFull = sorted.every((layer, i) => layer === i) && adapter.modules.size === sorted.length * targets.size
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

const emptyPattern = z.record(z.string(), z.unknown()).nullish()
const configSchema = z.object({
  peft_type: z.string(),
  base_model_name_or_path: z.string().nullish(),
  revision: z.string().nullish(),
  r: z.int().positive(),
  lora_alpha: z.number().positive(),
  lora_dropout: z.number().min(0).max(1).default(0),
  bias: z.string().default('none'),
  fan_in_fan_out: z.boolean().default(false),
  use_rslora: z.boolean().default(false),
  use_dora: z.boolean().default(false),
  modules_to_save: z.array(z.string()).nullish(),
  rank_pattern: emptyPattern,
  alpha_pattern: emptyPattern,
})
type AdapterConfig = z.infer<typeof configSchema>

function parseConfig(json: unknown): AdapterConfig {
  const parsed = configSchema.safeParse(json)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new CheckpointError(`${ADAPTER_CONFIG}: ${issue?.path.join('.') || 'the file'}: ${issue?.message ?? 'not an adapter'}`)
  }
  const config = parsed.data
  const unsupported: [boolean, string][] = [
    [config.peft_type !== 'LORA', `peft_type "${config.peft_type}"; expected LORA`],
    [config.use_dora, 'use_dora: true (DoRA); expected plain LoRA'],
    [config.bias !== 'none', `bias "${config.bias}"; expected "none"`],
    [config.fan_in_fan_out, 'fan_in_fan_out: true; expected false (linear layers)'],
    [(config.modules_to_save ?? []).length > 0, `modules_to_save ${JSON.stringify(config.modules_to_save)}; expected none`],
    [Object.keys(config.rank_pattern ?? {}).length > 0, 'rank_pattern; expected one rank for all layers'],
    [Object.keys(config.alpha_pattern ?? {}).length > 0, 'alpha_pattern; expected one alpha for all layers'],
  ]
  for (const [found, what] of unsupported) if (found) throw new CheckpointError(`${ADAPTER_CONFIG}: not supported: ${what}`)
  return config
}

/**
 * Reads an adapter of any subset of layers. Throws CheckpointError that names the file, the tensor, the shape expected by the
 * config's rank and the shape found. Whether it fits a base model is `checkAdapterFits`.
 */
export async function readAdapter(folder: FolderSource): Promise<LoraAdapter> {
  const json = await readJson(folder, ADAPTER_CONFIG)
  if (json === null) throw new CheckpointError(`${folder.name}: file missing: ${ADAPTER_CONFIG}`)
  const config = parseConfig(json)
  const source = await folder.open(ADAPTER_WEIGHTS)
  if (!source) {
    const pickle = (await folder.open('adapter_model.bin'))
      ? ', found adapter_model.bin (a pickle, which can run code when opened: save it again with safe_serialization=True)'
      : ''
    throw new CheckpointError(`${folder.name}: file missing: expected ${ADAPTER_WEIGHTS}${pickle}`)
  }
  return {
    rank: config.r,
    alpha: config.lora_alpha,
    dropout: config.lora_dropout,
    useRslora: config.use_rslora,
    baseModel: config.base_model_name_or_path ?? '',
    revision: config.revision ?? null,
    modules: await readModules(await openSafetensors(source, ADAPTER_WEIGHTS), config.r),
  }
}

async function readModules(tensors: TensorSource, rank: number): Promise<Map<string, LoraMatrices>> {
  const paths = new Set<string>()
  for (const key of tensors.tensors.keys()) {
    const path = /^base_model\.model\.(.+)\.lora_[AB]\.weight$/.exec(key)?.[1]
    if (path === undefined) {
      throw new CheckpointError(
        `${ADAPTER_WEIGHTS}: tensor "${key}" is not supported; expected names like ${PREFIX}model.layers.0.self_attn.q_proj.lora_A.weight`,
      )
    }
    paths.add(path)
  }
  if (paths.size === 0) throw new CheckpointError(`${ADAPTER_WEIGHTS}: expected LoRA matrices, found no tensors`)
  const modules = new Map<string, LoraMatrices>()
  for (const path of [...paths].sort()) {
    const a = tensors.info(`${PREFIX}${path}.lora_A.weight`)
    const b = tensors.info(`${PREFIX}${path}.lora_B.weight`)
    const [aRank, inFeatures] = a.shape
    const [outFeatures, bRank] = b.shape
    if (a.shape.length !== 2 || aRank !== rank || inFeatures === undefined) {
      throw new CheckpointError(
        `${ADAPTER_WEIGHTS}: tensor "${a.name}": expected shape [${rank}, in] by r in ${ADAPTER_CONFIG}, found ${shapeText(a.shape)}`,
      )
    }
    if (b.shape.length !== 2 || bRank !== rank || outFeatures === undefined) {
      throw new CheckpointError(
        `${ADAPTER_WEIGHTS}: tensor "${b.name}": expected shape [out, ${rank}] by r in ${ADAPTER_CONFIG}, found ${shapeText(b.shape)}`,
      )
    }
    modules.set(path, { a: await tensors.float32(a.name), b: await tensors.float32(b.name), inFeatures, outFeatures })
  }
  return modules
}

/**
 * Throws unless every adapted layer is a matrix of the base model with fitting sizes.
 * `shapes`: HF tensor name → shape [out, in], as the architecture's parameter table gives them.
 */
export function checkAdapterFits(adapter: LoraAdapter, shapes: Readonly<Record<string, readonly number[]>>): void {
  for (const [path, { inFeatures, outFeatures }] of adapter.modules) {
    const shape = shapes[`${path}.weight`]
    if (!shape) throw new CheckpointError(`the adapter does not fit the model: it adapts ${path}, which the model does not have`)
    if (shape.length !== 2 || shape[0] !== outFeatures || shape[1] !== inFeatures) {
      throw new CheckpointError(
        `the adapter does not fit the model: ${path} is ${shapeText(shape)} in the model, the adapter was made for ${shapeText([outFeatures, inFeatures])}`,
      )
    }
  }
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

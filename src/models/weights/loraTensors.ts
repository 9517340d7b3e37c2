/**
 * The tensors of `adapter_model.safetensors`: each is a part of the adapter or is refused by name. peft's names follow from its modules: LoRA's
 * factors, DoRA's magnitudes, biases of B, and parameters of the base that were trained whole or saved beside the adapter.
 */
import { firstNonFinite } from '../../base/nonFinite'
import { loraScaling } from '../architectures/decoder'
import { CheckpointError } from './byteSource'
import { ADAPTER_CONFIG, adapterConfigError, type BaseInit, type LoraConfig } from './loraConfig'
import { shapeText, type TensorSource } from './safetensors'

export const ADAPTER_WEIGHTS = 'adapter_model.safetensors'
export const PREFIX = 'base_model.model.'

/** One low-rank product: W becomes W + scaling · B·A, W [out, in]. */
export interface LoraMatrices {
  /** [r, in] row-major. */
  readonly a: Float32Array
  /** [out, r] row-major. */
  readonly b: Float32Array
  readonly inFeatures: number
  readonly outFeatures: number
}

/** What an adapter makes of its base beyond adding products of one rank and scaling. */
export interface BaseChanges {
  /** What loading the adapter takes out of a module's matrix, with the module's own rank and scaling. */
  readonly residuals: ReadonlyMap<string, { readonly init: BaseInit; readonly rank: number; readonly scaling: number }>
  /** DoRA: each row of W + scaling · B·A gets this length. */
  readonly magnitudes: ReadonlyMap<string, Float32Array>
  /** What is added to a module's bias, scaling included. */
  readonly biases: ReadonlyMap<string, Float32Array>
  /** Parameters that take the base's place, by their name in the base. */
  readonly parameters: ReadonlyMap<string, { readonly shape: readonly number[]; readonly values: Float32Array }>
}

export interface LoraTensors {
  /** By module path; all of `rank`, scaled by `alpha`. */
  readonly modules: ReadonlyMap<string, LoraMatrices>
  readonly rank: number
  readonly alpha: number
  readonly useRslora: boolean
  /** Whether the file’s modules differ in rank or scaling: they were padded with zeros to one rank, their scalings multiplied into B. */
  readonly isMixed: boolean
  readonly changes: BaseChanges | null
}

interface Module {
  readonly matrices: LoraMatrices
  readonly rank: number
  readonly alpha: number
}

export async function readLoraTensors(tensors: TensorSource, config: LoraConfig): Promise<LoraTensors> {
  const parts = sortNames([...tensors.tensors.keys()], config)
  const read = (name: string, shape?: readonly number[]): Promise<Float32Array> => finite(tensors, name, shape)
  const modules = new Map<string, Module>()
  for (const path of [...parts.modules].sort()) modules.set(path, await readModule(tensors, path, parts.embeddings.has(path), config))
  const scalingOf = (path: string): number => scalingFrom(config, path)
  const changes = {
    residuals: residualsOf(modules, parts, config),
    magnitudes: new Map<string, Float32Array>(),
    biases: new Map<string, Float32Array>(),
    parameters: new Map<string, { shape: readonly number[]; values: Float32Array }>(),
  }
  for (const [path, name] of parts.magnitudes) changes.magnitudes.set(path, await read(name, [outOf(modules, path, name)]))
  for (const [path, name] of parts.biases) {
    const bias = await read(name, [outOf(modules, path, name)])
    changes.biases.set(
      path,
      bias.map((value) => value * scalingOf(path)),
    )
  }
  for (const [parameter, name] of parts.parameters)
    changes.parameters.set(parameter, { shape: tensors.info(name).shape, values: await read(name) })
  checkComplete(modules, changes.magnitudes, parts, config)
  const isPlain = Object.values(changes).every(({ size }) => size === 0)
  return { ...unified(modules, config), changes: isPlain ? null : changes }
}

interface Names {
  readonly modules: Set<string>
  readonly embeddings: Set<string>
  readonly magnitudes: Map<string, string>
  readonly biases: Map<string, string>
  readonly parameters: Map<string, string>
}

function sortNames(keys: readonly string[], config: LoraConfig): Names {
  if (keys.length === 0) throw new CheckpointError(`${ADAPTER_WEIGHTS}: expected LoRA matrices, found no tensors`)
  const found: Names = { modules: new Set(), embeddings: new Set(), magnitudes: new Map(), biases: new Map(), parameters: new Map() }
  for (const key of keys) {
    const [, path, kind] =
      /^base_model\.model\.(.+?)\.(lora_[^.]+(?:\.weight|\.bias)?|base_layer\.(?:weight|bias)|weight|bias)$/.exec(key) ?? []
    if (path === undefined || kind === undefined || !place(found, key, path, kind, config)) throw unknownTensor(key)
  }
  for (const [parameter, key] of found.parameters) checkParameter(parameter, key, found.modules)
  return found
}

/** Whether the tensor is one of those that are computed. */
function place(found: Names, key: string, path: string, kind: string, { useDora, loraBias, usesVelora }: LoraConfig): boolean {
  switch (kind) {
    case 'lora_A.weight':
    case 'lora_B.weight':
      found.modules.add(path)
      return true
    case 'lora_embedding_A':
    case 'lora_embedding_B':
      found.modules.add(path)
      found.embeddings.add(path)
      return true
    case 'lora_magnitude_vector':
    case 'lora_magnitude_vector.weight':
      found.magnitudes.set(path, key)
      return useDora
    case 'lora_B.bias':
      found.biases.set(path, key)
      return loraBias
    case 'lora_velora_embed':
      // Of the backward pass.
      return usesVelora
    default:
      // peft calls an adapted module's own parameters base_layer's.
      if (kind.startsWith('lora_')) return false
      found.parameters.set(`${path}.${kind.replace('base_layer.', '')}`, key)
      return true
  }
}

const unknownTensor = (key: string): CheckpointError =>
  new CheckpointError(
    `${ADAPTER_WEIGHTS}: tensor "${key}" is not supported by what ${ADAPTER_CONFIG} says; expected names like ${PREFIX}model.layers.0.self_attn.q_proj.lora_A.weight. Merge the adapter into its base with peft, and load the merged model instead.`,
  )

/** peft finds a parameter only under the name it has beside an adapter, or without one. */
function checkParameter(parameter: string, key: string, modules: ReadonlySet<string>): void {
  const module = parameter.slice(0, parameter.lastIndexOf('.'))
  const named = modules.has(module) ? `${PREFIX}${module}.base_layer${parameter.slice(module.length)}` : `${PREFIX}${parameter}`
  if (key !== named) throw new CheckpointError(`${ADAPTER_WEIGHTS}: tensor "${key}" is used by nothing; peft reads "${named}". Remove it.`)
}

async function readModule(tensors: TensorSource, path: string, isEmbedding: boolean, config: LoraConfig): Promise<Module> {
  const rank = config.rankOf(path)
  if (isEmbedding && config.useDora)
    throw new CheckpointError(
      `${ADAPTER_CONFIG}: use_dora is true for the embedding ${path}; expected linear layers alone. Merge the adapter into its base with peft, and load the merged model instead.`,
    )
  const [first, second] = isEmbedding ? ['lora_embedding_A', 'lora_embedding_B'] : ['lora_A.weight', 'lora_B.weight']
  const a = tensors.info(`${PREFIX}${path}.${first}`)
  const b = tensors.info(`${PREFIX}${path}.${second}`)
  const wrong = (name: string, expected: string, shape: readonly number[]): CheckpointError =>
    new CheckpointError(
      `${ADAPTER_WEIGHTS}: tensor "${name}": expected shape ${expected} by r in ${ADAPTER_CONFIG}, found ${shapeText(shape)}`,
    )
  const [aRank, aWidth] = a.shape
  const [bHeight, bRank] = b.shape
  if (a.shape.length !== 2 || aRank !== rank || aWidth === undefined) throw wrong(a.name, `[${rank}, in]`, a.shape)
  if (b.shape.length !== 2 || bRank !== rank || bHeight === undefined) throw wrong(b.name, `[out, ${rank}]`, b.shape)
  if (!config.adapts(path) && config.ensuresTying)
    throw adapterConfigError(
      'ensure_weight_tying',
      true,
      `false, or no adapter on the embedding and its head`,
      `It adapts ${path} as well, with the same matrices. Merge the adapter into its base with peft, and load the merged model instead.`,
    )
  if (!config.adapts(path))
    throw new CheckpointError(
      `${ADAPTER_WEIGHTS}: tensor "${a.name}" is used by nothing: ${path} is not among the layers of ${config.targetsText} in ${ADAPTER_CONFIG}. Name the layer there, or remove its tensors.`,
    )
  const values = [await finite(tensors, a.name), await finite(tensors, b.name)] as const
  const module = { rank, alpha: config.alphaOf(path) }
  if (!isEmbedding) return { ...module, matrices: { a: values[0], b: values[1], inFeatures: aWidth, outFeatures: bHeight } }
  // An embedding is looked up by rows: its product stands transposed, A [r, vocabulary] and B [hidden, r].
  const turned = { a: transposed(values[1], rank), b: transposed(values[0], aWidth) }
  return { ...module, matrices: { ...turned, inFeatures: bHeight, outFeatures: aWidth } }
}

/** Of a matrix of rows of `width`. */
export function transposed(values: Float32Array, width: number): Float32Array {
  const height = values.length / width
  const turned = new Float32Array(values.length)
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++) turned[column * height + row] = values[row * width + column] ?? 0
  return turned
}

async function finite(tensors: TensorSource, name: string, shape?: readonly number[]): Promise<Float32Array> {
  const values = await tensors.float32(name, shape)
  const at = firstNonFinite(values)
  if (at !== null)
    throw new CheckpointError(
      `${ADAPTER_WEIGHTS}: tensor "${name}" holds ${String(values[at])} at value ${at}; expected finite numbers. The training that left it diverged: take an earlier checkpoint.`,
    )
  return values
}

function outOf(modules: ReadonlyMap<string, Module>, path: string, name: string): number {
  const module = modules.get(path)
  if (!module) throw new CheckpointError(`${ADAPTER_WEIGHTS}: tensor "${name}" belongs to a layer without lora_A and lora_B`)
  return module.matrices.outFeatures
}

const scalingFrom = (config: LoraConfig, path: string): number =>
  loraScaling({ rank: config.rankOf(path), alpha: config.alphaOf(path), useRslora: config.useRslora })

/** A matrix that is saved beside the adapter was saved as it was after the adapter's part was taken out. */
function residualsOf(
  modules: ReadonlyMap<string, Module>,
  { parameters, embeddings }: Names,
  config: LoraConfig,
): BaseChanges['residuals'] {
  const { baseInit: init } = config
  if (init === null) return new Map()
  // The embedding begins as plain LoRA, whatever the others do.
  const taken = [...modules].filter(([path]) => !embeddings.has(path) && !parameters.has(`${path}.weight`))
  return new Map(taken.map(([path, { rank }]) => [path, { init, rank, scaling: scalingFrom(config, path) }]))
}

function checkComplete(
  modules: ReadonlyMap<string, Module>,
  magnitudes: ReadonlyMap<string, unknown>,
  { parameters }: Names,
  { useDora, modulesToSave }: LoraConfig,
): void {
  for (const path of useDora ? modules.keys() : []) {
    if (!magnitudes.has(path))
      throw new CheckpointError(`${ADAPTER_WEIGHTS}: tensor "${PREFIX}${path}.lora_magnitude_vector" is missing, which use_dora needs`)
  }
  for (const name of modulesToSave)
    if (![...parameters.keys()].some((parameter) => `.${parameter}`.includes(`.${name}.`)))
      throw new CheckpointError(`${ADAPTER_WEIGHTS}: no tensor of ${name} is there, which modules_to_save in ${ADAPTER_CONFIG} names`)
}

/** One rank and one scaling for all modules, so that they compute the same: padded with zeros, other scalings multiplied into B. */
function unified(modules: ReadonlyMap<string, Module>, config: LoraConfig): Omit<LoraTensors, 'changes'> {
  const all = [...modules.values()]
  const { rank: firstRank = 1, alpha: firstAlpha = 1 } = all[0] ?? {}
  const matrices = (of: (module: Module, path: string) => LoraMatrices): Map<string, LoraMatrices> =>
    new Map([...modules].map(([path, module]) => [path, of(module, path)]))
  if (all.every(({ rank, alpha }) => rank === firstRank && alpha === firstAlpha))
    return {
      modules: matrices((module) => module.matrices),
      rank: firstRank,
      alpha: firstAlpha,
      useRslora: config.useRslora,
      isMixed: false,
    }
  const rank = Math.max(...all.map((module) => module.rank))
  const padded = matrices((module, path) => paddedTo(rank, module, scalingFrom(config, path)))
  return { modules: padded, rank, alpha: rank, useRslora: false, isMixed: true }
}

function paddedTo(rank: number, { matrices: { a, b, inFeatures, outFeatures }, rank: own }: Module, scaling: number): LoraMatrices {
  const wideA = new Float32Array(rank * inFeatures)
  wideA.set(a)
  const wideB = new Float32Array(outFeatures * rank)
  for (let row = 0; row < outFeatures; row++)
    for (let column = 0; column < own; column++) wideB[row * rank + column] = (b[row * own + column] ?? 0) * scaling
  return { a: wideA, b: wideB, inFeatures, outFeatures }
}

/**
 * Adapters whose configuration means more than plain LoRA, and tensors of adapters that nothing would use: every field of peft's LoraConfig is known,
 * and what is not computed is refused with its name.
 */
import { expect, it } from 'vitest'
import { parseModelConfig } from '../../src/models/architectures/config'
import { architectureOf } from '../../src/models/languageModel'
import { parseLoraConfig } from '../../src/models/weights/loraConfig'
import { checkAdapterFits, readAdapter, writeAdapter } from '../../src/models/weights/peft'
import { folderFromMap } from '../../src/models/weights/byteSource'
import { checkTrainable } from '../../src/studio/models/initialAdapter'
import { goldenText } from './files'
import { adapterFolder, variant, variants } from './peftVariants'

const model = parseModelConfig(JSON.parse(goldenText('tiny_qwen2_untied/config.json')))
const shapes = architectureOf(model).parameters(model)
const configOf = (name: string): Readonly<Record<string, unknown>> => variants.configs[name] ?? {}
const read = async (name: string, change: Readonly<Record<string, unknown>> = {}) =>
  readAdapter(adapterFolder({ ...configOf(name), ...change }, (await variant(name)).tensors))

it.each(Object.entries(variants.refused))('%s is refused with its field, what was found, what is expected and what to do', (name, json) => {
  const field = name.split(' ')[0] ?? ''
  expect(() => parseLoraConfig(json)).toThrow(
    new RegExp(`^adapter_config.json: ${field} is .*; expected .*\\. .*(with peft|Hone computes)`),
  )
})

it('every field of peft’s LoraConfig is known', () => {
  // A value no field has: it is read and refused, refused as what it would turn on, or changes nothing; never unknown.
  for (const field of variants.fields) {
    let message = ''
    try {
      parseLoraConfig({ ...configOf('plain'), [field]: { strange: true } })
    } catch (error) {
      message = error instanceof Error ? error.message : String(error)
    }
    expect(message, field).not.toMatch(/does not know/)
  }
  expect(() => parseLoraConfig({ ...configOf('plain'), use_tomorrows_lora: true })).toThrow(
    'use_tomorrows_lora is true; expected no such field',
  )
  // What a newer release can turn on is off.
  expect(() => parseLoraConfig({ ...configOf('plain'), use_tomorrows_lora: false, tomorrow_config: null })).not.toThrow()
})

it.each([
  [{ peft_type: 'LOHA' }, 'peft_type is "LOHA"; expected "LORA"'],
  [{ task_type: 'SEQ_CLS' }, 'task_type is "SEQ_CLS"'],
  [{ init_lora_weights: 'tomorrow' }, 'Hone does not know this initialisation'],
  [{ bias: 'some' }, 'adapter_config.json: bias: '],
  [{ r: 'eight' }, 'adapter_config.json: r: '],
  [{ r: 4 }, 'lora_A.weight": expected shape [4, in] by r in adapter_config.json, found [2, 32]'],
  [{ rank_pattern: { v_proj: 3 } }, 'v_proj.lora_A.weight": expected shape [3, in]'],
  [{ rank_pattern: { '(a+)+': 3 } }, 'rank_pattern has the pattern "(a+)+"'],
  [{ target_modules: '(?P<x>q_proj)' }, 'target_modules has the pattern'],
  [
    { target_modules: ['q_proj'] },
    'v_proj.lora_A.weight" is used by nothing: model.layers.0.self_attn.v_proj is not among the layers of target_modules ["q_proj"]',
  ],
  [{ exclude_modules: ['layers.1.self_attn.v_proj'] }, 'layers.1.self_attn.v_proj.lora_A.weight" is used by nothing'],
  [{ layers_to_transform: [0] }, 'layers.1.self_attn.q_proj.lora_A.weight" is used by nothing'],
  [{ modules_to_save: ['lm_head'] }, 'no tensor of lm_head is there, which modules_to_save'],
  [{ use_dora: true }, 'lora_magnitude_vector" is missing, which use_dora needs'],
])('%o is refused', async (change, message) => {
  await expect(read('plain', change)).rejects.toThrow(message)
})

it.each([
  ['dora', { use_dora: false }, 'lora_magnitude_vector" is not supported by what adapter_config.json says'],
  ['bias_of_b', { lora_bias: false }, 'lora_B.bias" is not supported by what adapter_config.json says'],
  ['velora', { velora_config: null }, 'lora_velora_embed" is not supported'],
  ['embedding', { use_dora: true }, 'use_dora is true for the embedding model.embed_tokens; expected linear layers alone'],
  [
    'head',
    { target_modules: ['q_proj'], ensure_weight_tying: true },
    'ensure_weight_tying is true; expected false, or no adapter on the embedding',
  ],
])('a tensor of %s that %o gives no use is refused by name', async (name, change, message) => {
  await expect(read(name, change)).rejects.toThrow(message)
})

it('how an adapter began changes nothing where the base stays as it is', async () => {
  const plain = await read('patterns')
  expect(await read('patterns', { init_lora_weights: 'eva', eva_config: { rho: 2 } })).toEqual(plain)
  expect(
    await read('patterns', { init_lora_weights: false, loftq_config: { loftq_bits: 4 }, qalora_group_size: 8, runtime_config: {} }),
  ).toEqual(plain)
})

it('a tensor that is not finite is refused by name', async () => {
  const { tensors } = await variant('plain')
  const [name = ''] = Object.keys(tensors)
  const broken = { ...tensors[name], shape: tensors[name]?.shape ?? [], data: Float32Array.from(tensors[name]?.data ?? []) }
  broken.data[5] = Number.POSITIVE_INFINITY
  await expect(readAdapter(adapterFolder(configOf('plain'), { ...tensors, [name]: broken }))).rejects.toThrow(
    `tensor "${name}" holds Infinity at value 5; expected finite numbers`,
  )
})

it('a parameter under a name peft does not look for is refused', async () => {
  const { tensors } = await variant('head')
  const head = tensors['base_model.model.lm_head.base_layer.weight']
  if (!head) throw new Error('the golden has no head')
  await expect(readAdapter(adapterFolder(configOf('head'), { ...tensors, 'base_model.model.lm_head.weight': head }))).rejects.toThrow(
    'tensor "base_model.model.lm_head.weight" is used by nothing; peft reads "base_model.model.lm_head.base_layer.weight"',
  )
})

it.each(['head', 'embedding', 'saved_module'])('%s does not fit a model whose head is its embedding', async (name) => {
  const { 'lm_head.weight': _head, ...tied } = shapes
  const adapter = await read(name)
  expect(() => {
    checkAdapterFits(adapter, tied)
  }).toThrow('tie_word_embeddings')
  expect(() => {
    checkAdapterFits(adapter, shapes)
  }).not.toThrow()
})

it('a bias for a layer without one does not fit, nor does a parameter of another size', async () => {
  const { 'model.layers.0.self_attn.q_proj.bias': _bias, ...without } = shapes
  const [bias, saved] = [await read('bias_of_b'), await read('saved_module')]
  expect(() => {
    checkAdapterFits(bias, without)
  }).toThrow('it adds a bias to model.layers.0.self_attn.q_proj (lora_bias: true), which has none in the model')
  expect(() => {
    checkAdapterFits(saved, { ...shapes, 'lm_head.weight': [100, 32] })
  }).toThrow('lm_head.weight is [100, 32] in the model, the adapter holds [96, 32]')
})

it.each([
  ['pissa', 'init_lora_weights "pissa" takes a part out of the base'],
  ['olora', 'init_lora_weights "olora" takes a part out of the base'],
  ['dora', 'use_dora sets the lengths of rows'],
  ['bias_of_b', 'lora_bias adds to biases'],
  ['saved_module', 'it holds lm_head.weight'],
  ['embedding', 'the adapter adapts model.embed_tokens, but only'],
  ['patterns', 'several ranks or scalings (rank_pattern, alpha_pattern)'],
])('no run begins from %s, and none of it is written as plain LoRA unless it is that', async (name, message) => {
  const adapter = await read(name)
  expect(() => {
    checkTrainable(adapter)
  }).toThrow(message)
  if (adapter.changes) expect(() => writeAdapter(adapter)).toThrow('a plain LoRA adapter cannot hold what this one does')
})

it.each(['embedding', 'patterns', 'one_layer', 'head'])('%s is written as a plain LoRA adapter that reads the same', async (name) => {
  const { changes: _saved, isMixed: _mixed, ...adapter } = await read(name)
  const back = await readAdapter(folderFromMap('back', writeAdapter(adapter)))
  expect({ ...back, modules: [...back.modules].sort() }).toEqual({ ...adapter, modules: [...adapter.modules].sort() })
})

/** What a run takes over from the adapter it begins from, before any device. */
import { expect, it } from 'vitest'
import { parseModelConfig } from '../../src/models/architectures/config'
import { projectionPath } from '../../src/models/architectures/decoder'
import { folderFromMap } from '../../src/models/weights/byteSource'
import { VALUE_HEAD_WEIGHTS, writeAdapter, writeValueHead, type LoraMatrices } from '../../src/models/weights/peft'
import { checkTrainable, readInitialAdapter } from '../../src/studio/models/initialAdapter'
import { grpoTrainable } from '../../src/training/algorithms/grpo/loop'
import { dpoTrainable } from '../../src/training/algorithms/dpo/loop'
import { dpoConfig } from '../../src/training/algorithms/dpo/config'
import { grpoConfig } from '../../src/training/algorithms/grpo/config'
import { settingsOfInitialAdapter } from '../../src/training/policy/initialAdapter'
import { referenceEntries, trainableEntries } from '../../src/training/policy/policyPlans'

const config = parseModelConfig({
  ...{ model_type: 'qwen2', vocab_size: 16, hidden_size: 8, intermediate_size: 12, num_hidden_layers: 2 },
  ...{ num_attention_heads: 2, num_key_value_heads: 2, tie_word_embeddings: false, max_position_embeddings: 64 },
})
const matrices = (out: number, inner: number): LoraMatrices => ({
  ...{ a: new Float32Array(2 * inner).fill(0.5), b: new Float32Array(out * 2).fill(0.25), inFeatures: inner, outFeatures: out },
})
const filesOf = (modules: Readonly<Record<string, LoraMatrices>>) =>
  writeAdapter({
    ...{ rank: 2, alpha: 3, dropout: 0.1, useRslora: true, baseModel: 'm', revision: null },
    modules: new Map(Object.entries(modules)),
  })

it('layers a file leaves alone get an adapter that changes nothing; the value head beside it is read', async () => {
  const files = filesOf({ [projectionPath(1, 'q_proj')]: matrices(8, 8) })
  files.set(VALUE_HEAD_WEIGHTS, writeValueHead({ weight: new Float32Array(8).fill(0.125), bias: -1 }))
  const { lora, tensors, hasValueHead, files: kept } = await readInitialAdapter(folderFromMap('here', files), { config })
  expect(lora).toEqual({ rank: 2, alpha: 3, useRslora: true, dropout: 0.1, targets: ['q_proj'] })
  expect(tensors.get(`${projectionPath(0, 'q_proj')}.lora_B.weight`)?.values).toEqual(new Float32Array(16))
  expect(tensors.get(`${projectionPath(1, 'q_proj')}.lora_B.weight`)?.values).toEqual(new Float32Array(16).fill(0.25))
  expect([hasValueHead, tensors.get('v_head.summary.bias')?.values[0]]).toEqual([true, -1])
  expect([...kept.keys()]).toEqual(['adapter_config.json', 'adapter_model.safetensors', 'v_head.safetensors'])
  // All that is trained has its beginning.
  const entries = trainableEntries(config, { kind: 'lora', lora, valueHead: true })
  expect(entries.filter(({ name, shape }) => tensors.get(name)?.shape.join() !== shape.join())).toEqual([])
})

it('an adapter of a layer that is not trained here is refused', async () => {
  const { whole } = await readInitialAdapter(folderFromMap('here', filesOf({ lm_head: matrices(16, 8) })), { config })
  expect(() => {
    checkTrainable(whole)
  }).toThrow('the adapter adapts lm_head, but only q_proj, k_proj')
})

it('the shape is the adapter’s, whatever the defaults; a setting that says otherwise is refused with both', () => {
  const lora = { rank: 4, alpha: 8, targets: ['down_proj', 'q_proj'], useRslora: true, dropout: 0.1 } as const
  const known = { lora_r: 0, lora_alpha: 0, lora_targets: 0, use_rslora: 0, lora_dropout: 0 }
  const shape = { lora_r: 4, lora_alpha: 8, lora_targets: ['q_proj', 'down_proj'], use_rslora: true }
  expect(settingsOfInitialAdapter({}, lora, known, 'it')).toEqual({ ...shape, lora_dropout: 0.1 })
  expect(settingsOfInitialAdapter({ ...shape, lora_targets: ['down_proj', 'q_proj'], lora_dropout: 0 }, lora, known, 'it')).toEqual({
    ...shape,
    lora_dropout: 0,
  })
  expect(settingsOfInitialAdapter({}, lora, { lora_r: 0 }, 'it')).toEqual({ lora_r: 4 })
  expect(() => settingsOfInitialAdapter({ use_rslora: false }, lora, known, 'it')).toThrow(
    'use_rslora is false, but it, from which the run starts, has true',
  )
  expect(() => settingsOfInitialAdapter({ lora_targets: ['q_proj'] }, lora, known, 'it')).toThrow('lora_targets is q_proj, but it')
})

it('a copy is kept where a run that goes on has a reference, and nowhere else', () => {
  const entries = (trainable: ReturnType<typeof grpoTrainable>): number => referenceEntries(config, trainable).length
  const grpo = (own: object, isContinued: boolean): number => entries(grpoTrainable(grpoConfig.parse(own), isContinued))
  expect(grpo({ beta: 0.1 }, true)).toBe(2 * 2 * 7)
  expect([grpo({ beta: 0.1 }, false), grpo({ beta: 0 }, true), grpo({ beta: 0.1, ref_adapter: 'none' }, true)]).toEqual([0, 0, 0])
  expect(entries(dpoTrainable(dpoConfig.parse({}), true))).toBe(2 * 2 * 7)
})

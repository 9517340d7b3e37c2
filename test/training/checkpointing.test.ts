/** What computing activations again saves and costs, and what plans of real models need: all from plans, without a GPU. */
import { describe, expect, it } from 'vitest'
import { PROJECTIONS } from '../../src/models/architectures/decoder'
import { parseModelConfig } from '../../src/models/architectures/config'
import { nll } from '../../src/training/policy/nllObjective'
import { policyMemory, totalBytes } from '../../src/training/preflight/memoryPlan'
import { policyPlans } from '../../src/training/policy/policyPlans'
import type { TrainableSet } from '../../src/training/policy/policyPlans'

const DEVICE = { maxBindingBytes: 128 << 20, isSoftware: false, subgroupSize: null }
const lora = (gradientCheckpointing: boolean): TrainableSet => ({
  ...{ kind: 'lora', valueHead: false, gradientCheckpointing },
  lora: { rank: 16, alpha: 16, targets: PROJECTIONS },
})

const deep = (layers: number) =>
  parseModelConfig({
    ...{ model_type: 'qwen2', vocab_size: 1024, hidden_size: 64, intermediate_size: 192, num_hidden_layers: layers },
    ...{ num_attention_heads: 4, num_key_value_heads: 2, tie_word_embeddings: true, max_position_embeddings: 256 },
  })

describe('gradient checkpointing', () => {
  const scratch = (layers: number, on: boolean): number =>
    policyPlans(deep(layers), lora(on), DEVICE).gradient(256, 256, nll).memory.scratch

  it('keeps one state a layer instead of all that a layer computes', () => {
    const state = 256 * 64 * 4
    expect(scratch(12, true) - scratch(6, true)).toBeLessThanOrEqual(6 * state * 1.25)
    expect(scratch(12, false) - scratch(6, false)).toBeGreaterThan(6 * state * 10)
  })

  it('costs at most one more forward pass', () => {
    const flops = (on: boolean): number => policyPlans(deep(12), lora(on), DEVICE).gradient(256, 256, nll).flops
    const forward = policyPlans(deep(12), lora(false), DEVICE).score(256, 256, false).flops
    expect(flops(true)).toBeGreaterThan(flops(false))
    expect(flops(true) - flops(false)).toBeLessThan(forward)
  })
})

/** Shapes from the models' published config.json. */
const published = {
  'Llama-3.1-8B-Instruct': {
    ...{ model_type: 'llama', vocab_size: 128_256, hidden_size: 4096, intermediate_size: 14_336, num_hidden_layers: 32 },
    ...{ num_attention_heads: 32, num_key_value_heads: 8, tie_word_embeddings: false, max_position_embeddings: 4096 },
  },
  'Qwen2.5-7B-Instruct': {
    ...{ model_type: 'qwen2', vocab_size: 152_064, hidden_size: 3584, intermediate_size: 18_944, num_hidden_layers: 28 },
    ...{ num_attention_heads: 28, num_key_value_heads: 4, tie_word_embeddings: false, max_position_embeddings: 4096 },
  },
  'ToolLLaMA-2-7b-v2': {
    ...{ model_type: 'llama', vocab_size: 32_000, hidden_size: 4096, intermediate_size: 11_008, num_hidden_layers: 32 },
    ...{ num_attention_heads: 32, tie_word_embeddings: false, max_position_embeddings: 8192 },
  },
}

describe('QLoRA at 1,024 tokens', () => {
  it.each(Object.entries(published))('%s plans within 8 GB', (_name, file) => {
    const config = { ...parseModelConfig(file), weight_format: 'int4' as const }
    const plans = policyPlans(config, lora(true), DEVICE)
    const parts = policyMemory(config, lora(true), [plans.gradient(1024, 1024, nll), plans.update()])
    expect(totalBytes(parts)).toBeLessThan(8e9)
    // Not by leaving anything out: the weights alone are more than half a byte each.
    expect(parts.find(({ name }) => name === 'frozen weights')?.bytes).toBeGreaterThan(3.5e9)
    process.stdout.write(`${_name}: ${parts.map(({ name, bytes }) => `${name} ${(bytes / 1e9).toFixed(2)}`).join(', ')} GB\n`)
  })
})

/** What PPO's plans hold, known without a device: memory that grows with tokens, never with tokens × vocabulary. */
import { expect, it } from 'vitest'
import { policyPlans } from '../../src/training/policy/policyPlans'
import { ppoObjective } from '../../src/training/algorithms/ppo/plans'
import { steptoolPpo } from '../../src/training/algorithms/ppo/steptoolPpo'
import { parseModelConfig } from '../../src/models/architectures/config'

/** The shape of Qwen2-0.5B. */
const model = parseModelConfig({
  ...{ model_type: 'qwen2', vocab_size: 151_936, hidden_size: 896, intermediate_size: 4864, num_hidden_layers: 24 },
  ...{
    num_attention_heads: 14,
    num_key_value_heads: 2,
    max_position_embeddings: 8192,
    rms_norm_eps: 1e-6,
    rope_theta: 1e6,
    tie_word_embeddings: true,
  },
})
const settings = steptoolPpo.config.parse({})
const lora = { rank: settings.lora_r, alpha: settings.lora_alpha, targets: settings.lora_targets }
const plans = policyPlans(
  model,
  { kind: 'lora', lora, valueHead: true },
  { maxBindingBytes: 2 ** 31, isSoftware: false, subgroupSize: null },
)

it('4096 tokens of context and a 1024-token response: no buffer of tokens × vocabulary, memory linear in tokens', () => {
  const [tokens, rows] = [5120, 1024]
  const long = plans.gradient(tokens, rows, ppoObjective(settings, 8192))
  const short = plans.gradient(tokens / 2, rows / 2, ppoObjective(settings, 8192))
  expect(Math.max(...long.slots)).toBeLessThan((rows * model.vocab_size * 4) / 4)
  expect(long.memory.scratch / short.memory.scratch).toBeLessThan(2.1)
  for (const reference of [false, true]) {
    const score = plans.score(tokens, rows, reference)
    expect(Math.max(...score.slots)).toBeLessThan((rows * model.vocab_size * 4) / 4)
    expect(score.memory.scratch).toBeLessThan(long.memory.scratch / 4)
  }
})

it('the reference plan reads no adapter and no value head', () => {
  const names = (reference: boolean): string[] => [...plans.score(64, 32, reference).states.keys()]
  expect(names(true).filter((name) => name.includes('lora_') || name.startsWith('v_head'))).toEqual([])
  expect(names(false)).toContain('v_head.summary.weight')
})

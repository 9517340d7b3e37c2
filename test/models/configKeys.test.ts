/** A key of config.json that changes the model is used as transformers uses it, or refuses the model; transformers' values are the golden's. */
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { parseModelConfig } from '../../src/models/architectures/config'
import { ropeFrequencies } from '../../src/models/architectures/ropeFrequencies'
import { goldenText } from './files'

const ids = z.union([z.number(), z.array(z.number())]).nullable()
const held = z.object({
  rope_theta: z.number(),
  inv_freq: z.array(z.number()),
  attention_scaling: z.number(),
  num_key_value_heads: z.number(),
  head_dim: z.number(),
  tie_word_embeddings: z.boolean(),
  bos_token_id: z.number().nullable(),
  eos_token_id: ids,
  pad_token_id: z.number().nullable(),
  slides: z.boolean(),
})
const golden = z
  .object({
    cases: z.array(
      z.object({ name: z.string(), json: z.looseObject({}), expected: z.union([z.object({ error: z.literal(true) }), held]) }),
    ),
  })
  .parse(JSON.parse(goldenText('model_configs_golden.json')))

/** What is refused though transformers takes it: the forward pass does not compute it, or transformers' own ignores what others compute. */
const REFUSED: Readonly<Record<string, string>> = {
  'dropout of attention': 'attention_dropout 0.1 is not supported',
  'layers of two kinds': 'sliding-window attention is not supported',
  'not causal': 'is_causal false is not supported; expected true',
  'a layer of its own': '"per_layer_config"',
  'another activation': 'hidden_act "gelu" is not supported',
  "granite's multipliers": '"residual_multiplier" (0.22)',
  "olmo's clipping": '"clip_qkv" (8)',
  "gemma's scale": '"query_pre_attn_scalar" (256)',
  "cohere's scale": '"logit_scale" (0.0625)',
  'half of the head rotated': 'partial_rotary_factor 0.5 is not supported',
}
const listOf = (value: z.output<typeof ids>): number[] => (typeof value === 'number' ? [value] : (value ?? []))

describe('a key of config.json that changes the model', () => {
  it.each(golden.cases.map((given) => [given.name, given] as const))(
    'is used as transformers does, or refuses: %s',
    (name, { json, expected }) => {
      const refusal = REFUSED[name.slice(name.indexOf(': ') + 2)]
      if ('error' in expected || expected.slides || refusal !== undefined) {
        expect(() => parseModelConfig(json)).toThrow(refusal ?? /^config\.json: /)
        return
      }
      const config = parseModelConfig(json)
      const { inverse, attentionFactor } = ropeFrequencies(config)
      expect(config).toMatchObject({
        rope_theta: expected.rope_theta,
        num_key_value_heads: expected.num_key_value_heads,
        head_dim: expected.head_dim,
        tie_word_embeddings: expected.tie_word_embeddings,
        bos_token_id: expected.bos_token_id,
        eos_token_ids: listOf(expected.eos_token_id),
        pad_token_id: expected.pad_token_id,
      })
      expect(attentionFactor).toBeCloseTo(expected.attention_scaling, 6)
      expect(inverse.length).toBe(expected.inv_freq.length)
      for (const [at, value] of expected.inv_freq.entries()) expect((inverse[at] ?? 0) / value).toBeCloseTo(1, 5)
    },
  )

  it('names a key that Hone does not know, shortly', () => {
    const config = { ...golden.cases[0]?.json, ['k'.repeat(5000)]: 'v'.repeat(5000) }
    expect(() => parseModelConfig(config)).toThrow(
      /^config\.json: the key "k{60}…" \("v{60}…"\) is not one that Hone knows of llama models/,
    )
  })
})

/** RoPE scalings at the sizes of real models against transformers' `ROPE_INIT_FUNCTIONS`. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { parseModelConfig } from '../../src/models/architectures/config'
import { ropeFrequencies, ropeTables } from '../../src/models/architectures/ropeFrequencies'

const rows = z
  .array(
    z.object({
      name: z.string(),
      max_position_embeddings: z.int(),
      head_dim: z.int(),
      parameters: z.record(z.string(), z.unknown()),
      attention_factor: z.number(),
      inverse: z.array(z.number()),
    }),
  )
  .parse(JSON.parse(readFileSync(join(import.meta.dirname, '../golden/rope_golden.json'), 'utf8')))

const configOf = (row: Pick<(typeof rows)[number], 'max_position_embeddings' | 'head_dim' | 'parameters'>) =>
  parseModelConfig({
    ...{ model_type: 'llama', vocab_size: 32, hidden_size: 32 * row.head_dim, intermediate_size: 64, num_hidden_layers: 1 },
    num_attention_heads: 32,
    max_position_embeddings: row.max_position_embeddings,
    rope_parameters: row.parameters,
  })

test.each(rows)('$name: frequencies and attention factor', (row) => {
  const { inverse, attentionFactor } = ropeFrequencies(configOf(row))
  expect(inverse).toHaveLength(row.inverse.length)
  expect(Math.abs(attentionFactor / row.attention_factor - 1)).toBeLessThan(1e-6)
  inverse.forEach((frequency, i) => {
    expect(Math.abs(frequency / (row.inverse[i] ?? Number.NaN) - 1), `frequency ${i}`).toBeLessThan(1e-6)
  })
})

test('tables hold cos and sin of position times frequency, times the attention factor', () => {
  const config = configOf({ max_position_embeddings: 40, head_dim: 8, parameters: { rope_type: 'yarn', rope_theta: 100, factor: 4 } })
  const { inverse, attentionFactor } = ropeFrequencies(config)
  const { cos, sin } = ropeTables(config)
  expect(cos).toHaveLength(40 * 4)
  expect(attentionFactor).toBeGreaterThan(1)
  for (const [position, i] of [
    [0, 0],
    [39, 0],
    [17, 3],
  ] as const) {
    expect(cos[position * 4 + i]).toBeCloseTo(attentionFactor * Math.cos(position * (inverse[i] ?? 0)), 5)
    expect(sin[position * 4 + i]).toBeCloseTo(attentionFactor * Math.sin(position * (inverse[i] ?? 0)), 5)
  }
})

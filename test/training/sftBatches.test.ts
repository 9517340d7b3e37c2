import { expect, it } from 'vitest'
import { fillBatch } from '../../src/training/algorithms/sft/microBatches'

const source = (...lengths: number[]) => ({
  length: lengths.length,
  sample: (index: number) => ({ ids: Array.from({ length: lengths[index] ?? 0 }, () => 1), targets: [1] }),
})

it('a batch takes what fits, and a sample that the model cannot read whole is refused by name', () => {
  const model = { max_position_embeddings: 64 }
  expect(fillBatch(source(40, 50, 64), 0, 100, model)).toMatchObject({ sequences: [{}, {}], cursor: 2 })
  expect(() => fillBatch(source(40, 65), 0, 128, model)).toThrow('sample 1 has 65 tokens, but the model reads at most 64')
  expect(() => fillBatch(source(40, 65), 0, 60, model)).toThrow('sample 1 has 65 tokens, more than tokens_per_batch 60')
})

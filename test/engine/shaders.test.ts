import { expect, test } from 'vitest'
import { shaderSource } from '../../src/engine/device/shaders'

test('a part’s includes, an include’s parts and its repeats are written out', () => {
  const cache = shaderSource('generate/kv_write', {}, { cache: 'generate/cache_write_f16' })
  expect(cache).toContain('fn f16_bits(')
  const parts = { weights: 'weights/f32', element: 'matmul/element_f32', matrix: 'matmul/plain_matrix' }
  const product = shaderSource('matmul/matrix_nt', { BLOCKS_M: 2, BLOCKS_N: 2 }, parts)
  expect(product).toContain('fn multiply_add(')
  expect(product).toContain('s1_1 = multiply_add(a, b1, s1_1);')
  for (const text of [cache, product]) expect(text).not.toMatch(/^\s*\/\/ #(part|include|repeat|end)/m)
  expect(() => shaderSource('matmul/matrix_nt', { BLOCKS_M: 1, BLOCKS_N: 1 }, { weights: 'weights/f32' })).toThrow(
    'matmul/matrix_nt: nothing given for "// #part element"',
  )
})

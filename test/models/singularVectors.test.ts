/** Leading singular vectors of matrices whose singular values are known: reflections around a diagonal. */
import { expect, it } from 'vitest'
import { createRng } from '../../src/base/random'
import { leadingRightVectors } from '../../src/models/weights/singularVectors'

/** (I − 2uuᵀ)·diag(s)·(I − 2vvᵀ): its right singular vectors are the rows of the second reflection. */
function reflected(height: number, width: number, singular: (at: number) => number) {
  const rng = createRng(7, height, width)
  const unit = (size: number): number[] => {
    const drawn = Array.from({ length: size }, () => rng.normal())
    const length = Math.hypot(...drawn)
    return drawn.map((value) => value / length)
  }
  const [u, v] = [unit(height), unit(width)]
  const entry = (x: readonly number[], row: number, column: number): number => Number(row === column) - 2 * (x[row] ?? 0) * (x[column] ?? 0)
  const values = new Float32Array(height * width)
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++) {
      let sum = 0
      for (let at = 0; at < Math.min(height, width); at++) sum += entry(u, row, at) * singular(at) * entry(v, at, column)
      values[row * width + column] = sum
    }
  return { matrix: { values, height, width }, vector: (at: number) => Array.from({ length: width }, (_, column) => entry(v, at, column)) }
}

const product = (x: ArrayLike<number>, y: ArrayLike<number>): number =>
  Array.from(x).reduce((sum, value, at) => sum + value * (y[at] ?? 0), 0)

it.each([
  [120, 70, 5, (at: number) => 1 / (1 + at)],
  [60, 140, 3, (at: number) => 2 - 0.01 * at],
  [40, 40, 40, (at: number) => 40 - at],
  // Of rank 2: the others are all as good.
  [50, 30, 6, (at: number) => (at < 2 ? 3 - at : 0)],
])('%i × %i, %i vectors', (height, width, count, singular) => {
  const { matrix, vector } = reflected(height, width, singular)
  const found = leadingRightVectors(matrix, count, 'w')
  expect(found).toHaveLength(count)
  found.forEach((own, at) => {
    if (singular(at) > 0) expect(Math.abs(product(own, vector(at)))).toBeCloseTo(1, 6)
    found.forEach((other, index) => {
      expect(product(own, other)).toBeCloseTo(Number(at === index), 9)
    })
  })
})

it('refuses where the next singular value is the same', () => {
  const { matrix } = reflected(30, 20, (at) => (at < 4 ? 2 : 1))
  expect(() => leadingRightVectors(matrix, 3, 'q_proj.weight')).toThrow('singular values 3 and 4 of q_proj.weight are the same')
  expect(leadingRightVectors(matrix, 4, 'q_proj.weight')).toHaveLength(4)
})

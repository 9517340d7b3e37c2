/**
 * Leading singular vectors of a matrix: Lanczos on Wᵀ·W in f64, every vector made orthogonal to all before it (Golub & Van Loan, Matrix Computations
 * §10.1–10.4), then Jacobi rotations on the small tridiagonal matrix (§8.5). A large matrix is passed over about a hundred times, never squared.
 */
import { createRng } from '../../base/random'
import { CheckpointError } from './byteSource'

/** [height, width], row-major. */
export interface Rows {
  readonly values: Float32Array
  readonly height: number
  readonly width: number
}

/** Eigenvalues further apart than this share of the largest count as distinct: the gap of singular values is about half of it. */
const GAP = 1e-6
/** How far an eigenvalue of Wᵀ·W may be from the one that was found, as a share of the largest. */
const CONVERGED = 1e-13

/** Orthonormal right singular vectors of the `count` largest singular values. Throws CheckpointError when the next one is as large: any of them could be meant. */
export function leadingRightVectors(matrix: Rows, count: number, name: string): Float64Array[] {
  const { width } = matrix
  const basis: Float64Array[] = []
  const diagonal: number[] = []
  const beside: number[] = []
  const rng = createRng(1, width, count)
  const start = (): Float64Array | null =>
    normalised(
      Float64Array.from({ length: width }, () => rng.normal()),
      basis,
    )
  let next = start()
  let look = Math.min(width, 2 * count + 20)
  while (next) {
    const vector = next
    basis.push(vector)
    const image = squareTimes(matrix, vector)
    diagonal.push(dot(image, vector))
    next = normalised(image, basis)
    beside.push(next ? dot(next, image) : 0)
    // An invariant subspace is left by a new direction.
    next ??= basis.length < width ? start() : null
    if (next && basis.length < look) continue
    look = Math.ceil(1.4 * look)
    const { values, vectors } = symmetricEigen(tridiagonal(diagonal, beside))
    const order = values.map((_, at) => at).sort((x, y) => (values[y] ?? 0) - (values[x] ?? 0))
    const [largest = 0] = order.map((at) => values[at] ?? 0)
    const isDone =
      !next || order.slice(0, count + 1).every((at) => Math.abs((beside.at(-1) ?? 0) * (vectors[at]?.at(-1) ?? 0)) <= CONVERGED * largest)
    if (!isDone) continue
    const [last, after] = [values[order[count - 1] ?? -1] ?? 0, values[order[count] ?? -1] ?? 0]
    if (order.length > count && last - after <= GAP * largest && last > GAP * largest)
      throw new CheckpointError(
        `init_lora_weights is "pissa", but singular values ${count} and ${count + 1} of ${name} are the same, so that the part it took out cannot be determined. Save the adapter with peft’s path_initial_model_for_weight_conversion.`,
      )
    return order.slice(0, count).map((at) => combined(basis, vectors[at] ?? []))
  }
  return basis
}

/** Wᵀ·(W·x), in one pass over the rows. */
function squareTimes({ values, height, width }: Rows, x: Float64Array): Float64Array {
  const image = new Float64Array(width)
  for (let row = 0; row < height; row++) {
    const from = row * width
    let product = 0
    for (let at = 0; at < width; at++) product += (values[from + at] ?? 0) * (x[at] ?? 0)
    for (let at = 0; at < width; at++) image[at] = (image[at] ?? 0) + product * (values[from + at] ?? 0)
  }
  return image
}

/** What of a vector is orthogonal to `others`, of length 1; null where nothing is left but rounding. */
export function normalised(vector: Float64Array, others: readonly Float64Array[]): Float64Array | null {
  const before = Math.sqrt(dot(vector, vector))
  const left = Float64Array.from(vector)
  // Twice is enough (Kahan).
  for (let pass = 0; pass < 2; pass++)
    for (const other of others) {
      const share = dot(left, other)
      for (let at = 0; at < left.length; at++) left[at] = (left[at] ?? 0) - share * (other[at] ?? 0)
    }
  const length = Math.sqrt(dot(left, left))
  if (!(length > 1e-12 * before)) return null
  return left.map((value) => value / length)
}

function dot(x: Float64Array, y: Float64Array): number {
  let sum = 0
  for (let at = 0; at < x.length; at++) sum += (x[at] ?? 0) * (y[at] ?? 0)
  return sum
}

function combined(basis: readonly Float64Array[], weights: readonly number[]): Float64Array {
  const sum = new Float64Array(basis[0]?.length ?? 0)
  basis.forEach((vector, index) => {
    const weight = weights[index] ?? 0
    for (let at = 0; at < sum.length; at++) sum[at] = (sum[at] ?? 0) + weight * (vector[at] ?? 0)
  })
  return sum
}

function tridiagonal(diagonal: readonly number[], beside: readonly number[]): Float64Array[] {
  const size = diagonal.length
  const matrix = diagonal.map(() => new Float64Array(size))
  const set = (row: number, column: number, value: number): void => {
    const own = matrix[row]
    if (own) own[column] = value
  }
  diagonal.forEach((value, at) => {
    set(at, at, value)
    if (at + 1 === size) return
    set(at, at + 1, beside[at] ?? 0)
    set(at + 1, at, beside[at] ?? 0)
  })
  return matrix
}

/** Cyclic Jacobi. `vectors[k]` belongs to `values[k]`. */
function symmetricEigen(a: Float64Array[]): { values: number[]; vectors: number[][] } {
  const size = a.length
  const v = a.map((_, row) => Float64Array.from({ length: size }, (__, column) => Number(row === column)))
  const norm = Math.sqrt(a.reduce((sum, row) => sum + dot(row, row), 0))
  for (let sweep = 0; sweep < 60; sweep++) {
    let off = 0
    for (let p = 0; p < size; p++) for (let q = p + 1; q < size; q++) off += rotate(a, v, p, q)
    if (Math.sqrt(off) <= 1e-15 * norm) break
  }
  return { values: a.map((row, at) => row[at] ?? 0), vectors: v.map((row) => [...row]) }
}

/** Makes a[p][q] zero; `v` collects the rotations as rows. Returns the square of what was there. */
function rotate(a: Float64Array[], v: Float64Array[], p: number, q: number): number {
  const [rowP, rowQ, vectorP, vectorQ] = [a[p], a[q], v[p], v[q]]
  const apq = rowP?.[q] ?? 0
  if (!rowP || !rowQ || !vectorP || !vectorQ || apq === 0) return 0
  const theta = ((rowQ[q] ?? 0) - (rowP[p] ?? 0)) / (2 * apq)
  const tangent = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1))
  const cosine = 1 / Math.sqrt(tangent * tangent + 1)
  const sine = tangent * cosine
  turn(rowP, rowQ, cosine, sine)
  turn(vectorP, vectorQ, cosine, sine)
  for (const row of a) {
    const [x, y] = [row[p] ?? 0, row[q] ?? 0]
    row[p] = cosine * x - sine * y
    row[q] = sine * x + cosine * y
  }
  return apq * apq
}

function turn(x: Float64Array, y: Float64Array, cosine: number, sine: number): void {
  for (let at = 0; at < x.length; at++) {
    const [first, second] = [x[at] ?? 0, y[at] ?? 0]
    x[at] = cosine * first - sine * second
    y[at] = sine * first + cosine * second
  }
}

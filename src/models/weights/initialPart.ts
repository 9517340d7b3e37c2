/**
 * The part that an initialisation takes out of a base matrix: scaling · B₀·A₀ of PiSSA (Meng 2024, arXiv:2404.02948), the leading singular values and
 * vectors, and of OLoRA (Büyükakyüz 2024, arXiv:2406.01775), the first r columns of Q and rows of R. peft computes it again from the base each
 * time it loads such an adapter, and so is it here.
 */
import { CheckpointError } from './byteSource'
import { leadingRightVectors, normalised, type Rows } from './singularVectors'
import type { BaseInit } from './loraConfig'
import { transposed } from './loraTensors'

/** Of a matrix whose singular vectors are computed: ten seconds on one core. */
const MOST_VALUES = 2 ** 23

interface Residual {
  readonly init: BaseInit
  readonly rank: number
  readonly scaling: number
}

/** Orthonormal vectors that the part is a projection on: of rows (V), or of columns (U or Q) with what it is scaled by. */
export type InitialBasis =
  | { readonly side: 'rows'; readonly vectors: readonly Float64Array[] }
  | { readonly side: 'columns'; readonly vectors: readonly Float64Array[]; readonly scaling: number }

/** Of W [out, in], row-major. Throws CheckpointError where the part is not one that the matrix determines. */
export function initialBasis(
  values: Float32Array,
  [height, width]: readonly [number, number],
  residual: Residual,
  name: string,
): InitialBasis {
  const matrix = { values, height, width }
  const count = Math.min(residual.rank, height, width)
  if (residual.init === 'olora') return { side: 'columns', vectors: firstColumns(matrix, count, name), scaling: residual.scaling }
  checkSize(matrix, name)
  // Vectors of the shorter side are found sooner; either side's give the same part, of which the scaling cancels.
  if (width <= height) return { side: 'rows', vectors: leadingRightVectors(matrix, count, name) }
  const turned = { values: transposed(values, width), height: width, width: height }
  return { side: 'columns', vectors: leadingRightVectors(turned, count, name), scaling: 1 }
}

/** The matrix without its part. */
export function withoutInitialPart(values: Float32Array, [height, width]: readonly [number, number], basis: InitialBasis): Float32Array {
  const matrix = { values, height, width }
  const part = basis.side === 'rows' ? projectedRows(matrix, basis.vectors) : projectedColumns(matrix, basis.vectors, basis.scaling)
  return values.map((value, at) => value - (part[at] ?? 0))
}

function checkSize({ values, height, width }: Rows, name: string): void {
  if (values.length <= MOST_VALUES) return
  throw new CheckpointError(
    `init_lora_weights is "pissa", and finding again what it took out of ${name} [${height}, ${width}] would take minutes for each such matrix; expected at most ${MOST_VALUES} values. Save the adapter with peft’s path_initial_model_for_weight_conversion, which writes a plain LoRA adapter.`,
  )
}

/** W·V·Vᵀ for orthonormal columns of V. */
function projectedRows({ values, height, width }: Rows, vectors: readonly Float64Array[]): Float32Array {
  const part = new Float32Array(values.length)
  const row = new Float64Array(width)
  for (let out = 0; out < height; out++) {
    row.fill(0)
    for (const vector of vectors) {
      let product = 0
      for (let at = 0; at < width; at++) product += (values[out * width + at] ?? 0) * (vector[at] ?? 0)
      for (let at = 0; at < width; at++) row[at] = (row[at] ?? 0) + product * (vector[at] ?? 0)
    }
    part.set(row, out * width)
  }
  return part
}

/** scaling · Q·Qᵀ·W for orthonormal columns of Q: R is Qᵀ·W. */
function projectedColumns({ values, height, width }: Rows, columns: readonly Float64Array[], scaling: number): Float32Array {
  const part = new Float64Array(values.length)
  const row = new Float64Array(width)
  for (const column of columns) {
    row.fill(0)
    for (let out = 0; out < height; out++)
      for (let at = 0; at < width; at++) row[at] = (row[at] ?? 0) + (column[out] ?? 0) * (values[out * width + at] ?? 0)
    for (let out = 0; out < height; out++)
      for (let at = 0; at < width; at++)
        part[out * width + at] = (part[out * width + at] ?? 0) + scaling * (column[out] ?? 0) * (row[at] ?? 0)
  }
  return Float32Array.from(part)
}

/** The first columns of Q of a QR decomposition: W's first columns, made orthonormal one after another (twice, against rounding). */
function firstColumns({ values, height, width }: Rows, count: number, name: string): Float64Array[] {
  const columns: Float64Array[] = []
  for (let index = 0; index < count; index++) {
    const column = Float64Array.from({ length: height }, (_, out) => values[out * width + index] ?? 0)
    const own = normalised(column, columns)
    if (!own)
      throw new CheckpointError(
        `init_lora_weights is "olora", but the first ${count} columns of ${name} depend on each other, so that the part it took out of them cannot be determined. Save the adapter with peft’s path_initial_model_for_weight_conversion.`,
      )
    columns.push(own)
  }
  return columns
}

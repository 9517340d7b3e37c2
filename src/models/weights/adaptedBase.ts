/**
 * The base model under an adapter. Products on the projections of the layers are computed beside the base, where they can be trained. Everything else
 * that an adapter does is applied to the base's parameters when they are read: products on head and embedding, DoRA, biases, parameters that were
 * trained whole, and the part that an initialisation takes out.
 */
import { loraScaling, PROJECTIONS } from '../architectures/decoder'
import type { WeightReader } from '../frozenWeights'
import { initialBasis, withoutInitialPart, type InitialBasis } from './initialPart'
import type { LoraMatrices } from './loraTensors'
import type { LoraAdapter } from './peft'

/** Whether a module's product is computed beside the base's. */
export const isRunBeside = ({ changes }: Pick<LoraAdapter, 'changes'>, path: string): boolean =>
  path.includes('.layers.') && PROJECTIONS.some((projection) => path.endsWith(`.${projection}`)) && !changes?.magnitudes.has(path)

/** Whether a parameter of the base is another with the adapter merged into it. */
export const isChangedBy = ({ modules, changes }: LoraAdapter, name: string): boolean =>
  modules.has(pathOf(name)) || changes?.parameters.has(name) === true

const pathOf = (name: string): string => name.slice(0, name.lastIndexOf('.'))

/** Reads the base with all that the adapter does to it but the products that run beside it; the base itself where there is nothing of that kind. */
export function adaptedBase(base: WeightReader, adapter: LoraAdapter): WeightReader {
  const isChanged = adapter.changes !== undefined || [...adapter.modules.keys()].some((path) => !isRunBeside(adapter, path))
  if (!isChanged) return base
  const rows = base.readRows?.bind(base)
  const bases = basesOf(base, adapter)
  const read: WeightReader['read'] = async (name, shape) => {
    const given = adapter.changes?.parameters.get(name)?.values ?? (await base.read(name, shape))
    if (name.endsWith('.bias')) return addedBias(given, adapter.changes?.biases.get(pathOf(name)))
    const [out, inner] = shape
    if (inner === undefined || out === undefined) return given
    return changedRows(residualOf(given, [out, inner], name, adapter, bases), name, adapter, 0)
  }
  let whole: { readonly name: string; readonly values: Promise<Float32Array> } | null = null
  return {
    // What is kept packed of the base is of its own matrices.
    read,
    ...(rows && {
      async readRows(name: string, shape: readonly [number, number], first: number, count: number) {
        const [from, to] = [first * shape[1], (first + count) * shape[1]]
        // The part that is taken out is one of the whole matrix, whose rows are asked for one block after another.
        if (adapter.changes?.residuals.has(pathOf(name))) {
          if (whole?.name !== name) whole = { name, values: read(name, shape) }
          const block = (await whole.values).subarray(from, to)
          if (first + count === shape[0]) whole = null
          return block
        }
        const own = adapter.changes?.parameters.get(name)?.values.subarray(from, to)
        return changedRows(own ?? (await rows(name, shape, first, count)), name, adapter, first)
      },
    }),
  }
}

/** The result is cached for a base and an adapter, because a merge reads its matrices several times. */
const knownBases = new WeakMap<WeightReader, WeakMap<LoraAdapter, Map<string, InitialBasis>>>()

function basesOf(base: WeightReader, adapter: LoraAdapter): Map<string, InitialBasis> {
  const ofBase = knownBases.get(base) ?? new WeakMap<LoraAdapter, Map<string, InitialBasis>>()
  const found = ofBase.get(adapter) ?? new Map<string, InitialBasis>()
  knownBases.set(base, ofBase.set(adapter, found))
  return found
}

function residualOf(
  values: Float32Array,
  shape: readonly [number, number],
  name: string,
  { changes }: LoraAdapter,
  bases: Map<string, InitialBasis>,
): Float32Array {
  const residual = changes?.residuals.get(pathOf(name))
  if (!residual) return values
  const basis = bases.get(name) ?? initialBasis(values, shape, residual, name)
  bases.set(name, basis)
  return withoutInitialPart(values, shape, basis)
}

const addedBias = (bias: Float32Array, added: Float32Array | undefined): Float32Array =>
  added ? bias.map((value, at) => value + (added[at] ?? 0)) : bias

/** Rows of a matrix from `first` on, with the product and the lengths of DoRA where they do not run beside the base. */
function changedRows(values: Float32Array, name: string, adapter: LoraAdapter, first: number): Float32Array {
  const path = pathOf(name)
  const matrices = isRunBeside(adapter, path) ? undefined : adapter.modules.get(path)
  if (!matrices) return values
  const { a, b, inFeatures } = matrices
  const rank = a.length / inFeatures
  const outFeatures = values.length / inFeatures
  const part = { a, b: b.subarray(first * rank, (first + outFeatures) * rank), inFeatures, outFeatures }
  const merged = mergedMatrix(values, part, loraScaling(adapter))
  const magnitudes = adapter.changes?.magnitudes.get(path)
  return magnitudes ? withRowLengths(merged, magnitudes.subarray(first, first + outFeatures), inFeatures) : merged
}

/** base: [out, in] row-major → base + scaling · B·A, summed in f64. */
export function mergedMatrix(base: Float32Array, { a, b, inFeatures, outFeatures }: LoraMatrices, scaling: number): Float32Array {
  const rank = a.length / inFeatures
  const merged = new Float32Array(base.length)
  const row = new Float64Array(inFeatures)
  for (let out = 0; out < outFeatures; out++) {
    row.fill(0)
    for (let r = 0; r < rank; r++) {
      const weight = scaling * (b[out * rank + r] ?? 0)
      if (weight === 0) continue
      const from = r * inFeatures
      for (let i = 0; i < inFeatures; i++) row[i] = (row[i] ?? 0) + weight * (a[from + i] ?? 0)
    }
    const at = out * inFeatures
    for (let i = 0; i < inFeatures; i++) merged[at + i] = (base[at + i] ?? 0) + (row[i] ?? 0)
  }
  return merged
}

/** DoRA (Liu 2024, arXiv:2402.09353, eq. 5): every row of the matrix gets the length that was learnt for it. */
function withRowLengths(values: Float32Array, lengths: Float32Array, width: number): Float32Array {
  const scaled = new Float32Array(values.length)
  for (let row = 0; row < lengths.length; row++) {
    const own = values.subarray(row * width, (row + 1) * width)
    const factor = (lengths[row] ?? 0) / Math.sqrt(own.reduce((sum, value) => sum + value * value, 0))
    for (let at = 0; at < width; at++) scaled[row * width + at] = (own[at] ?? 0) * factor
  }
  return scaled
}

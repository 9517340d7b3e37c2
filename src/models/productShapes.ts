/** The matrix products of a model's step, for which kernels are chosen. */
import type { ProductShape } from '../engine/products/productKernels'
import type { ModelConfig } from './architectures/config'
import { PROJECTIONS, projectionPath, projectionShape, storedFormat, type LoraShape } from './architectures/decoder'

/** Forward, gradient of the input, and what trains: with `lora` its two factors, else every projection. */
export function productShapes(config: ModelConfig, lora: LoraShape | null): ProductShape[] {
  return PROJECTIONS.flatMap((projection): ProductShape[] => {
    const [out, inner] = projectionShape(config, projection)
    const format = lora ? storedFormat(config, `${projectionPath(0, projection)}.weight`, [out, inner]) : 'f32'
    const base = productsOf(out, inner, format)
    if (!lora) return [...base, { kind: 'tn', columns: inner, inner: out, format: 'f32' }]
    if (!lora.targets.includes(projection)) return base
    const { rank } = lora
    return [
      ...base,
      ...productsOf(rank, inner, 'f32'),
      ...productsOf(out, rank, 'f32'),
      { kind: 'tn', columns: inner, inner: rank, format: 'f32' },
      { kind: 'tn', columns: rank, inner: out, format: 'f32' },
    ]
  })
}

const productsOf = (out: number, inner: number, format: ProductShape['format']): ProductShape[] => [
  { kind: 'nt', columns: out, inner, format },
  { kind: 'nn', columns: inner, inner: out, format },
]

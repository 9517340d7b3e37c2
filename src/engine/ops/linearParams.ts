/** Which optional parts a linear layer has, and at which input each of them lies. */
import type { RowCount } from '../rowCount'

export interface LinearParams {
  /** Multiplies the product x wᵀ, nothing else. */
  readonly alpha: number
  readonly hasBias: boolean
  readonly hasResidual: boolean
  /** The factor of low bᵀ; null without an adapter. */
  readonly loraScale: number | null
  /** Which count bounds the rows when a weight gradient sums over them. */
  readonly rowCount: RowCount
}

/** The index of every optional input; inputs that the layer does not have are undefined. `gate` comes last. */
export function places({ hasBias, hasResidual, loraScale }: LinearParams) {
  let next = 3
  const take = (has: boolean): number | undefined => (has ? next++ : undefined)
  const [bias, residual, low, b] = [take(hasBias), take(hasResidual), take(loraScale !== null), take(loraScale !== null)]
  return { bias, residual, low, b, gate: next }
}

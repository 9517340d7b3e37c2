import type { KernelContext } from './kernel'

/** The code of a kernel grows with the subgroup, and adapters with wide subgroups have scalar loads, for which plain tiles are faster. */
const WIDEST = 16

/** The subgroup size for which kernels with subgroup tiles (products, attention, norms) are written; null where plain tiles are used. */
export function tileSubgroup(context: Pick<KernelContext, 'isSoftware' | 'subgroupSize'>): number | null {
  const { isSoftware, subgroupSize: size } = context
  return isSoftware && size !== null && size >= 4 && size <= WIDEST ? size : null
}

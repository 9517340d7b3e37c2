/** What matrix products may be computed with on a device (ops/productKernels chooses). */

/** Matrices that a device multiplies, with sums in f32. */
export interface MatrixConfig {
  readonly element: 'f16' | 'f32'
  readonly m: number
  readonly n: number
  readonly k: number
  readonly subgroup: number
  /** `subgroup_matrix`: the hardware's; `plain_matrix`: the same in plain arithmetic. */
  readonly operations: 'subgroup_matrix' | 'plain_matrix'
}

export interface ProductKernels {
  /** Names of variants by class of product. Classes that are missing, and names that do not fit, get the fixed choice. */
  readonly choices: Readonly<Record<string, string>>
  readonly workgroupBytes: number
  /** Empty without subgroup matrices. */
  readonly matrices: readonly MatrixConfig[]
}

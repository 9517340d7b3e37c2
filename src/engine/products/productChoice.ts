/** The features of a device for matrix products: subgroup matrices, workgroup memory, and tuned choices. productKernels.ts picks a kernel from it. */

/** A size of matrices that the device's subgroups multiply in hardware, with sums in f32. */
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

/** Bytes on the GPU, counted from plans under the limits of a device: none needs to be open. */
import { packedLayout } from '../../engine/memory/packedState'
import type { PlanContext } from '../../engine/plan/planGraph'
import { bytesOf } from '../../engine/tensor'
import type { ModelConfig } from '../../models/architectures/config'
import { storedSpec } from '../../models/architectures/decoder'
import { architectureOf } from '../../models/languageModel'
import { trainableEntries, type TrainableSet } from '../../training/policy/policyPlans'
import type { GpuInfo } from '../../records/run'
import type { MemoryCount, MemoryLimits } from './memoryVerdict'

const GUESSED_BUDGET_BYTES = { software: 2e9, gpu: 4e9 } as const
const DEFAULT_BINDING_BYTES = 128 << 20

/** @param memoryBytes what the GPU has, as the person says; when absent, the budget is a guess. */
export function memoryLimits(gpu: GpuInfo | null, memoryBytes: number | undefined): MemoryLimits {
  const isSoftware = gpu?.isSoftware ?? false
  return {
    maxBindingBytes: gpu?.limits.maxStorageBufferBindingSize ?? DEFAULT_BINDING_BYTES,
    isSoftware,
    budgetBytes: memoryBytes ?? (isSoftware ? GUESSED_BUDGET_BYTES.software : GUESSED_BUDGET_BYTES.gpu),
    isGuessed: memoryBytes === undefined,
  }
}

/**
 * What `plan` needs. The choice of kernels does not change the memory. For a plan this device could not run, the count still says how large
 * it would be, and which binding was too long.
 */
export function countWithin(
  plan: (device: PlanContext) => MemoryCount['parts'],
  { maxBindingBytes, isSoftware }: MemoryLimits,
): MemoryCount {
  try {
    return { parts: plan({ maxBindingBytes, isSoftware, subgroupSize: null }), largestBinding: 0 }
  } catch (error) {
    const binds = /binds (\d+) bytes at once/.exec(error instanceof Error ? error.message : '')?.[1]
    if (binds === undefined) throw error
    return { parts: plan({ maxBindingBytes: Number.MAX_SAFE_INTEGER, isSoftware, subgroupSize: null }), largestBinding: Number(binds) }
  }
}

/** The packed buffer of what is trained, or the largest weight: whatever is longer than a binding is bound in parts. */
export function largestWeight(config: ModelConfig, trainable: TrainableSet, { maxBindingBytes }: MemoryLimits): number {
  const { ranges, count } = packedLayout(trainableEntries(config, trainable))
  const frozen = Object.entries(architectureOf(config).parameters(config)).map(([name, shape]) =>
    ranges.has(name) ? 0 : bytesOf(storedSpec(config, name, shape)),
  )
  return Math.min(maxBindingBytes, Math.max(count * 4, ...frozen))
}

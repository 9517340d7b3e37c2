/** The adapter as records keep it: who made it, what it offers. */
import type { GpuInfo } from '../records/run'
import { isSoftwareAdapter } from './node/dawn'

export function gpuInfoOf(adapter: GPUAdapter): GpuInfo {
  const { vendor, architecture, device, description } = adapter.info
  const limits: Record<string, number> = {}
  for (const name in adapter.limits) {
    const value: unknown = adapter.limits[name as keyof GPUSupportedLimits]
    if (typeof value === 'number') limits[name] = value
  }
  return {
    vendor,
    architecture,
    device,
    description,
    isSoftware: isSoftwareAdapter(adapter.info),
    features: [...adapter.features].sort(),
    limits,
  }
}

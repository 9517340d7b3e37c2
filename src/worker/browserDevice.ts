/** WebGPU in a browser's worker: the strongest adapter with all its limits, or why there is none. */
import type { GpuInfo } from '../records/run'
import type { OpenedDevice } from '../studio/parts'

/** The last is an experiment of Chromium's that types do not know yet. */
const USEFUL_FEATURES = ['shader-f16', 'subgroups', 'timestamp-query', 'chromium-experimental-subgroup-matrix' as GPUFeatureName] as const

export async function openBrowserDevice(): Promise<OpenedDevice> {
  if (!isSecureContext)
    return { ok: false, cause: 'insecure-context', message: `WebGPU needs https or localhost; this page came from ${location.origin}.` }
  // The type says that it is always there, but older browsers do not have it.
  const gpu = (navigator as { readonly gpu?: GPU }).gpu
  if (!gpu) return { ok: false, cause: 'no-api', message: 'This browser has no WebGPU in workers.' }
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' })
  if (!adapter) return { ok: false, cause: 'no-adapter', message: 'The browser has WebGPU but offers no adapter.' }
  const limits: Record<string, number> = {}
  for (const name in adapter.limits) {
    const value: unknown = adapter.limits[name as keyof GPUSupportedLimits]
    // Subgroup sizes may be listed among the limits but cannot be asked for.
    if (typeof value === 'number' && !/subgroup/i.test(name)) limits[name] = value
  }
  const requiredFeatures = USEFUL_FEATURES.filter((feature) => adapter.features.has(feature))
  try {
    return {
      ok: true,
      device: await adapter.requestDevice({ requiredFeatures, requiredLimits: limits }),
      report: reportOf(adapter, limits),
    }
  } catch (error) {
    return { ok: false, cause: 'no-device', message: error instanceof Error ? error.message : String(error) }
  }
}

function reportOf({ info, features }: GPUAdapter, limits: Record<string, number>): GpuInfo {
  const { vendor, architecture, device, description } = info
  // `isFallbackAdapter` is young; the names are not.
  const isSoftware =
    (info as { readonly isFallbackAdapter?: boolean }).isFallbackAdapter === true ||
    /swiftshader|llvmpipe|lavapipe|software|basic render/i.test(`${architecture} ${device} ${description}`)
  return { vendor, architecture, device, description, isSoftware, features: [...features].sort(), limits }
}

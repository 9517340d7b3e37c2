/**
 * WebGPU in Node: finds a Vulkan driver and opens an adapter through Dawn (the npm package `webgpu`).
 *
 * One process, one driver. The Vulkan loader reads `VK_DRIVER_FILES` when Dawn is first used and keeps what it loaded, so a
 * second driver in the same process is refused here; run another process for it (the test projects do).
 * Worker threads have a copy of `process.env` that native code never sees: open adapters in a process's main thread.
 * Dawn keeps the process alive while a device is: call `device.destroy()`, and keep `gpu` referenced until then.
 */
import { accessSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'

export const adapterNames = ['default', 'swiftshader', 'lavapipe'] as const
export type AdapterName = (typeof adapterNames)[number]

export interface NodeAdapter {
  readonly gpu: GPU
  readonly adapter: GPUAdapter
  readonly name: AdapterName
}

const SWIFTSHADER_DIRECTORIES = [
  '/usr/lib/chromium',
  '/usr/lib/chromium-browser',
  '/usr/lib64/chromium-browser',
  '/opt/google/chrome',
  '/opt/google/chrome-beta',
  '/opt/google/chrome-unstable',
  '/opt/microsoft/msedge',
  '/snap/chromium/current/usr/lib/chromium-browser',
  '/usr/share/vulkan/icd.d',
]
const LAVAPIPE_DIRECTORIES = ['/usr/share/vulkan/icd.d', '/usr/local/share/vulkan/icd.d', '/etc/vulkan/icd.d']

/** f16 on NVIDIA is behind a Dawn switch; timestamps are rounded to 100 µs unless a toggle turns that off. Robust access stays on. */
const DAWN_OPTIONS = ['enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia', 'disable-dawn-features=timestamp_quantization']

/** The last is an experiment of Chromium's that types do not know yet. */
const USEFUL_FEATURES = ['shader-f16', 'subgroups', 'timestamp-query', 'chromium-experimental-subgroup-matrix' as GPUFeatureName] as const

const INSTALL_HINT: Record<AdapterName, string> = {
  default: 'Install a Vulkan driver, or choose --adapter swiftshader (comes with Chromium) or --adapter lavapipe (Mesa).',
  swiftshader: 'SwiftShader comes with Chromium; on Debian: apt install chromium.',
  lavapipe: 'lavapipe is part of Mesa; on Debian: apt install mesa-vulkan-drivers.',
}

/** The driver manifest of a software adapter, or null when it is not on this machine. */
export function findDriverFile(name: Exclude<AdapterName, 'default'>): string | null {
  const [directories, pattern] =
    name === 'swiftshader' ? [SWIFTSHADER_DIRECTORIES, /^vk_swiftshader_icd.*\.json$/] : [LAVAPIPE_DIRECTORIES, /^lvp_icd.*\.json$/]
  for (const directory of directories) {
    for (const file of filesIn(directory).sort()) {
      const path = join(directory, file)
      if (pattern.test(file) && driverIsLoadable(path)) return path
    }
  }
  return null
}

function filesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}

/** A manifest can outlive its library; a bare library name is left to the system's search path. */
function driverIsLoadable(manifest: string): boolean {
  const library = /"library_path"\s*:\s*"([^"]+)"/.exec(readFileSync(manifest, 'utf8'))?.[1]
  if (library === undefined) return false
  if (!library.includes('/')) return true
  try {
    accessSync(isAbsolute(library) ? library : join(dirname(manifest), library))
    return true
  } catch {
    return false
  }
}

let opened: Promise<{ gpu: GPU; name: AdapterName }> | null = null

async function openGpu(name: AdapterName): Promise<{ gpu: GPU; name: AdapterName }> {
  if (name !== 'default') {
    const driverFile = findDriverFile(name)
    if (driverFile === null) throw new Error(`No ${name} driver was found on this machine. ${INSTALL_HINT[name]}`)
    process.env.VK_DRIVER_FILES = driverFile
    // Older loaders know only this name.
    process.env.VK_ICD_FILENAMES = driverFile
    calmPolling()
  }
  // Mesa wants a directory of its own and warns on every start without one.
  if (process.env.XDG_RUNTIME_DIR === undefined) {
    const directory = join(tmpdir(), `hone-runtime-${String(process.getuid?.() ?? 0)}`)
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    process.env.XDG_RUNTIME_DIR = directory
  }
  let dawn: typeof import('webgpu')
  try {
    dawn = await import('webgpu')
  } catch (error) {
    throw new Error(`WebGPU for Node (npm package "webgpu") could not be loaded on ${process.platform}-${process.arch}.`, { cause: error })
  }
  // GPUBufferUsage, GPUMapMode … become globals, as in a browser.
  Object.assign(globalThis, dawn.globals)
  return { gpu: dawn.create(DAWN_OPTIONS), name }
}

/** Opens an adapter. The caller requests the device it needs, and destroys it. */
export async function openNodeAdapter(name: AdapterName): Promise<NodeAdapter> {
  opened ??= openGpu(name)
  const current = await opened.catch((error: unknown) => {
    opened = null
    throw error
  })
  if (current.name !== name)
    throw new Error(`This process already uses the ${current.name} adapter; open ${name} in another process (one driver per process).`)
  const adapter = await current.gpu.requestAdapter({ powerPreference: 'high-performance' })
  if (adapter === null) throw new Error(`No ${name === 'default' ? 'WebGPU' : name} adapter is available. ${INSTALL_HINT[name]}`)
  return { gpu: current.gpu, adapter, name }
}

/** True for adapters that compute on the CPU: their speed says nothing about a GPU's. */
export function isSoftwareAdapter(info: GPUAdapterInfo): boolean {
  return info.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|software/i.test(`${info.architecture} ${info.device} ${info.description}`)
}

/** All limits the adapter has, and the features Hone can use. */
export function fullDeviceDescriptor(adapter: GPUAdapter): GPUDeviceDescriptor {
  const limits: Record<string, number> = {}
  for (const name in adapter.limits) {
    const value: unknown = adapter.limits[name as keyof GPUSupportedLimits]
    // Subgroup sizes may be listed among the limits but cannot be asked for.
    if (typeof value === 'number' && !/subgroup/i.test(name)) limits[name] = value
  }
  return { requiredFeatures: USEFUL_FEATURES.filter((feature) => adapter.features.has(feature)), requiredLimits: limits }
}

const QUICK_LOOKS = 10
/** A pause this long, in milliseconds, begins a new wait. */
const NEW_WAIT_MS = 5

/**
 * While anything is awaited of the GPU, Dawn in Node asks for news in a loop of `setImmediate`: one core at full load. A software adapter computes
 * on the same cores, so there the loop would keep one from it, and is slowed to a look every millisecond.
 */
export function calmPolling(): void {
  const immediately = globalThis.setImmediate
  let looks = 0
  let lastLook = 0
  const calm = (callback: (...given: unknown[]) => void, ...given: unknown[]): unknown => {
    // Dawn's callback is the only one without a source.
    if (!Function.prototype.toString.call(callback).includes('[native code]')) return immediately(callback, ...given)
    const now = performance.now()
    looks = now - lastLook > NEW_WAIT_MS ? 1 : looks + 1
    lastLook = now
    // Short waits are not made longer.
    return looks <= QUICK_LOOKS ? immediately(callback, ...given) : setTimeout(callback, 1, ...given)
  }
  globalThis.setImmediate = Object.assign(calm as typeof immediately, immediately)
}

/** Dawn's null backend: it checks WGSL, layouts and limits as every browser on Dawn does, and computes nothing. */
import { bindingKinds, shaderSource } from '../../src/engine/device/shaders'
import type { Dispatch } from '../../src/engine/kernel'

/** Devices do not outlive it. */
let dawn: GPU | null = null
/** The null backend's device with default limits and what subgroup matrices need. */
export async function nullDevice(): Promise<GPUDevice> {
  const { create, globals } = await import('webgpu')
  Object.assign(globalThis, globals)
  dawn ??= create(['backend=null', 'enable-dawn-features=allow_unsafe_apis'])
  const adapter = await dawn.requestAdapter()
  if (!adapter) throw new Error('Dawn has no null backend')
  return adapter.requestDevice({
    requiredFeatures: ['chromium-experimental-subgroup-matrix' as GPUFeatureName, 'shader-f16', 'subgroups'],
  })
}

/** Dawn's error message about a kernel, or null if Dawn accepts it. */
export async function complaint(device: GPUDevice, { shader, constants, parts, bindings, params }: Dispatch): Promise<string | null> {
  const code = shaderSource(shader, constants, parts)
  const declared = bindingKinds(code).length
  const bound = bindings.length + (params ? 1 : 0)
  if (declared !== bound) return `${shader} declares ${declared} bindings, and ${bound} are bound`
  device.pushErrorScope('validation')
  try {
    const module = device.createShaderModule({ code })
    await device.createComputePipelineAsync({ layout: 'auto', compute: { module, entryPoint: 'main' } })
    return null
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  } finally {
    await device.popErrorScope()
  }
}

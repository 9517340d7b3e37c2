/** A GPUDevice with a pipeline cache, counters and one place where GPU errors surface. */
import type { Dispatch } from '../kernel'
import { matrixConfigs } from '../products/matrixTiles'
import type { ProductKernels } from '../products/productChoice'
import { ActivityReport } from './activity'
import { BufferUsage, MAP_READ, STAGE_COMPUTE } from './usage'
import { SubmitPace } from './submitPace'
import { bindingKinds, shaderSource } from './shaders'

export interface EngineCounters {
  dispatches: number
  submits: number
  readbacks: number
  pipelines: number
  uploadedBytes: number
}

export interface CompiledKernel {
  readonly pipeline: GPUComputePipeline
  readonly layout: GPUBindGroupLayout
  readonly kinds: readonly string[]
}

class GpuError extends Error {
  override name = 'GpuError'
}

/** An error that follows from refused memory or a lost device. */
class GpuGone extends GpuError {}

export class EngineDevice {
  readonly device: GPUDevice
  readonly isSoftware: boolean
  readonly subgroupSize: number | null
  /** The choices of matrix product kernels. Plans made before it is set do not change. */
  products: ProductKernels
  readonly counters: EngineCounters = { dispatches: 0, submits: 0, readbacks: 0, pipelines: 0, uploadedBytes: 0 }
  readonly activity = new ActivityReport()
  /** The throughput of all plans together, from which a plan that has not run yet starts. */
  readonly pace: SubmitPace
  #allocated = 0
  #peak = 0
  readonly #kernels = new Map<string, Promise<CompiledKernel>>()
  readonly #layouts = new Map<string, GPUBindGroupLayout>()
  readonly #allocations = new Set<Promise<void>>()
  #failure: Error | null = null
  readonly #toZero = new Set<GPUBuffer>()

  constructor(device: GPUDevice, options: { isSoftware: boolean }) {
    this.device = device
    this.isSoftware = options.isSoftware
    this.subgroupSize = subgroupSizeOf(device)
    this.products = this.productKernels({}, false)
    this.pace = new SubmitPace(options.isSoftware ? 250 : 1)
    device.addEventListener('uncapturederror', (event) => {
      this.#fail(new GpuError(`the GPU refused a command: ${event.error.message}`))
    })
    void device.lost.then((info) => {
      // A destroyed device accepts commands without an error, and their results read as zeros.
      const why = info.reason === 'destroyed' ? 'it was destroyed' : info.message || 'no reason given'
      this.#fail(new GpuGone(`the GPU device was lost: ${why}`))
    })
  }

  #fail(error: GpuError): void {
    if (this.#failure === null || (error instanceof GpuGone && !(this.#failure instanceof GpuGone))) this.#failure = error
  }

  /** Choices of product kernels on this device. `half`: products of packed weights may round their other operand to f16. */
  productKernels(choices: ProductKernels['choices'], half: boolean): ProductKernels {
    const { device } = this
    return { choices, workgroupBytes: device.limits.maxComputeWorkgroupStorageSize, matrices: matrixConfigs(device, half) }
  }

  get maxBindingBytes(): number {
    return this.device.limits.maxStorageBufferBindingSize
  }
  get allocatedBytes(): number {
    return this.#allocated
  }
  get peakBytes(): number {
    return this.#peak
  }

  /** Counts the peak anew, from what is allocated now. */
  restartPeak(): void {
    this.#peak = this.#allocated
  }

  /** Throws the first GPU error seen: a refused submit would otherwise read back as zeros. */
  check(): void {
    if (this.#failure) throw this.#failure
  }

  /** Out of memory surfaces from `settled()`, or from the next read or submit. */
  createBuffer(label: string, bytes: number, usage: number = STORAGE): GPUBuffer {
    const size = Math.max(16, Math.ceil(bytes / 16) * 16)
    if (size > this.device.limits.maxBufferSize) {
      throw new GpuError(`${label} needs a buffer of ${size} bytes, but this device allows ${this.device.limits.maxBufferSize}`)
    }
    const allocatedBefore = this.#allocated
    this.device.pushErrorScope('out-of-memory')
    const buffer = this.device.createBuffer({ label, size, usage })
    const answer = this.device
      .popErrorScope()
      .then((error) => {
        if (error) this.#fail(new GpuGone(refusalOf(label, size, allocatedBefore)))
      })
      // A device that is lost has no answers: `lost` says why.
      .catch(() => undefined)
      .finally(() => this.#allocations.delete(answer))
    this.#allocations.add(answer)
    this.#allocated += buffer.size
    this.#peak = Math.max(this.#peak, this.#allocated)
    return buffer
  }

  /** Resolves once every buffer so far has its memory; rejects if one has not, or if the device is lost. */
  async settled(): Promise<void> {
    await Promise.all(this.#allocations)
    this.check()
  }

  destroyBuffer(buffer: GPUBuffer): void {
    this.#allocated -= buffer.size
    this.#toZero.delete(buffer)
    buffer.destroy()
  }

  /** A writable view of host data uploaded at the queue's current point. */
  write(buffer: GPUBuffer, data: Float32Array | Uint32Array, offset = 0): void {
    if (data.byteLength === 0) return
    // Zeroing must not overwrite data that is written later.
    if (this.#toZero.has(buffer)) this.device.queue.submit(this.#zeroes())
    this.counters.uploadedBytes += data.byteLength
    this.device.queue.writeBuffer(buffer, offset, data.buffer, data.byteOffset, data.byteLength)
  }

  /** Waits for the copies of `write`, which take memory of the process until they have run. */
  async flush(): Promise<void> {
    this.device.queue.submit(this.#zeroes())
    await this.finished()
    this.check()
  }

  /** Resolves when everything submitted so far is done. */
  async finished(): Promise<void> {
    await this.explained(this.device.queue.onSubmittedWorkDone())
  }

  /** Runs `work`; if it fails, throws the original cause if that is known. */
  async explained<T>(work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      await this.settled()
      throw new GpuError(`the GPU stopped answering: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  /** Copies a range back to the host. Never called between a step's first and last submit. */
  async read(buffer: GPUBuffer, offset: number, bytes: number): Promise<ArrayBuffer> {
    const size = Math.ceil(bytes / 4) * 4
    const staging = this.createBuffer('readback', size, BufferUsage.COPY_DST | BufferUsage.MAP_READ)
    const encoder = this.device.createCommandEncoder()
    encoder.copyBufferToBuffer(buffer, offset, staging, 0, size)
    this.submit(encoder)
    this.counters.readbacks++
    try {
      await this.explained(staging.mapAsync(MAP_READ))
      await this.settled()
      const copy = staging.getMappedRange().slice(0, bytes)
      staging.unmap()
      return copy
    } finally {
      this.destroyBuffer(staging)
    }
  }

  async readF32(buffer: GPUBuffer, offset: number, count: number): Promise<Float32Array> {
    return new Float32Array(await this.read(buffer, offset, count * 4))
  }

  submit(encoder: GPUCommandEncoder): void {
    this.check()
    this.counters.submits++
    this.device.queue.submit([...this.#zeroes(), encoder.finish()])
  }

  /** Zeroes a buffer before whatever is submitted next: a submit of its own would cost more than that. */
  zero(buffer: GPUBuffer): void {
    this.#toZero.add(buffer)
  }

  #zeroes(): GPUCommandBuffer[] {
    if (this.#toZero.size === 0) return []
    const encoder = this.device.createCommandEncoder()
    for (const buffer of this.#toZero) encoder.clearBuffer(buffer)
    this.#toZero.clear()
    return [encoder.finish()]
  }

  /** Compiles a dispatch's pipeline; the same source compiles once. */
  kernel(
    dispatch: Pick<Dispatch, 'shader' | 'constants' | 'parts'>,
    extra: Readonly<Record<string, number>> = {},
  ): Promise<CompiledKernel> {
    const code = shaderSource(dispatch.shader, { ...dispatch.constants, ...extra }, dispatch.parts)
    const known = this.#kernels.get(code)
    if (known) return known
    const made = this.activity.compiling(this.#compile(dispatch.shader, code))
    this.#kernels.set(code, made)
    return made
  }

  async #compile(label: string, code: string): Promise<CompiledKernel> {
    const kinds = bindingKinds(code)
    const layout = this.#layout(kinds)
    const module = this.device.createShaderModule({ label, code })
    try {
      const pipeline = await this.device.createComputePipelineAsync({
        label,
        layout: this.device.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: { module, entryPoint: 'main' },
      })
      this.counters.pipelines++
      return { pipeline, layout, kinds }
    } catch (error) {
      const info = await this.explained(module.getCompilationInfo())
      const lines = info.messages.map((message) => `${message.lineNum}:${message.linePos} ${message.message}`).join('; ')
      throw new GpuError(`shader ${label} does not compile: ${lines || (error instanceof Error ? error.message : String(error))}`)
    }
  }

  #layout(kinds: readonly ('read-only-storage' | 'storage' | 'uniform')[]): GPUBindGroupLayout {
    const key = kinds.join()
    const known = this.#layouts.get(key)
    if (known) return known
    const layout = this.device.createBindGroupLayout({
      entries: kinds.map((type, binding) => ({ binding, visibility: STAGE_COMPUTE, buffer: { type } })),
    })
    this.#layouts.set(key, layout)
    return layout
  }
}

function refusalOf(label: string, size: number, allocated: number): string {
  const text = (bytes: number): string => (bytes >= 1e9 ? `${(bytes / 1e9).toFixed(2)} GB` : `${(bytes / 1e6).toFixed(1)} MB`)
  return `the GPU has no memory for ${label} (${text(size)}) beside the ${text(allocated)} it holds already: hold weights in fewer bits (dtype), turn gradient_checkpointing on, or take a smaller batch or model`
}

const STORAGE = BufferUsage.STORAGE | BufferUsage.COPY_DST | BufferUsage.COPY_SRC

/** Invocations of every subgroup of a device; null without the feature or where compilers may choose. */
function subgroupSizeOf({ features, adapterInfo }: GPUDevice): number | null {
  if (!features.has('subgroups')) return null
  const { subgroupMinSize, subgroupMaxSize } = adapterInfo
  return subgroupMinSize === subgroupMaxSize ? subgroupMinSize : null
}

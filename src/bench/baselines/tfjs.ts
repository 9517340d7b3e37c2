/** tfjs's WebGPU backend on the adapter the command runs on: given a device, it needs no browser. */
import { importBaseline, baselineName } from './install'

interface TfTensor {
  dispose(): void
  data(): Promise<ArrayBufferView>
}
export interface TfjsBaseline {
  readonly name: string
  matrix(values: Float32Array, size: number): TfTensor
  matMul(a: TfTensor, b: TfTensor, transposeA: boolean, transposeB: boolean): TfTensor
  /** Waits until the device has done what was asked. */
  finish(): Promise<void>
  destroy(): void
}

/** The parts of the two packages that are used. */
interface Tfjs {
  registerBackend(name: string, factory: () => unknown, priority: number): boolean
  getKernelsForBackend(name: string): readonly object[]
  registerKernel(config: object): void
  setBackend(name: string): Promise<boolean>
  ready(): Promise<void>
  tensor2d(values: Float32Array, shape: readonly [number, number]): TfTensor
  matMul(a: TfTensor, b: TfTensor, transposeA: boolean, transposeB: boolean): TfTensor
}
interface TfjsWebgpu {
  readonly WebGPUBackend: new (device: GPUDevice, info: GPUAdapterInfo) => TfjsBackend
}
/** It gathers dispatches in one open pass and hands them over by the dozen. */
interface TfjsBackend {
  /** null when nothing is gathered. */
  readonly commandEncoder: GPUCommandEncoder | null
  endComputePassEncoder(): void
  submitQueue(): void
}

/** The backend of that name asks a browser for its device; this one has the same kernels and is given one. */
const BACKEND = 'webgpu-given'

/** null when the packages are not installed. */
export async function openTfjs(projectRoot: string, device: GPUDevice, info: GPUAdapterInfo): Promise<TfjsBaseline | null> {
  const core = await importBaseline(projectRoot, '@tensorflow/tfjs-core')
  const webgpu = core === null ? null : await importBaseline(projectRoot, '@tensorflow/tfjs-backend-webgpu')
  if (core === null || webgpu === null) return null
  const tf = core as Tfjs
  const { WebGPUBackend } = webgpu as TfjsWebgpu
  const backend = new WebGPUBackend(device, info)
  tf.registerBackend(BACKEND, () => backend, 9)
  for (const kernel of tf.getKernelsForBackend('webgpu')) tf.registerKernel({ ...kernel, backendName: BACKEND })
  await tf.setBackend(BACKEND)
  await tf.ready()
  return {
    name: baselineName('tfjs', '@tensorflow/tfjs-backend-webgpu'),
    matrix: (values, size) => tf.tensor2d(values, [size, size]),
    matMul: (a, b, transposeA, transposeB) => tf.matMul(a, b, transposeA, transposeB),
    async finish() {
      // As its own reading of a tensor does: the open pass is ended, what was gathered is handed over.
      if (backend.commandEncoder !== null) {
        backend.endComputePassEncoder()
        backend.submitQueue()
      }
      await device.queue.onSubmittedWorkDone()
    },
    destroy: () => device.destroy(),
  }
}

/** Times of single compute passes, by the GPU's own clock where the device has one. */
import { BufferUsage, MAP_READ } from './usage'

/** Entries of a query set (WebGPU's limit is 4096), two for each pass. */
const PASSES = 256

/**
 * Encodes each of `passes` into a compute pass of its own. Resolves to milliseconds from the beginning to the end of each, by timestamps; without
 * them, each pass is submitted and waited for, which adds that wait to it.
 */
export async function timePasses(
  device: GPUDevice,
  passes: readonly ((pass: GPUComputePassEncoder) => void)[],
  now: () => number,
): Promise<number[]> {
  if (!device.features.has('timestamp-query')) return waitForEach(device, passes, now)
  const times: number[] = []
  for (let first = 0; first < passes.length; first += PASSES) {
    const part = passes.slice(first, first + PASSES)
    const querySet = device.createQuerySet({ type: 'timestamp', count: 2 * part.length })
    const bytes = 16 * part.length
    const resolved = device.createBuffer({ size: bytes, usage: BufferUsage.QUERY_RESOLVE | BufferUsage.COPY_SRC })
    const staging = device.createBuffer({ size: bytes, usage: BufferUsage.MAP_READ | BufferUsage.COPY_DST })
    for (const [index, encode] of part.entries()) {
      const encoder = device.createCommandEncoder()
      const pass = encoder.beginComputePass({
        timestampWrites: { querySet, beginningOfPassWriteIndex: 2 * index, endOfPassWriteIndex: 2 * index + 1 },
      })
      encode(pass)
      pass.end()
      device.queue.submit([encoder.finish()])
    }
    const encoder = device.createCommandEncoder()
    encoder.resolveQuerySet(querySet, 0, 2 * part.length, resolved, 0)
    encoder.copyBufferToBuffer(resolved, 0, staging, 0, bytes)
    device.queue.submit([encoder.finish()])
    await staging.mapAsync(MAP_READ)
    const nanoseconds = new BigUint64Array(staging.getMappedRange().slice(0))
    for (let index = 0; index < part.length; index++)
      times.push(Number((nanoseconds[2 * index + 1] ?? 0n) - (nanoseconds[2 * index] ?? 0n)) / 1e6)
    staging.destroy()
    resolved.destroy()
    querySet.destroy()
  }
  return times
}

async function waitForEach(
  device: GPUDevice,
  passes: readonly ((pass: GPUComputePassEncoder) => void)[],
  now: () => number,
): Promise<number[]> {
  const times: number[] = []
  for (const encode of passes) {
    const encoder = device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    encode(pass)
    pass.end()
    const started = now()
    device.queue.submit([encoder.finish()])
    await device.queue.onSubmittedWorkDone()
    times.push(now() - started)
  }
  return times
}

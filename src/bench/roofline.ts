/** What this adapter can do at best, measured in the same run: multiply-adds per second, and bytes copied per second. */
import { median } from './paired'

/** Eight independent sums per invocation hide the latency of one. */
const FMA = `@group(0) @binding(0) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(1) var<uniform> rounds: vec4u;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  let seed = f32(id.x & 1023u) * 1e-6;
  let a = vec4f(0.999, 0.998, 0.997, 0.996) + seed;
  var s0 = vec4f(seed); var s1 = s0 + 1.0; var s2 = s0 + 2.0; var s3 = s0 + 3.0;
  var s4 = s0 + 4.0; var s5 = s0 + 5.0; var s6 = s0 + 6.0; var s7 = s0 + 7.0;
  for (var i = 0u; i < rounds.x; i++) {
    s0 = fma(s0, a, a); s1 = fma(s1, a, a); s2 = fma(s2, a, a); s3 = fma(s3, a, a);
    s4 = fma(s4, a, a); s5 = fma(s5, a, a); s6 = fma(s6, a, a); s7 = fma(s7, a, a);
  }
  y[id.x] = s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7;
}`
const FMA_FLOPS_PER_ROUND = 8 * 4 * 2

const COPY = `@group(0) @binding(0) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i < arrayLength(&x)) { y[i] = x[i]; }
}`

export interface Roofline {
  readonly gflops: number
  readonly gigabytesPerSecond: number
}

/** Each kernel grows until a run takes `targetMs`, then the median of five counts. */
export async function measureRoofline(device: GPUDevice, now: () => number, targetMs = 100): Promise<Roofline> {
  return { gflops: await peakFma(device, now, targetMs), gigabytesPerSecond: await peakCopy(device, now, targetMs) }
}

async function peakFma(device: GPUDevice, now: () => number, targetMs: number): Promise<number> {
  const { flops, run, destroy } = await fixedWork(device, now, targetMs)
  const ms = median(await repeat(5, run, now))
  destroy()
  return flops / ms / 1e6
}

/** Multiply-adds that take at least `targetMs` on this device now. */
export async function fixedWork(
  device: GPUDevice,
  now: () => number,
  targetMs = 20,
): Promise<{ readonly flops: number; readonly run: () => Promise<void>; readonly destroy: () => void }> {
  const invocations = 1 << 16
  const out = device.createBuffer({ size: invocations * 16, usage: GPUBufferUsage.STORAGE })
  const rounds = device.createBuffer({ size: 16, usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST })
  const run = prepare(device, FMA, [out, rounds], [invocations / 64, 1])
  let count = 8
  for (;;) {
    device.queue.writeBuffer(rounds, 0, Uint32Array.of(count, 0, 0, 0))
    await run(1)
    const ms = median(await repeat(3, () => run(1), now))
    if (ms >= targetMs || count >= 1 << 24) break
    count *= Math.max(2, Math.min(16, Math.round(targetMs / Math.max(ms, 0.1))))
  }
  return {
    flops: invocations * count * FMA_FLOPS_PER_ROUND,
    run: () => run(1),
    destroy() {
      out.destroy()
      rounds.destroy()
    },
  }
}

/** 64 MiB: larger than the caches of most GPUs (an H200's is 50 MB, and source and target both pass through it). */
async function peakCopy(device: GPUDevice, now: () => number, targetMs: number): Promise<number> {
  const bytes = Math.min(64 << 20, device.limits.maxStorageBufferBindingSize)
  const [x, y] = [0, 1].map(() => device.createBuffer({ size: bytes, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST }))
  if (!x || !y) throw new Error('no buffers to copy between')
  // Memory that was never written may not exist yet.
  const random = Float32Array.from({ length: 1 << 20 }, (_, i) => Math.sin(i))
  for (let at = 0; at < bytes; at += random.byteLength)
    device.queue.writeBuffer(x, at, random, 0, Math.min(random.length, (bytes - at) / 4))
  const groups = bytes / 16 / 64
  const run = prepare(device, COPY, [y, x], [Math.min(groups, 32_768), Math.ceil(groups / 32_768)])
  await run(1)
  let repeats = 1
  let ms: number
  for (;;) {
    ms = median(await repeat(3, () => run(repeats), now))
    if (ms >= targetMs || repeats >= 4096) break
    repeats *= Math.max(2, Math.min(16, Math.round(targetMs / Math.max(ms, 0.1))))
  }
  x.destroy()
  y.destroy()
  return (2 * bytes * repeats) / ms / 1e6
}

function prepare(
  device: GPUDevice,
  code: string,
  buffers: readonly GPUBuffer[],
  [x, y]: readonly [number, number],
): (times: number) => Promise<void> {
  const pipeline = device.createComputePipeline({
    layout: 'auto',
    compute: { module: device.createShaderModule({ code }), entryPoint: 'main' },
  })
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
  })
  return async (times) => {
    const encoder = device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    pass.setPipeline(pipeline)
    pass.setBindGroup(0, group)
    for (let time = 0; time < times; time++) pass.dispatchWorkgroups(x, y)
    pass.end()
    device.queue.submit([encoder.finish()])
    await device.queue.onSubmittedWorkDone()
  }
}

async function repeat(times: number, work: () => Promise<void>, now: () => number): Promise<number[]> {
  const taken: number[] = []
  for (let time = 0; time < times; time++) {
    const started = now()
    await work()
    taken.push(now() - started)
  }
  return taken
}

/** Where a step's time goes: every dispatch in a pass of its own, summed by kernel, beside the step's wall time and the roofline. */
import type { Executable } from '../engine/plan/executable'
import { median } from './paired'
import type { Roofline } from './roofline'

export interface ProfileRow {
  readonly op: string
  readonly shader: string
  readonly count: number
  readonly ms: number
  readonly gflops: number
  readonly gigabytesPerSecond: number
  /** Shares of the peak rates of multiply-adds and of copying, as measured in this run. */
  readonly shareOfFlops: number
  readonly shareOfBytes: number
}

export interface KernelProfile {
  /** Slowest first. */
  readonly rows: readonly ProfileRow[]
  /** `timestamps`: of the GPU's clock; `waits`: each dispatch waited for, which overstates short ones. */
  readonly clock: 'timestamps' | 'waits'
  readonly longest: { readonly op: string; readonly shader: string; readonly ms: number }
  /** Sum over the step, and the wall time of steps run by turns with it: medians. */
  readonly kernelMs: number
  readonly wallMs: number
  readonly share: number
  /** What launching costs on this device: of a dispatch that does nothing, and of a submit that is waited for. */
  readonly dispatchMs: number
  readonly submitMs: number
}

interface Sum {
  readonly op: string
  readonly shader: string
  count: number
  flops: number
  bytes: number
  readonly ms: number[]
}

export async function profileStep(
  step: () => Promise<void>,
  executables: readonly Executable[],
  device: GPUDevice,
  roofline: Roofline,
  now: () => number,
  turns: number,
): Promise<KernelProfile> {
  const sums = new Map<string, Sum>()
  const walls: number[] = []
  const kernels: number[] = []
  const single: { readonly op: string; readonly shader: string; readonly times: number[] }[] = []
  for (let turn = 0; turn < turns; turn++) {
    const started = now()
    await step()
    walls.push(now() - started)
    let total = 0
    let index = 0
    for (const executable of executables)
      for (const { op, shader, ms, flops, bytes } of await executable.profile()) {
        const one = (single[index++] ??= { op, shader, times: [] })
        one.times.push(ms)
        const key = `${op} ${shader}`
        const sum = sums.get(key) ?? { op, shader, count: 0, flops: 0, bytes: 0, ms: [] }
        sums.set(key, sum)
        sum.ms[turn] = (sum.ms[turn] ?? 0) + ms
        sum.count += 1 / turns
        sum.flops += flops / turns
        sum.bytes += bytes / turns
        total += ms
      }
    kernels.push(total)
  }
  const rows = [...sums.values()].map(({ op, shader, count, flops, bytes, ms: times }): ProfileRow => {
    const ms = median(times)
    const [gflops, gigabytesPerSecond] = [flops / ms / 1e6, bytes / ms / 1e6]
    return {
      ...{ op, shader, count: Math.round(count), ms, gflops, gigabytesPerSecond },
      ...{ shareOfFlops: gflops / roofline.gflops, shareOfBytes: gigabytesPerSecond / roofline.gigabytesPerSecond },
    }
  })
  // Of each dispatch the median: one that was interrupted once is not long.
  const longest = single
    .map(({ op, shader, times }) => ({ op, shader, ms: median(times) }))
    .reduce((most, one) => (one.ms > most.ms ? one : most))
  const [kernelMs, wallMs] = [median(kernels), median(walls)]
  return {
    rows: rows.sort((a, b) => b.ms - a.ms),
    clock: device.features.has('timestamp-query') ? 'timestamps' : 'waits',
    longest,
    kernelMs,
    wallMs,
    share: kernelMs / wallMs,
    ...(await launchCosts(device, now)),
  }
}

const NOTHING = `@group(0) @binding(0) var<storage, read_write> y: array<u32>;
@compute @workgroup_size(1) fn main() { y[0] += 1u; }`

/** Dispatches depend on each other, as those of a step do. */
async function launchCosts(device: GPUDevice, now: () => number): Promise<{ dispatchMs: number; submitMs: number }> {
  const buffer = device.createBuffer({ size: 16, usage: GPUBufferUsage.STORAGE })
  const pipeline = device.createComputePipeline({
    layout: 'auto',
    compute: { module: device.createShaderModule({ code: NOTHING }), entryPoint: 'main' },
  })
  const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries: [{ binding: 0, resource: { buffer } }] })
  const run = async (dispatches: number): Promise<number> => {
    const started = now()
    const encoder = device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    pass.setPipeline(pipeline)
    pass.setBindGroup(0, group)
    for (let i = 0; i < dispatches; i++) pass.dispatchWorkgroups(1)
    pass.end()
    device.queue.submit([encoder.finish()])
    await device.queue.onSubmittedWorkDone()
    return now() - started
  }
  await run(1)
  const [few, many]: [number[], number[]] = [[], []]
  for (let i = 0; i < 15; i++) {
    few.push(await run(1))
    many.push(await run(501))
  }
  buffer.destroy()
  return { dispatchMs: Math.max(0, median(many) - median(few)) / 500, submitMs: median(few) }
}

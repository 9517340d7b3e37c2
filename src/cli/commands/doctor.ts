/** `hone doctor`: what this machine offers, and whether its adapter computes correctly. */
import { accessSync, constants, existsSync, statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'
import { adapterReportOf } from '../adapterReport'
import { defineCommand, type JsonObject } from '../command'
import { findChrome } from '../node/chrome'
import { findDriverFile } from '../node/dawn'

interface Check {
  readonly name: string
  readonly ok: boolean
  readonly detail: string
}

export const doctor = defineCommand({
  name: 'doctor',
  summary: 'the WebGPU adapter, its limits, and what is missing on this machine',
  options: z.object({}),
  run: async (context) => {
    const { adapter } = await context.openAdapter()
    const report = adapterReportOf(adapter)
    const device = await context.openDevice()
    const checks: Check[] = [
      { name: 'node', ok: true, detail: process.versions.node },
      await checkArithmetic(device),
      {
        name: 'adapter kind',
        ok: true,
        detail: report.isSoftware ? 'software: correct but slow; its speed says nothing about a GPU' : 'hardware',
      },
      optionalCheck(
        'shader-f16',
        adapter.features.has('shader-f16'),
        'half-precision arithmetic',
        'not offered; weights are packed instead',
      ),
      optionalCheck(
        'subgroups',
        adapter.features.has('subgroups'),
        `sizes ${subgroupSizes(adapter.info)}`,
        'not offered; slower reductions',
      ),
      presence('swiftshader', findDriverFile('swiftshader')),
      presence('lavapipe', findDriverFile('lavapipe')),
      presence('chrome', findChrome()),
      checkStorage(context.homeDirectory),
    ]
    return { adapter: { name: context.adapterName, ...report, limits: undefined }, limits: report.limits, checks }
  },
  show: showReport,
})

const subgroupSizes = (info: GPUAdapterInfo): string => `${info.subgroupMinSize} to ${info.subgroupMaxSize}`
const presence = (name: string, path: string | null): Check => ({ name, ok: true, detail: path ?? 'not found' })
const optionalCheck = (name: string, has: boolean, yes: string, no: string): Check => ({ name, ok: true, detail: has ? yes : no })

const PROBE = `@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= arrayLength(&x)) { return; }
  x[id.x] = fma(x[id.x], 3.0, 1.0);
}`

/** Integers below 2²⁴ are exact in f32: anything but equality is a broken driver. */
async function checkArithmetic(device: GPUDevice): Promise<Check> {
  const count = 1000
  const bytes = count * 4
  const buffer = device.createBuffer({ size: bytes, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST })
  const staging = device.createBuffer({ size: bytes, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST })
  device.queue.writeBuffer(
    buffer,
    0,
    Float32Array.from({ length: count }, (_, i) => i),
  )
  const pipeline = await device.createComputePipelineAsync({
    layout: 'auto',
    compute: { module: device.createShaderModule({ code: PROBE }) },
  })
  const encoder = device.createCommandEncoder()
  const pass = encoder.beginComputePass()
  pass.setPipeline(pipeline)
  pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries: [{ binding: 0, resource: { buffer } }] }))
  pass.dispatchWorkgroups(Math.ceil(count / 64))
  pass.end()
  encoder.copyBufferToBuffer(buffer, 0, staging, 0, bytes)
  device.queue.submit([encoder.finish()])
  await staging.mapAsync(GPUMapMode.READ)
  const wrong = new Float32Array(staging.getMappedRange()).findIndex((value, i) => value !== i * 3 + 1)
  staging.unmap()
  for (const done of [buffer, staging]) done.destroy()
  const detail = wrong === -1 ? `${count} values computed and read back` : `value ${wrong} is wrong: the driver computes incorrectly`
  return { name: 'compute', ok: wrong === -1, detail }
}

function checkStorage(directory: string): Check {
  const existing = firstExisting(directory)
  try {
    accessSync(existing, constants.W_OK)
  } catch {
    return { name: 'storage', ok: false, detail: `${directory} cannot be written` }
  }
  const { bavail, bsize } = statfsSync(existing)
  return { name: 'storage', ok: true, detail: `${directory}, ${((bavail * bsize) / 2 ** 30).toFixed(1)} GiB free` }
}

const firstExisting = (path: string): string => (existsSync(path) || dirname(path) === path ? path : firstExisting(dirname(path)))

const reportSchema = z.object({
  adapter: z.object({ name: z.string(), description: z.string(), vendor: z.string(), architecture: z.string() }),
  limits: z.record(z.string(), z.number()),
  checks: z.array(z.object({ name: z.string(), ok: z.boolean(), detail: z.string() })),
})

function showReport(result: JsonObject): string {
  const { adapter, limits, checks } = reportSchema.parse(result)
  const shown = ['maxBufferSize', 'maxStorageBufferBindingSize', 'maxStorageBuffersPerShaderStage', 'maxComputeInvocationsPerWorkgroup']
  return [
    `${adapter.name}: ${adapter.description} (${adapter.vendor} ${adapter.architecture})`,
    ...shown.map((name) => `  ${name} ${limits[name]?.toLocaleString('en') ?? 'unknown'}`),
    ...checks.map((check) => `${check.ok ? '✓' : '✗'} ${check.name}: ${check.detail}`),
  ].join('\n')
}

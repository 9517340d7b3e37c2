import { expect, test } from 'vitest'
import { openNodeAdapter } from '../../src/cli/node/dawn'
import { adapterUnderTest, testAdapter, testDevice } from '../support/gpu'

test('the adapter is the one this project is for', async () => {
  const { adapter } = await testAdapter()
  const expected = { swiftshader: /swiftshader/i, lavapipe: /llvmpipe/i, default: /./ }[adapterUnderTest()]
  expect(`${adapter.info.architecture} ${adapter.info.description}`).toMatch(expected)
})

test('a compute shader doubles an array', async () => {
  const device = await testDevice('default')
  const code = `@group(0) @binding(0) var<storage, read_write> x: array<f32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) { if (id.x < arrayLength(&x)) { x[id.x] *= 2.0; } }`
  const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module: device.createShaderModule({ code }) } })
  const values = Float32Array.from({ length: 100 }, (_, i) => i)
  const buffer = device.createBuffer({ size: 400, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST })
  const staging = device.createBuffer({ size: 400, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST })
  device.queue.writeBuffer(buffer, 0, values)
  const encoder = device.createCommandEncoder()
  const pass = encoder.beginComputePass()
  pass.setPipeline(pipeline)
  pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries: [{ binding: 0, resource: { buffer } }] }))
  pass.dispatchWorkgroups(2)
  pass.end()
  encoder.copyBufferToBuffer(buffer, 0, staging, 0, 400)
  device.queue.submit([encoder.finish()])
  await staging.mapAsync(GPUMapMode.READ)
  expect([...new Float32Array(staging.getMappedRange())]).toEqual([...values.map((value) => value * 2)])
  staging.unmap()
})

test('a second driver in the same process is refused in one sentence', async () => {
  await testAdapter()
  const other = adapterUnderTest() === 'lavapipe' ? 'swiftshader' : 'lavapipe'
  await expect(openNodeAdapter(other)).rejects.toThrow('one driver per process')
})

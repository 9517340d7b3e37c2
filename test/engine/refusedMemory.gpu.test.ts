/** Memory a GPU does not have, and a device that goes away, end in one sentence that says so: never in zeros. */
import { expect, it } from 'vitest'
import { EngineDevice } from '../../src/engine/device/engineDevice'
import { linear } from '../../src/engine/ops/linear'
import { Executable } from '../../src/engine/plan/executable'
import { planGraph } from '../../src/engine/plan/planGraph'
import { ScratchPool } from '../../src/engine/plan/scratchPool'
import { Graph } from '../../src/engine/tensor'
import { parseModelConfig } from '../../src/models/architectures/config'
import { LanguageModel } from '../../src/models/languageModel'
import { randomWeights } from '../../src/training/policy/initialWeights'
import { goldenText } from '../models/files'
import { openOwnDevice } from '../support/gpu'

/** A device that has no memory for buffers of which `isRefused`: what it hands out cannot be used, as a real one's. */
async function refusingDevice(isRefused: (label: string) => boolean): Promise<GPUDevice> {
  const device = await openOwnDevice()
  const { createBuffer, pushErrorScope, popErrorScope } = {
    createBuffer: device.createBuffer.bind(device),
    pushErrorScope: device.pushErrorScope.bind(device),
    popErrorScope: device.popErrorScope.bind(device),
  }
  let refused = false
  device.createBuffer = (descriptor) => {
    refused = isRefused(descriptor.label ?? '')
    if (!refused) return createBuffer(descriptor)
    // Without a use there is no valid buffer; the complaint is the device's own affair.
    pushErrorScope('validation')
    const broken = createBuffer({ ...descriptor, usage: 0 })
    void popErrorScope()
    return broken
  }
  device.popErrorScope = async () => {
    const wasRefused = refused
    refused = false
    const found = await popErrorScope()
    return wasRefused ? new GPUOutOfMemoryError('no memory left') : found
  }
  return device
}

const config = parseModelConfig(JSON.parse(goldenText('tiny_qwen2/config.json')))

it('a weight without memory', async () => {
  const device = await refusingDevice((label) => label.includes('layers.1.mlp.up_proj'))
  const engine = new EngineDevice(device, { isSoftware: true })
  await expect(LanguageModel.load(engine, config, randomWeights(config, 1))).rejects.toThrow(
    /^the GPU has no memory for model\.layers\.1\.mlp\.up_proj\.weight \(0\.0 MB\) beside the 0\.\d MB it holds already: hold weights in fewer bits \(dtype\), turn gradient_checkpointing on/,
  )
  // What was there already has been given back.
  expect(engine.allocatedBytes).toBe(0)
  device.destroy()
})

it('activations without memory', async () => {
  const device = await refusingDevice((label) => label.startsWith('scratch'))
  const engine = new EngineDevice(device, { isSoftware: true })
  const graph = new Graph()
  const x = graph.batch('x', [64, 64])
  const counts = graph.batch('counts', [4], 'u32')
  graph.output('y', linear(linear(x, graph.batch('w', [64, 64]), counts), graph.batch('v', [64, 64]), counts))
  const made = Executable.create(engine, planGraph(graph, engine), new ScratchPool(engine), () => {
    throw new Error('no state')
  })
  await expect(made).rejects.toThrow(/^the GPU has no memory for scratch 16384/)
  device.destroy()
})

it('a buffer nobody waited for: what is read of it is an error, not zeros', async () => {
  const device = await refusingDevice((label) => label === 'table')
  device.addEventListener('uncapturederror', () => undefined)
  const engine = new EngineDevice(device, { isSoftware: true })
  const table = engine.createBuffer('table', 1024)
  await expect(engine.readF32(table, 0, 16)).rejects.toThrow(/^the GPU has no memory for table/)
  // And so is whatever comes after.
  await expect(engine.settled()).rejects.toThrow(/^the GPU has no memory for table/)
  device.destroy()
})

it('a device that is lost', async () => {
  const device = await openOwnDevice()
  let lose: (info: GPUDeviceLostInfo) => void = () => undefined
  const lost = new Promise<GPUDeviceLostInfo>((resolve) => (lose = resolve))
  const losable = new Proxy(device, {
    get: (target, key) => {
      if (key === 'lost') return lost
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
  const engine = new EngineDevice(losable, { isSoftware: true })
  const buffer = engine.createBuffer('values', 64)
  expect([...(await engine.readF32(buffer, 0, 4))]).toEqual([0, 0, 0, 0])
  const reading = engine.readF32(buffer, 0, 4)
  device.destroy()
  lose({ reason: 'unknown', message: 'the driver was restarted' } as GPUDeviceLostInfo)
  await expect(reading).rejects.toThrow('the GPU device was lost: the driver was restarted')
  await expect(engine.flush()).rejects.toThrow('the GPU device was lost: the driver was restarted')
})

/**
 * The device GPU tests compute on: `const device = await testDevice()`.
 * One per test file, on the adapter its project is for; destroyed after the file, since Dawn does not exit while a device is alive.
 */
import { afterAll, afterEach } from 'vitest'
import { adapterNames, fullDeviceDescriptor, openNodeAdapter, type AdapterName, type NodeAdapter } from '../../src/cli/node/dawn'

/** `default` limits and no features: what the weakest WebGPU implementation offers. `full`: all this adapter has. */
export type DeviceKind = 'full' | 'default'

const devices = new Map<DeviceKind, Promise<GPUDevice>>()
const errors: string[] = []
let cleaning = false

/** The adapter of this project: `gpu:lavapipe` runs with HONE_ADAPTER=lavapipe. */
export function adapterUnderTest(): AdapterName {
  const name = adapterNames.find((candidate) => candidate === process.env.HONE_ADAPTER)
  if (name === undefined) throw new Error('HONE_ADAPTER is not set; GPU tests run with `npm run test:gpu`.')
  return name
}

let opened: Promise<NodeAdapter> | null = null
export function testAdapter(): Promise<NodeAdapter> {
  return (opened ??= openNodeAdapter(adapterUnderTest()))
}

export function testDevice(kind: DeviceKind = 'full'): Promise<GPUDevice> {
  let device = devices.get(kind)
  if (device === undefined) {
    device = openDevice(kind)
    devices.set(kind, device)
  }
  return device
}

async function openDevice(kind: DeviceKind): Promise<GPUDevice> {
  const { adapter } = await testAdapter()
  const device = await adapter.requestDevice(kind === 'full' ? fullDeviceDescriptor(adapter) : {})
  device.addEventListener('uncapturederror', (event) => errors.push(event.error.message))
  void device.lost.then((info) => {
    if (!cleaning && info.reason !== 'destroyed') errors.push(`device lost: ${info.message}`)
  })
  return device
}

/** A validation error nobody caught fails the test it happened in. */
afterEach(async () => {
  // Errors arrive behind the queue.
  for (const device of devices.values()) await (await device).queue.onSubmittedWorkDone()
  if (errors.length > 0) throw new Error(`WebGPU reported: ${errors.splice(0).join('\n')}`)
})

afterAll(async () => {
  cleaning = true
  for (const device of devices.values()) (await device).destroy()
  devices.clear()
})

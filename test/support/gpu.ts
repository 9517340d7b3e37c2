/**
 * The device GPU tests compute on: `const device = await testDevice()`.
 * One for all test files, on the adapter their project is for: a software adapter compiles every kernel of a new device anew.
 */
import { adapterNames, fullDeviceDescriptor, openNodeAdapter, type AdapterName, type NodeAdapter } from '../../src/cli/node/dawn'

/** `default` limits and no features: what the weakest WebGPU implementation offers. `full`: all this adapter has. */
export type DeviceKind = 'full' | 'default'

const devices = new Map<DeviceKind, Promise<GPUDevice>>()
const errors: string[] = []

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
  // An adapter makes one device.
  const { adapter } = await openNodeAdapter(adapterUnderTest())
  const device = await adapter.requestDevice(kind === 'full' ? fullDeviceDescriptor(adapter) : {})
  device.addEventListener('uncapturederror', (event) => errors.push(event.error.message))
  void device.lost.then((info) => {
    if (info.reason !== 'destroyed') errors.push(`device lost: ${info.message}`)
  })
  return device
}

/** A device for a test that breaks it. The test destroys it, and what goes wrong on it is the test's own affair. */
export async function openOwnDevice(): Promise<GPUDevice> {
  const { adapter } = await openNodeAdapter(adapterUnderTest())
  return adapter.requestDevice(fullDeviceDescriptor(adapter))
}

/** Errors nobody caught since the last call, and behind the queue's end. */
export async function uncaughtErrors(): Promise<string[]> {
  for (const device of devices.values()) await (await device).queue.onSubmittedWorkDone()
  return errors.splice(0)
}

/** The parts a command is handed, and their clean-up. */
import { join, resolve } from 'node:path'
import type { CommandContext } from './command'
import { fetchOfEnvironment } from './node/proxyFetch'
import { fullDeviceDescriptor, openNodeAdapter, type AdapterName } from './node/dawn'

export interface HostContext {
  readonly context: CommandContext
  /** Destroys the devices that were opened: Dawn keeps the process alive until then. */
  close(): void
}

export function createContext(options: { adapter: AdapterName; json: boolean; projectRoot: string; signal: AbortSignal }): HostContext {
  const devices: GPUDevice[] = []
  const context: CommandContext = {
    adapterName: options.adapter,
    json: options.json,
    signal: options.signal,
    fetch: fetchOfEnvironment(process.env),
    projectRoot: options.projectRoot,
    homeDirectory: resolve(process.env.HONE_HOME ?? join(process.cwd(), '.hone')),
    progress: (line) => void process.stderr.write(`${line}\n`),
    print: (text) => {
      if (!options.json) process.stdout.write(`${text}\n`)
    },
    residentBytes: () => process.memoryUsage.rss(),
    openAdapter: () => openNodeAdapter(options.adapter),
    openDevice: async () => {
      const { adapter } = await openNodeAdapter(options.adapter)
      const device = await adapter.requestDevice(fullDeviceDescriptor(adapter))
      device.addEventListener('uncapturederror', (event) => void process.stderr.write(`WebGPU: ${event.error.message}\n`))
      devices.push(device)
      return device
    },
  }
  return {
    context,
    close: () => {
      for (const device of devices.splice(0)) device.destroy()
    },
  }
}

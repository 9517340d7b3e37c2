/** The parts a command is handed, and their clean-up. */
import { join, resolve } from 'node:path'
import { visibleText } from '../base/visibleText'
import type { CommandContext } from './command'
import { fetchOfEnvironment } from './node/proxyFetch'
import { fullDeviceDescriptor, openNodeAdapter, type AdapterName } from './node/dawn'

/** Characters that a line of progress or of failure shows: files and servers may send more than anybody reads. */
export const SENTENCE_SHOWN = 4000

export interface HostContext {
  readonly context: CommandContext
  /** Destroys the devices that were opened: Dawn keeps the process alive until then. */
  close(): void
}

interface HostOptions extends Pick<CommandContext, 'signal' | 'onInterrupt' | 'json' | 'projectRoot'> {
  readonly adapter: AdapterName
}

export function createContext(options: HostOptions): HostContext {
  const devices: GPUDevice[] = []
  const context: CommandContext = {
    adapterName: options.adapter,
    json: options.json,
    signal: options.signal,
    onInterrupt: options.onInterrupt,
    fetch: fetchOfEnvironment(process.env),
    projectRoot: options.projectRoot,
    homeDirectory: resolve(process.env.HONE_HOME ?? join(process.cwd(), '.hone')),
    progress: (line) => void process.stderr.write(`${visibleText(line, SENTENCE_SHOWN)}\n`),
    print: (text) => {
      if (!options.json) process.stdout.write(`${visibleText(text)}\n`)
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

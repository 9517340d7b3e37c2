/**
 * jax-js on the adapter the command runs on. It is written for browsers: it looks for `navigator.gpu`, and uses iterator helpers
 * that Node 20 lacks. A development dependency, loaded by name at run time so that the command line works without it.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { NodeAdapter } from '../../cli/node/dawn'
import { meterDevice, type DeviceMeter } from '../deviceMeter'

export type Jax = typeof import('@jax-js/jax')

export interface JaxBaseline {
  readonly jax: Jax
  /** `jax-js 0.1.25` */
  readonly name: string
  readonly device: GPUDevice
  readonly meter: DeviceMeter
}

const PACKAGE = '@jax-js/jax'

/** null when the package is not installed. */
export async function openJax({ gpu }: Pick<NodeAdapter, 'gpu'>, projectRoot: string, now: () => number): Promise<JaxBaseline | null> {
  addIteratorHelpers()
  showGpu(gpu)
  let jax: Jax
  try {
    jax = (await import(/* @vite-ignore */ PACKAGE)) as Jax
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND') return null
    throw error
  }
  const found = await jax.init('webgpu')
  if (!found.includes('webgpu')) throw new Error('jax-js found no WebGPU adapter.')
  jax.defaultDevice('webgpu')
  const device = jax.getWebGPUDevice()
  return { jax, name: `jax-js ${packageVersion(projectRoot, PACKAGE) ?? ''}`.trim(), device, meter: meterDevice(device, now) }
}

/** null when it is not installed in the project. */
export function packageVersion(projectRoot: string, name: string): string | null {
  try {
    const text = readFileSync(join(projectRoot, 'node_modules', name, 'package.json'), 'utf8')
    return z.object({ version: z.string() }).parse(JSON.parse(text)).version
  } catch {
    return null
  }
}

/** Node 20 has no navigator; later ones have one without gpu. */
function showGpu(gpu: GPU): void {
  const host = globalThis as { navigator?: Navigator }
  if (host.navigator === undefined)
    Object.defineProperty(globalThis, 'navigator', { value: { gpu, userAgent: 'Node' }, configurable: true })
  else if (!('gpu' in host.navigator)) Object.defineProperty(host.navigator, 'gpu', { value: gpu, configurable: true })
}

/** `filter` and `map` on iterators (ES2025). */
function addIteratorHelpers(): void {
  const prototype: unknown = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()))
  if (typeof prototype !== 'object' || prototype === null) return
  const add = (name: string, value: unknown): void => {
    if (!(name in prototype)) Object.defineProperty(prototype, name, { value, configurable: true, writable: true })
  }
  add('filter', function* (this: Iterable<unknown>, keep: (item: unknown, index: number) => unknown) {
    let index = 0
    for (const item of this) if (keep(item, index++) === true) yield item
  })
  add('map', function* (this: Iterable<unknown>, change: (item: unknown, index: number) => unknown) {
    let index = 0
    for (const item of this) yield change(item, index++)
  })
}

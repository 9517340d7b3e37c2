/** The GPU's name: the WebGL renderer string where the browser gives it, else WebGPU's vendor and architecture. Never guessed. */
import { useEffect, useState } from 'react'
import type { GpuInfo } from '../../records/run'

let renderer: string | null | undefined
function webglRenderer(): string | null {
  if (renderer !== undefined) return renderer
  const context = document
    .createElement('canvas')
    .getContext('webgl', { powerPreference: 'high-performance', failIfMajorPerformanceCaveat: true })
  const extension = context?.getExtension('WEBGL_debug_renderer_info')
  const text: unknown = extension && context ? context.getParameter(extension.UNMASKED_RENDERER_WEBGL) : null
  context?.getExtension('WEBGL_lose_context')?.loseContext()
  renderer = typeof text === 'string' && text !== '' ? text : null
  return renderer
}

/** `ANGLE (NVIDIA, NVIDIA GeForce RTX 4070 (0x2786) Direct3D11 vs_5_0 ps_5_0, D3D11)` → `NVIDIA GeForce RTX 4070`. */
function shortRenderer(text: string): string {
  const inner = /^ANGLE \([^,]*, (.*), [^,]*\)$/.exec(text)?.[1] ?? text
  return inner
    .replace(/^ANGLE Metal Renderer: /, '')
    .replace(/ \(0x[0-9a-f]+\)/i, '')
    .replace(/ (Direct3D|OpenGL|Vulkan).*$/, '')
    .replace(/\/PCIe.*$/, '')
    .trim()
}

function adapterName(adapter: GpuInfo): string {
  const plain = adapter.description || adapter.device || [adapter.vendor, adapter.architecture].filter((part) => part !== '').join(' ')
  return plain === '' ? 'unnamed adapter' : plain
}

/** Software adapters name themselves; WebGL may well run on other hardware. */
export function useGpuName(adapter: GpuInfo | null): string {
  const [webgl, setWebgl] = useState<string | null>(null)
  const wanted = adapter !== null && !adapter.isSoftware
  useEffect(() => {
    if (!wanted) return
    const timer = setTimeout(() => {
      setWebgl(webglRenderer())
    }, 300)
    return () => {
      clearTimeout(timer)
    }
  }, [wanted])
  if (adapter === null) return ''
  if (adapter.isSoftware) return `${adapterName(adapter)} on the processor`
  return webgl === null ? adapterName(adapter) : shortRenderer(webgl)
}

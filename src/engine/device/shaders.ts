/** The one place that loads WGSL. Works in the page's worker, in Vitest and in the command line (all built by Vite). */
const files = import.meta.glob<string>('/shaders/**/*.wgsl', { query: '?raw', import: 'default', eager: true })

const INCLUDE = /^\/\/ #include "([\w/]+)"$/gm

function source(path: string): string {
  const text = files[`/shaders/${path}.wgsl`]
  if (text === undefined) throw new Error(`no shader file shaders/${path}.wgsl`)
  return text
}

/** Full WGSL of a kernel: its constants, its includes, its text. */
export function shaderSource(path: string, constants: Readonly<Record<string, number>> = {}): string {
  const header = Object.entries(constants)
    .map(([name, value]) => `const ${name} = ${Number.isInteger(value) ? `${value}u` : String(value)};`)
    .join('\n')
  const body = source(path).replace(INCLUDE, (_line, included: string) => source(`common/${included}`))
  return `${header}\n${body}`
}

export type BindingKind = 'read-only-storage' | 'storage' | 'uniform'

/** Binding kinds in binding order, read from the declarations: explicit layouts keep bindings a variant does not use. */
export function bindingKinds(wgsl: string): BindingKind[] {
  const kinds: BindingKind[] = []
  const declaration = /@group\(0\)\s*@binding\((\d+)\)\s*var<(storage,\s*read_write|storage,\s*read|storage|uniform)>/g
  for (const match of wgsl.matchAll(declaration)) {
    const space = match[2] ?? ''
    kinds[Number(match[1])] = space === 'uniform' ? 'uniform' : space.includes('read_write') ? 'storage' : 'read-only-storage'
  }
  return kinds
}

/** The one place that loads WGSL. Works in the page's worker, in Vitest and in the command line (all built by Vite). */
const files = import.meta.glob<string>('/shaders/**/*.wgsl', { query: '?raw', import: 'default', eager: true })

const ENABLE = /^enable \w+;$/gm
const PART = /^\/\/ #part (\w+)$/gm
const INCLUDE = /^\/\/ #include "([\w/]+)"$/gm

function source(path: string): string {
  const text = files[`/shaders/${path}.wgsl`]
  if (text === undefined) throw new Error(`no shader file shaders/${path}.wgsl`)
  return text
}

// The innermost first: a body holds no other #repeat.
const REPEAT = /^[ \t]*\/\/ #repeat (\w+) (\w+)\n((?:(?![ \t]*\/\/ #repeat)[^\n]*\n)*?)[ \t]*\/\/ #end\n/m

/**
 * Writes out `// #repeat i N` … `// #end` N times, `{i}` being 0 to N − 1; N is a number or a constant of the kernel. Register tiles are
 * written so: an array indexed in a loop lives in memory on compilers that do not unroll.
 */
function unroll(text: string, constants: Readonly<Record<string, number>>): string {
  let written = text
  for (let found = REPEAT.exec(written); found; found = REPEAT.exec(written)) {
    const [all, index = '', times = '', body = ''] = found
    const count = constants[times] ?? Number(times)
    if (!Number.isInteger(count)) throw new Error(`#repeat ${index} ${times}: ${times} is neither a number nor a constant of the kernel`)
    const copies = Array.from({ length: count }, (_, i) => body.replaceAll(`{${index}}`, String(i))).join('')
    written = written.slice(0, found.index) + copies + written.slice(found.index + all.length)
  }
  return written
}

/** Files of shaders/ that stand in for `// #part NAME`: declarations of which a kernel needs one of several. */
export type ShaderParts = Readonly<Record<string, string>>

/** Full WGSL of a kernel: its constants, its parts and includes, its text with repeats written out. */
export function shaderSource(path: string, constants: Readonly<Record<string, number>> = {}, parts: ShaderParts = {}): string {
  const header = Object.entries(constants)
    .map(([name, value]) => `const ${name} = ${Number.isInteger(value) ? `${value}u` : String(value)};`)
    .join('\n')
  // What is written in may itself have parts and includes.
  const expand = (text: string): string =>
    text
      .replace(PART, (line, name: string) => {
        const file = parts[name]
        if (file === undefined) throw new Error(`${path}: nothing given for "${line}"`)
        return expand(source(file))
      })
      .replace(INCLUDE, (_line, included: string) => expand(source(`common/${included}`)))
  const body = unroll(expand(source(path)), constants)
  // Directives come before every declaration.
  const enables = body.match(ENABLE) ?? []
  return [...enables, header, body.replace(ENABLE, '')].join('\n')
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

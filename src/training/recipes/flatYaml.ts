/**
 * The small part of YAML that flat configuration files use: `key: value`, a key over a list of `- value`, comments. Scalars are read as
 * OmegaConf reads them (`1e-5` is a number, which YAML 1.1 alone would call text). Anything else is refused with its line.
 */
export type FlatScalar = string | number | boolean | null
export type FlatValue = FlatScalar | readonly FlatScalar[]

export function parseFlatYaml(file: string, text: string): Readonly<Record<string, FlatValue>> {
  const values = new Map<string, FlatScalar | FlatScalar[]>()
  /** The key whose value may follow as a list. */
  let open: string | null = null
  text.split(/\r?\n/).forEach((line, index) => {
    const refuse = (expected: string): Error =>
      new Error(`${file}, line ${index + 1}: expected ${expected}, found ${JSON.stringify(line.trim().slice(0, 40))}.`)
    const scalar = (source: string): FlatScalar => {
      const value = scalarOf(source)
      if (value === undefined) throw refuse('a plain value')
      return value
    }
    if (/^\s*(#.*)?$/.test(line)) return
    const item = /^\s*-\s+(.*)$/.exec(line)
    if (item) {
      if (open === null) throw refuse('key: value')
      const list = values.get(open)
      values.set(open, [...(Array.isArray(list) ? list : []), scalar(item[1] ?? '')])
      return
    }
    const entry = /^([A-Za-z_][\w.-]*):(?:\s+(.*))?$/.exec(line)
    if (!entry) throw refuse('key: value')
    const [, key = '', source = ''] = entry
    if (values.has(key)) throw refuse(`${key} once`)
    values.set(key, scalar(source))
    open = /^\s*(#.*)?$/.test(source) ? key : null
  })
  return Object.fromEntries(values)
}

/** undefined: not one of the scalars read here. */
function scalarOf(source: string): FlatScalar | undefined {
  const quoted = /^(?:'((?:[^']|'')*)'|"([^"\\]*)")\s*(?:#.*)?$/.exec(source)
  if (quoted) return quoted[1]?.replaceAll("''", "'") ?? quoted[2] ?? ''
  const plain = (/^#/.test(source) ? '' : source.replace(/\s#.*$/, '')).trim()
  if (/^(|~|null|Null|NULL)$/.test(plain)) return null
  if (/^(true|True|TRUE)$/.test(plain)) return true
  if (/^(false|False|FALSE)$/.test(plain)) return false
  if (/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(plain)) return Number(plain)
  // Indicators of what is not read here: flow lists and maps, anchors, tags, block text, interpolation, a nested key.
  if (/^[-?:,[\]{}&*!|>'"%@`$]/.test(plain) || /:(\s|$)/.test(plain)) return undefined
  return plain
}

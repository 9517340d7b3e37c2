/** A JSON value as rows of a tree: what is open decides which rows exist. Values come from outside and stay `unknown`. */
export interface ValueRow {
  /** JSON pointer of the row: '' is the root. */
  readonly path: string
  readonly depth: number
  /** Key in the parent object, index in the parent array, null at the root. */
  readonly label: string | null
  readonly kind: 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null'
  /** Leaf text, or the summary of a container: `{3}`, `[12]`. */
  readonly text: string
  readonly open: boolean
  readonly expandable: boolean
}

type Json = Readonly<Record<string, unknown>>
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

function kindOf(value: unknown): ValueRow['kind'] {
  if (Array.isArray(value)) return 'array'
  if (isObject(value)) return 'object'
  if (typeof value === 'string') return 'string'
  if (typeof value === 'number') return 'number'
  if (typeof value === 'boolean') return 'boolean'
  return 'null'
}

function children(value: unknown): [string, unknown][] {
  if (Array.isArray(value)) return value.map((item: unknown, index) => [String(index), item])
  return isObject(value) ? Object.entries(value) : []
}

const escapePointer = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1')

/** Rows in drawing order. Iterative, so that hostile nesting cannot exhaust the stack; at most `limit` rows. */
export function valueRows(root: unknown, open: ReadonlySet<string>, limit = 5000): ValueRow[] {
  const rows: ValueRow[] = []
  const stack: { value: unknown; label: string | null; path: string; depth: number }[] = [{ value: root, label: null, path: '', depth: 0 }]
  for (let node = stack.pop(); node && rows.length < limit; node = stack.pop()) {
    const kind = kindOf(node.value)
    const inner = children(node.value)
    const expandable = inner.length > 0
    const isOpen = expandable && open.has(node.path)
    const text = kind === 'object' ? `{${inner.length}}` : kind === 'array' ? `[${inner.length}]` : JSON.stringify(node.value ?? null)
    rows.push({ path: node.path, depth: node.depth, label: node.label, kind, text, open: isOpen, expandable })
    if (!isOpen) continue
    for (let i = inner.length - 1; i >= 0; i--) {
      const [label, value] = inner[i] as [string, unknown]
      stack.push({ value, label, path: `${node.path}/${escapePointer(label)}`, depth: node.depth + 1 })
    }
  }
  return rows
}

/** Paths open at first: containers breadth-first until about `rows` rows would show. */
export function initiallyOpen(root: unknown, rows = 9): Set<string> {
  const open = new Set<string>()
  const queue: { value: unknown; path: string }[] = [{ value: root, path: '' }]
  let shown = 1
  for (let node = queue.shift(); node; node = queue.shift()) {
    const inner = children(node.value)
    if (inner.length === 0) continue
    if (node.path !== '' && shown + inner.length > rows) continue
    open.add(node.path)
    shown += inner.length
    for (const [label, value] of inner) queue.push({ value, path: `${node.path}/${escapePointer(label)}` })
  }
  return open
}

/** The value of an observation that is JSON (an object or array); undefined when it is plain text. */
export function parsedObservation(text: string): unknown {
  const trimmed = text.trim()
  if (!/^[[{]/.test(trimmed) || trimmed.length > 2_000_000) return undefined
  try {
    return JSON.parse(trimmed) as unknown
  } catch {
    return undefined
  }
}

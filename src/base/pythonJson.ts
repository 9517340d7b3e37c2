/** Writes JSON as Python's `json.dumps` does, character for character: tool replies, caches and answer files of Python programs hold it. */
import { reprFloat } from './pythonRepr'
import { PythonBytes, PythonFloat, PythonSet, PythonTuple, type PythonValue } from './pythonValue'

export interface DumpOptions {
  /** Spaces of a level; null writes one line. Default null. */
  readonly indent?: number | null
  /** Python's `ensure_ascii`: characters outside of ASCII are escaped. Default true. */
  readonly ascii?: boolean
  /** Python's `separators=(",", ":")`, as web servers write their answers. Default false. */
  readonly compact?: boolean
}

/** Python's `json.dumps(value)`. Throws a TypeError for what Python cannot write either: sets and bytes. */
export function dumpsPython(value: PythonValue, { indent = null, ascii = true, compact = false }: DumpOptions = {}): string {
  const comma = indent === null && !compact ? ', ' : ','
  const colon = compact ? ':' : ': '
  const block = (open: string, items: readonly string[], close: string, level: number): string => {
    if (items.length === 0) return open + close
    if (indent === null) return open + items.join(comma) + close
    const inner = `\n${' '.repeat(indent * (level + 1))}`
    return `${open}${inner}${items.join(comma + inner)}\n${' '.repeat(indent * level)}${close}`
  }
  const write = (item: PythonValue, level: number): string => {
    if (typeof item === 'string') return quoted(item, ascii)
    if (Array.isArray(item))
      return block(
        '[',
        item.map((one) => write(one, level + 1)),
        ']',
        level,
      )
    if (item instanceof PythonTuple) return write([...item.items], level)
    if (item instanceof Map)
      return block(
        '{',
        [...item].map(([key, one]) => `${quoted(keyText(key), ascii)}${colon}${write(one, level + 1)}`),
        '}',
        level,
      )
    return scalar(item)
  }
  return write(value, 0)
}

function scalar(value: PythonValue): string {
  if (value === null) return 'null'
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  if (typeof value === 'number') return Number.isInteger(value) && !Object.is(value, -0) ? BigInt(value).toString() : float(value)
  if (value instanceof PythonFloat) return float(value.value)
  throw new TypeError(`JSON holds no ${value instanceof PythonBytes ? 'bytes' : value instanceof PythonSet ? 'sets' : typeof value}.`)
}

function float(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  return Number.isFinite(value) ? reprFloat(value) : value > 0 ? 'Infinity' : '-Infinity'
}

const keyText = (key: PythonValue): string => (typeof key === 'string' ? key : scalar(key))

const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\b': '\\b',
  '\f': '\\f',
}

/** By UTF-16 units, as Python writes a character beyond the first plane: two escapes. */
function quoted(text: string, ascii: boolean): string {
  const special = ascii ? /["\\]|[^ -~]/g : /["\\\u0000-\u001f]/g
  return `"${text.replace(special, (char) => SHORT[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)}"`
}

/** Arithmetic on Python numbers, as answers write it (`60 * 60`, `2 ** 10`), and the concatenation of strings. */
import { PythonFloat, type PythonValue } from '../../../base/pythonValue'

/** A power may have this many binary digits; Python itself would compute for minutes. */
const MOST_BITS = 4096n

/** The result, or null where Python raises an error or the operands are of another kind. */
export function computePython(operator: string, left: PythonValue, right: PythonValue): PythonValue {
  if (operator === '+' && typeof left === 'string' && typeof right === 'string') return left + right
  const [a, b] = [whole(left), whole(right)]
  if (a !== null && b !== null) return ofIntegers(operator, a, b)
  const [x, y] = [real(left), real(right)]
  return x === null || y === null ? null : ofFloats(operator, x, y)
}

function whole(value: PythonValue): bigint | null {
  if (typeof value === 'boolean') return value ? 1n : 0n
  return typeof value === 'number' || typeof value === 'bigint' ? BigInt(value) : null
}

function real(value: PythonValue): number | null {
  if (value instanceof PythonFloat) return value.value
  const integer = whole(value)
  return integer === null ? null : Number(integer)
}

const narrowed = (value: bigint): number | bigint => (Number.isSafeInteger(Number(value)) ? Number(value) : value)

function ofIntegers(operator: string, a: bigint, b: bigint): PythonValue {
  if (operator === '+') return narrowed(a + b)
  if (operator === '-') return narrowed(a - b)
  if (operator === '*') return narrowed(a * b)
  if (operator === '**') return power(a, b)
  if (b === 0n) return null
  if (operator === '/') return new PythonFloat(Number(a) / Number(b))
  // Python rounds towards minus infinity, and a remainder has the sign of the divisor.
  const remainder = ((a % b) + b) % b
  if (operator === '%') return narrowed(remainder)
  return operator === '//' ? narrowed((a - remainder) / b) : null
}

function power(a: bigint, b: bigint): PythonValue {
  if (b < 0n) return a === 0n ? null : new PythonFloat(Number(a) ** Number(b))
  const bits = BigInt((a < 0n ? -a : a).toString(2).length) * b
  return bits > MOST_BITS ? null : narrowed(a ** b)
}

function ofFloats(operator: string, x: number, y: number): PythonValue {
  if (operator === '+') return new PythonFloat(x + y)
  if (operator === '-') return new PythonFloat(x - y)
  if (operator === '*') return new PythonFloat(x * y)
  if (operator === '**') return x < 0 && !Number.isInteger(y) ? null : new PythonFloat(x ** y)
  if (y === 0) return null
  if (operator === '/') return new PythonFloat(x / y)
  const remainder = ((x % y) + y) % y
  if (operator === '%') return new PythonFloat(remainder)
  return operator === '//' ? new PythonFloat(Math.floor(x / y)) : null
}

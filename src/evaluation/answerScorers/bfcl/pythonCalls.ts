/** The calls of an answer written as a Python list, `[f(a=1), g(b="x")]`, with the values that bfcl-eval's decoder gives them. */
import { reprPython } from '../../../base/pythonRepr'
import { PythonFloat, PythonTuple, type PythonValue } from '../../../base/pythonValue'
import type { Call } from '../../../environments/bfcl/checker/checkCall'
import { computePython } from './pythonArithmetic'
import { ExpressionError, parseExpression, type CallExpression, type Expression } from './pythonExpression'

/** Throws ExpressionError where the text is no list of calls. */
export function pythonCalls(text: string): Call[] {
  const list = parseExpression(text.trim().replace(/^'+|'+$/g, ''))
  if (list.kind !== 'list') throw new ExpressionError('Expected a list of calls, found another expression.')
  return list.items.map((item) => {
    if (item.kind !== 'call') throw new ExpressionError(`Expected a call, found ${written(item)}.`)
    return { name: calledName(item.callee), arguments: argumentsOf(item) }
  })
}

/** `a.b.c` of a chain of attributes; what is no name in it is left out. */
function calledName(callee: Expression): string {
  const parts: string[] = []
  let at = callee
  for (; at.kind === 'attribute'; at = at.of) parts.unshift(at.name)
  if (at.kind === 'name') parts.unshift(at.id)
  return parts.join('.')
}

/** The named arguments; those without a name do not count. */
const argumentsOf = ({ keywords }: CallExpression): Map<string, PythonValue> =>
  new Map(keywords.map(({ name, value }) => [name ?? '**', valueOf(value)]))

function valueOf(expression: Expression): PythonValue {
  switch (expression.kind) {
    case 'constant':
      return expression.value
    case 'ellipsis':
      return '...'
    case 'name':
      return expression.id
    case 'list':
      return expression.items.map(valueOf)
    case 'tuple':
      return new PythonTuple(expression.items.map(valueOf))
    case 'dict':
      return new Map(expression.entries.map(([key, value]) => [valueOf(key), valueOf(value)]))
    case 'unary':
      return negated(expression.operand)
    case 'binary':
      return computed(expression)
    case 'call':
      return expression.keywords.length === 0 ? written(expression) : new Map([[calledName(expression.callee), argumentsOf(expression)]])
    case 'subscript':
      return written(expression)
    case 'attribute':
      throw new ExpressionError(`Expected a value, found the attribute ${written(expression)}.`)
  }
}

/** bfcl-eval takes every sign for a minus, and only before a number. */
function negated(operand: Expression): PythonValue {
  const value = operand.kind === 'constant' ? operand.value : null
  if (typeof value === 'boolean') return value ? -1 : 0
  if (typeof value === 'number') return value === 0 ? 0 : -value
  if (typeof value === 'bigint') return -value
  if (value instanceof PythonFloat) return new PythonFloat(-value.value)
  throw new ExpressionError(`Expected a number after the sign, found ${written(operand)}.`)
}

function computed(expression: Expression): PythonValue {
  if (expression.kind === 'constant') return expression.value
  const value =
    expression.kind === 'binary'
      ? computePython(expression.operator, computed(expression.left), computed(expression.right))
      : expression.kind === 'unary' && expression.operator === '-'
        ? negatedResult(computed(expression.operand))
        : null
  if (value === null) throw new ExpressionError(`Expected arithmetic with numbers, found ${written(expression)}.`)
  return value
}

const negatedResult = (value: PythonValue): PythonValue => computePython('*', value, -1)

const STRENGTH: Readonly<Record<string, number>> = {
  '|': 1,
  '^': 2,
  '&': 3,
  '<<': 4,
  '>>': 4,
  '+': 5,
  '-': 5,
  '*': 6,
  '/': 6,
  '//': 6,
  '%': 6,
  '@': 6,
}
const SIGN_STRENGTH = 7
const POWER_STRENGTH = 8

/** The expression as Python's `ast.unparse` writes it: the value of what is a call without named arguments. */
function written(expression: Expression, least = 0): string {
  const list = (items: readonly Expression[]): string => items.map((item) => written(item)).join(', ')
  switch (expression.kind) {
    case 'constant':
      return reprPython(expression.value)
    case 'ellipsis':
      return '...'
    case 'name':
      return expression.id
    case 'list':
      return `[${list(expression.items)}]`
    case 'tuple':
      return expression.items.length === 1 ? `(${list(expression.items)},)` : `(${list(expression.items)})`
    case 'dict':
      return `{${expression.entries.map(([key, value]) => `${written(key)}: ${written(value)}`).join(', ')}}`
    case 'attribute':
      return `${written(expression.of, POWER_STRENGTH + 1)}.${expression.name}`
    case 'subscript':
      return `${written(expression.of, POWER_STRENGTH + 1)}[${written(expression.index)}]`
    case 'call': {
      const named = expression.keywords.map(({ name, value }) => (name === null ? `**${written(value)}` : `${name}=${written(value)}`))
      return `${written(expression.callee, POWER_STRENGTH + 1)}(${[...expression.positional.map((item) => written(item)), ...named].join(', ')})`
    }
    case 'unary':
      return bracketed(
        `${expression.operator === 'not' ? 'not ' : expression.operator}${written(expression.operand, SIGN_STRENGTH)}`,
        SIGN_STRENGTH,
        least,
      )
    case 'binary': {
      const { operator, left, right } = expression
      const own = STRENGTH[operator] ?? POWER_STRENGTH
      const isPower = own === POWER_STRENGTH
      return bracketed(
        `${written(left, isPower ? own + 1 : own)} ${operator} ${written(right, isPower ? SIGN_STRENGTH : own + 1)}`,
        own,
        least,
      )
    }
  }
}

const bracketed = (text: string, strength: number, least: number): string => (strength < least ? `(${text})` : text)

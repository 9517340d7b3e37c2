import type { ToolCall } from '../../records/trajectory'

export interface SignatureArgument {
  readonly name: string
  readonly text: string
  readonly shortened: boolean
}

const ARGUMENT_CHARACTERS = 48

function argumentText(value: unknown): string {
  if (value === undefined) return 'undefined'
  try {
    return JSON.stringify(value)
  } catch {
    // Writing a value is a call for each level of it.
    return TOO_DEEP
  }
}
const TOO_DEEP = '(a value of too many levels to show here)'

/** A call as a signature: `name(city: "Velmora", days: 3)`; long values are cut here and whole in the tree below. */
export function signatureArguments(call: ToolCall, characters = ARGUMENT_CHARACTERS): SignatureArgument[] {
  return Object.entries(call.arguments).map(([name, value]) => {
    const whole = argumentText(value)
    const shortened = whole.length > characters
    return { name, text: shortened ? `${whole.slice(0, characters - 1)}…` : whole, shortened }
  })
}

export function signatureText(call: ToolCall): string {
  return `${call.name}(${signatureArguments(call)
    .map((argument) => `${argument.name}: ${argument.text}`)
    .join(', ')})`
}

/** Same tool and same arguments, key order aside. Values of too many levels to compare are not called the same. */
export function sameCall(a: ToolCall | null, b: ToolCall | null): boolean {
  if (!a || !b) return a === b
  try {
    return a.name === b.name && inOrder(a.arguments) === inOrder(b.arguments)
  } catch {
    return false
  }
}

const inOrder = (value: unknown): string =>
  JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )

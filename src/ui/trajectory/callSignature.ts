import type { ToolCall } from '../../records/trajectory'

export interface SignatureArgument {
  readonly name: string
  readonly text: string
  readonly shortened: boolean
}

const ARGUMENT_CHARACTERS = 48

function argumentText(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  return value === undefined ? 'undefined' : JSON.stringify(value)
}

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

/** Same tool and same arguments, key order aside. */
export function sameCall(a: ToolCall | null, b: ToolCall | null): boolean {
  if (!a || !b) return a === b
  return a.name === b.name && stable(a.arguments) === stable(b.arguments)
}

function stable(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}

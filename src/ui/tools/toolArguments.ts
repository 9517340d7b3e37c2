/** The arguments of a call as a form asks for them, and as a person types them. */
import type { ToolSpec } from '../../records/trajectory'
import { fieldsFromSchema } from '../widgets/schemaFields'

export interface ToolArgument {
  readonly name: string
  readonly kind: 'text' | 'number' | 'integer' | 'boolean' | 'choice' | 'json'
  /** Its type in the words of the tool. */
  readonly type: string
  readonly required: boolean
  /** Of a choice: the values as they are sent, in the order of the list. */
  readonly choices: readonly unknown[]
}

/** A tool's schema says more than its list of parameters: what may be chosen, and what is nested. */
export function toolArguments({ parameters, schema }: ToolSpec): readonly ToolArgument[] {
  const fields = new Map(fieldsFromSchema(schema ?? {}).map((field) => [field.name, field]))
  return parameters.map(({ name, type, required }) => {
    const field = fields.get(name)
    const shape = shapeOf(field?.shape ?? {})
    const choices = Array.isArray(shape.enum) ? (shape.enum as readonly unknown[]) : []
    return { name, required, choices, type: typeInWords(type, shape), kind: choices.length > 0 ? 'choice' : kindOf(type) }
  })
}

/** Of a value that may be null: the schema of the others. */
function shapeOf(shape: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const options = Array.isArray(shape.anyOf) ? (shape.anyOf as readonly Readonly<Record<string, unknown>>[]) : []
  return options.find((option) => option.type !== 'null') ?? shape
}

function kindOf(type: string): ToolArgument['kind'] {
  const name = type.toLowerCase()
  if (/^(number|float|double)/.test(name)) return 'number'
  if (/^int/.test(name)) return 'integer'
  if (/^bool/.test(name)) return 'boolean'
  return /^(array|object|list|dict|tuple)/.test(name) ? 'json' : 'text'
}

function typeInWords(type: string, shape: Readonly<Record<string, unknown>>): string {
  const { items, properties } = shape as { readonly items?: { readonly type?: unknown }; readonly properties?: object }
  if (typeof items?.type === 'string') return `${type} of ${items.type}`
  return properties === undefined ? type : `${type} with ${Object.keys(properties).join(', ')}`
}

export type ArgumentReading =
  | { readonly ok: true; readonly args: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly problems: Readonly<Record<string, string>> }

/** What was typed, read by each parameter's type. Empty optional fields are left out; an empty required one is sent as the tool would see it: missing. */
export function readArguments(tool: ToolSpec, typed: Readonly<Record<string, string>>): ArgumentReading {
  const args: Record<string, unknown> = {}
  const problems: Record<string, string> = {}
  for (const argument of toolArguments(tool)) {
    const text = (typed[argument.name] ?? '').trim()
    if (text === '') continue
    const { value, problem } = readArgument(argument, text)
    if (problem === undefined) args[argument.name] = value
    else problems[argument.name] = problem
  }
  return Object.keys(problems).length > 0 ? { ok: false, problems } : { ok: true, args }
}

type OneReading = { readonly value: unknown; readonly problem?: never } | { readonly problem: string; readonly value?: never }

function readArgument({ kind, choices }: ToolArgument, text: string): OneReading {
  switch (kind) {
    case 'number':
      return Number.isFinite(Number(text)) ? { value: Number(text) } : { problem: `Expected a number, found ${text}.` }
    case 'integer':
      return /^[-+]?\d+$/.test(text) ? { value: Number(text) } : { problem: `Expected a whole number, found ${text}.` }
    case 'boolean':
      return /^(true|false)$/i.test(text) ? { value: text.toLowerCase() === 'true' } : { problem: `Expected true or false, found ${text}.` }
    case 'choice': {
      const at = choices.findIndex((choice) => choiceText(choice) === text)
      return at >= 0 ? { value: choices[at] } : { problem: `Expected ${choices.map(choiceText).join(', ')}, found ${text}.` }
    }
    case 'json':
      return readJson(text)
    case 'text':
      return { value: text }
    default:
      return kind satisfies never
  }
}

/** A value of a choice as the list shows it. */
export const choiceText = (choice: unknown): string => (typeof choice === 'string' ? choice : JSON.stringify(choice))

/** A value of another shape may be sent: the tool's own error is what a model would see. */
function readJson(text: string): OneReading {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    return { problem: `Expected JSON, found ${text.slice(0, 40)}.` }
  }
}

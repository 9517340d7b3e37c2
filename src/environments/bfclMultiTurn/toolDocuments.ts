/** The benchmark's function documents as tools: Python's names of types become those of JSON Schema. */
import type { ToolSpec } from '../../records/trajectory'

export interface ToolDocument {
  readonly name: string
  readonly description: string
  readonly parameters: { readonly properties: Readonly<Record<string, unknown>>; readonly required: readonly string[] }
}

const jsonTypes: Readonly<Record<string, string>> = { dict: 'object', float: 'number', tuple: 'array', list: 'array', any: 'string' }

export function toolOfDocument({ name, description, parameters }: ToolDocument): ToolSpec {
  const schema = jsonSchemaOf({ ...parameters, type: 'object' }) as Record<string, unknown>
  return {
    ...{ name, description, category: '', schema },
    parameters: Object.entries(parameters.properties).map(([parameter, document]) => {
      const { type, description: words } = fieldsOf(jsonSchemaOf(document))
      return {
        ...{ name: parameter, type: typeof type === 'string' ? type : 'string' },
        ...{ description: typeof words === 'string' ? words : '', required: parameters.required.includes(parameter) },
      }
    }),
  }
}

const fieldsOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}

/** A schema with every `type` of Python named as JSON Schema names it; a property may itself be called `type`. */
function jsonSchemaOf(document: unknown): unknown {
  if (Array.isArray(document)) return document.map(jsonSchemaOf)
  if (typeof document !== 'object' || document === null) return document
  return Object.fromEntries(
    Object.entries(document).map(([key, value]: [string, unknown]) => {
      if (key === 'type' && typeof value === 'string') return [key, jsonTypes[value] ?? value]
      if (key === 'properties')
        return [key, Object.fromEntries(Object.entries(fieldsOf(value)).map(([name, inner]) => [name, jsonSchemaOf(inner)]))]
      return [key, key === 'enum' || key === 'default' ? value : jsonSchemaOf(value)]
    }),
  )
}

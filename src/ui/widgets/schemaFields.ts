/** JSON Schema → the flat list of fields SchemaForm draws. Schemas come from the worker as data: every property is checked as it is read. */

export interface SchemaField {
  readonly name: string
  readonly kind: 'number' | 'integer' | 'boolean' | 'choice' | 'text' | 'list' | 'json'
  readonly help: string
  readonly essential: boolean
  readonly nullable: boolean
  readonly fallback: unknown
  readonly choices: readonly string[]
  readonly minimum: number | null
  readonly maximum: number | null
  /** Bounds as a person reads them: `> 0`, `0 to 1`. */
  readonly bounds: string
}

type Json = Readonly<Record<string, unknown>>
const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)
const numberOr = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) && Math.abs(value) < Number.MAX_SAFE_INTEGER ? value : null
const textOr = (value: unknown): string => (typeof value === 'string' ? value : '')

function boundsText(shape: Json): string {
  const low = numberOr(shape.minimum)
  const high = numberOr(shape.maximum)
  const above = numberOr(shape.exclusiveMinimum)
  const below = numberOr(shape.exclusiveMaximum)
  if (low !== null && high !== null) return `${low} to ${high}`
  const parts: string[] = []
  if (low !== null) parts.push(`≥ ${low}`)
  if (above !== null) parts.push(`> ${above}`)
  if (high !== null) parts.push(`≤ ${high}`)
  if (below !== null) parts.push(`< ${below}`)
  return parts.join(', ')
}

function kindOf(shape: Json): SchemaField['kind'] {
  if (Array.isArray(shape.enum)) return 'choice'
  switch (shape.type) {
    case 'number':
      return 'number'
    case 'integer':
      return 'integer'
    case 'boolean':
      return 'boolean'
    case 'string':
      return 'text'
    case 'array':
      return isJson(shape.items) && shape.items.type === 'string' ? 'list' : 'json'
    default:
      return 'json'
  }
}

function field(name: string, property: Json): SchemaField {
  const options = Array.isArray(property.anyOf) ? property.anyOf.filter(isJson) : []
  const nullable = options.some((option) => option.type === 'null')
  const shape = options.find((option) => option.type !== 'null') ?? property
  return {
    name,
    kind: kindOf(shape),
    help: textOr(property.help) || textOr(property.description),
    essential: property.essential === true,
    nullable,
    fallback: property.default ?? null,
    choices: Array.isArray(shape.enum) ? shape.enum.map(String) : [],
    minimum: numberOr(shape.minimum),
    maximum: numberOr(shape.maximum),
    bounds: boundsText(shape),
  }
}

export function fieldsFromSchema(schema: Readonly<Record<string, unknown>>): readonly SchemaField[] {
  if (!isJson(schema.properties)) return []
  return Object.entries(schema.properties).flatMap(([name, property]) => (isJson(property) ? [field(name, property)] : []))
}

/** What is wrong with a value, or null. The worker's own schema has the last word. */
export function fieldProblem(shape: SchemaField, value: unknown): string | null {
  if (value === null || value === undefined || value === '') return shape.nullable || value === undefined ? null : 'A value is needed.'
  if (shape.kind === 'number' || shape.kind === 'integer') {
    if (typeof value !== 'number' || !Number.isFinite(value)) return 'A number is needed.'
    if (shape.kind === 'integer' && !Number.isInteger(value)) return 'A whole number is needed.'
    const tooLow = shape.minimum !== null && value < shape.minimum
    const tooHigh = shape.maximum !== null && value > shape.maximum
    const notAbove = /> (-?[\d.e-]+)/.exec(shape.bounds)
    if (tooLow || tooHigh || (notAbove?.[1] !== undefined && value <= Number(notAbove[1])))
      return `Expected ${shape.bounds}; found ${value}.`
  }
  return null
}

export const isChanged = (shape: SchemaField, config: Readonly<Record<string, unknown>>): boolean =>
  shape.name in config && JSON.stringify(config[shape.name]) !== JSON.stringify(shape.fallback)

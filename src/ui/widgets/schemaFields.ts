/** JSON Schema → the list of fields SchemaForm draws. Schemas come from the worker as data: every property is checked as it is read. */
import { boundsText, numberProblem, type NumberRule } from './numberText'

export interface SchemaField {
  readonly name: string
  readonly kind: 'number' | 'integer' | 'boolean' | 'choice' | 'text' | 'list' | 'json'
  readonly help: string
  readonly essential: boolean
  /** Heading it stands under; empty: none. */
  readonly group: string
  readonly nullable: boolean
  /** What suits a model of less than a hundred million parameters, where the default does not. */
  readonly small: unknown
  readonly fallback: unknown
  /** Of a choice, or of each word of a list. */
  readonly choices: readonly string[]
  /** Its JSON Schema. */
  readonly shape: Readonly<Record<string, unknown>>
  /** Of a number: what it may be. `bounds` is the range as a person reads it: `> 0`, `0 to 1`. */
  readonly rule: NumberRule & { readonly bounds: string }
}

type Json = Readonly<Record<string, unknown>>
const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)
const numberOr = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) && Math.abs(value) < Number.MAX_SAFE_INTEGER ? value : null
const textOr = (value: unknown): string => (typeof value === 'string' ? value : '')

function ruleOf(shape: Json, isNullable: boolean): SchemaField['rule'] {
  const range = {
    minimum: numberOr(shape.minimum),
    maximum: numberOr(shape.maximum),
    above: numberOr(shape.exclusiveMinimum),
    below: numberOr(shape.exclusiveMaximum),
  }
  return { ...range, bounds: boundsText(range), isWhole: shape.type === 'integer', isNullable }
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

function choicesIn(shape: Json): readonly unknown[] {
  const { enum: choices } = isJson(shape.items) ? shape.items : valueShape(shape)
  return Array.isArray(choices) ? (choices as readonly unknown[]) : []
}

/** Of a value that may be null: the schema of the others. */
const valueShape = (shape: Json): Json => optionsOf(shape).find((option) => option.type !== 'null') ?? shape
const optionsOf = ({ anyOf }: Json): readonly Json[] => (Array.isArray(anyOf) ? anyOf.filter(isJson) : [])

/** The value of a choice by the text that the list shows of it. */
export function choiceValue({ shape }: Pick<SchemaField, 'shape'>, text: string | null): unknown {
  const values = choicesIn(shape)
  return values.find((value) => String(value) === text) ?? text
}

function field(name: string, property: Json): SchemaField {
  const nullable = optionsOf(property).some((option) => option.type === 'null')
  const shape = valueShape(property)
  return {
    name,
    kind: kindOf(shape),
    help: textOr(property.help) || textOr(property.description),
    essential: property.essential === true,
    group: textOr(property.group),
    nullable,
    small: property.small,
    fallback: property.default ?? null,
    choices: choicesIn(shape).map(String),
    shape: property,
    rule: ruleOf(shape, nullable),
  }
}

export function fieldsFromSchema(schema: Readonly<Record<string, unknown>>): readonly SchemaField[] {
  if (!isJson(schema.properties)) return []
  return Object.entries(schema.properties).flatMap(([name, property]) => (isJson(property) ? [field(name, property)] : []))
}

/** What is wrong with a value, or null. The worker's own schema has the last word. */
export function fieldProblem(shape: SchemaField, value: unknown): string | null {
  if (value === null || value === undefined || value === '') return shape.nullable || value === undefined ? null : 'A value is needed.'
  if (shape.kind !== 'number' && shape.kind !== 'integer') return null
  return typeof value === 'number' ? numberProblem(value, shape.rule) : 'A number is needed.'
}

/** The fields in the order of their groups: those without a group last. */
export function fieldGroups(
  fields: readonly SchemaField[],
): readonly { readonly title: string; readonly fields: readonly SchemaField[] }[] {
  const titles = [...new Set(fields.map((one) => one.group))].sort((a, b) => Number(a === '') - Number(b === ''))
  return titles.map((title) => ({ title, fields: fields.filter((one) => one.group === title) }))
}

export const isChanged = (shape: SchemaField, config: Readonly<Record<string, unknown>>): boolean =>
  shape.name in config && JSON.stringify(config[shape.name]) !== JSON.stringify(shape.fallback)

/** Flags of a zod schema: how each is spelt, what it takes, and how text becomes its value. */
import { z } from 'zod'
import { UsageError } from './command'

/** The part of JSON Schema that `z.toJSONSchema` writes for options. */
export interface PropertySchema {
  readonly type?: string | undefined
  readonly enum?: readonly unknown[] | undefined
  readonly const?: unknown
  readonly anyOf?: readonly PropertySchema[] | undefined
  readonly items?: PropertySchema | undefined
  readonly prefixItems?: readonly PropertySchema[] | undefined
  readonly default?: unknown
  readonly help?: string | undefined
}

export interface Flag {
  /** Key in the schema. */
  readonly key: string
  /** As typed: `--max-calls`. */
  readonly flag: string
  readonly schema: PropertySchema
  readonly required: boolean
  readonly isBoolean: boolean
  /** Words one occurrence takes. */
  readonly words: number
  readonly isList: boolean
}

const propertySchema: z.ZodType<PropertySchema> = z.looseObject({
  type: z.string().optional(),
  enum: z.array(z.unknown()).optional(),
  get anyOf() {
    return z.array(propertySchema).optional()
  },
  /** `false` closes a tuple. */
  get items() {
    return propertySchema.optional().catch(undefined)
  },
  get prefixItems() {
    return z.array(propertySchema).optional()
  },
  help: z.string().optional(),
})
const objectSchema = z.looseObject({
  properties: z.record(z.string(), propertySchema).default({}),
  required: z.array(z.string()).default([]),
})

export function flagsOf(options: z.ZodObject): Flag[] {
  const { properties, required } = objectSchema.parse(z.toJSONSchema(options, { io: 'input', unrepresentable: 'any' }))
  return Object.entries(properties).map(([key, schema]) => {
    const list = alternatives(schema).find((candidate) => candidate.type === 'array')
    return {
      key,
      flag: `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
      schema,
      required: required.includes(key),
      isBoolean: alternatives(schema).every((candidate) => candidate.type === 'boolean'),
      words: list?.prefixItems?.length ?? 1,
      isList: list !== undefined,
    }
  })
}

/** `--learning-rate`, `--learning_rate` and `--learningRate` are the same flag. */
export const sameFlag = (name: string): string => name.replace(/[-_]/g, '').toLowerCase()

/** The value of a flag that does not collect words. */
export function valueFromText(flag: Flag, text: string): unknown {
  const value = convert(flag.schema, text)
  if (value === undefined) throw new UsageError(`${flag.flag} takes ${describeValue(flag.schema)}, not "${text}".`)
  return value
}

/** The value of a list flag: words as typed; numbers and choices may also be joined by commas. */
export function listFromWords(flag: Flag, words: readonly string[]): unknown[] {
  const list = alternatives(flag.schema).find((candidate) => candidate.type === 'array')
  const items = (index: number): PropertySchema => list?.prefixItems?.[index] ?? list?.items ?? {}
  const takesFreeText = alternatives(items(0)).some((item) => item.type === 'string' && item.enum === undefined)
  const parts = takesFreeText ? words : words.flatMap((word) => word.split(','))
  return parts.map((part, index) => {
    const value = convert(items(index), part)
    if (value === undefined) throw new UsageError(`${flag.flag} takes ${describeValue(items(index))}, not "${part}".`)
    return value
  })
}

function alternatives(schema: PropertySchema): readonly PropertySchema[] {
  return schema.anyOf?.flatMap(alternatives).filter((candidate) => candidate.type !== 'null') ?? [schema]
}

const isNullable = (schema: PropertySchema): boolean =>
  schema.type === 'null' || (schema.anyOf?.some((candidate) => isNullable(candidate)) ?? false)

function convert(schema: PropertySchema, text: string): unknown {
  if (text === 'null' && isNullable(schema)) return null
  for (const candidate of alternatives(schema)) {
    const value = convertTo(candidate, text)
    if (value !== undefined) return value
  }
  return undefined
}

function convertTo(schema: PropertySchema, text: string): unknown {
  const choices = choicesOf(schema)
  if (choices !== null) return choices.find((choice) => String(choice) === text)
  switch (schema.type) {
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : undefined
    case 'number':
    case 'integer': {
      const number = text.trim() === '' ? Number.NaN : Number(text)
      return Number.isFinite(number) && (schema.type === 'number' || Number.isInteger(number)) ? number : undefined
    }
    case 'object':
    case 'array':
      return parseJson(text)
    default:
      return text
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

function choicesOf(schema: PropertySchema): readonly unknown[] | null {
  if (schema.enum !== undefined) return schema.enum
  return schema.const === undefined ? null : [schema.const]
}

/** "a whole number", "one of sft, ppo" … */
function describeValue(schema: PropertySchema): string {
  const parts = alternatives(schema).map((candidate) => {
    const choices = choicesOf(candidate)
    if (choices !== null) return choices.length === 1 ? String(choices[0]) : `one of ${choices.join(', ')}`
    return (
      { integer: 'a whole number', number: 'a number', boolean: 'true or false', object: 'JSON', array: 'a list' }[candidate.type ?? ''] ??
      'text'
    )
  })
  return [...parts, ...(isNullable(schema) ? ['null'] : [])].join(' or ')
}

/** The word that stands for the value in help: `--steps N`. */
export function placeholder(flag: Flag): string {
  if (flag.isBoolean) return ''
  const list = alternatives(flag.schema).find((candidate) => candidate.type === 'array')
  if (list?.prefixItems !== undefined) return ` ${list.prefixItems.map((_, index) => String.fromCharCode(65 + index)).join(' ')}`
  const value = list?.items ?? flag.schema
  const choices = alternatives(value).flatMap((candidate) => choicesOf(candidate) ?? [])
  const isNumber = alternatives(value).some((candidate) => candidate.type === 'integer' || candidate.type === 'number')
  const word = choices.length > 0 ? choices.join('|') : isNumber ? 'N' : 'TEXT'
  return ` ${word}${flag.isList ? '…' : ''}`
}

/**
 * The functions of an item as tools. Dots in names become underscores, since most models and servers allow none; types become those of
 * JSON Schema (`dict` → object, `float` → number, `tuple` → array, `any` → string). Values in Java and JavaScript are asked for as text.
 */
import type { ToolSpec } from '../../records/trajectory'
import type { Language } from './categories'
import { underscored } from './checker/checkAnswer'
import type { FunctionDoc, ParameterDoc } from './items'

const jsonTypes: Readonly<Record<string, string>> = {
  ...{ integer: 'integer', byte: 'integer', short: 'integer', long: 'integer', Bigint: 'integer' },
  ...{ number: 'number', float: 'number', double: 'number' },
  ...{ boolean: 'boolean', bool: 'boolean', Boolean: 'boolean' },
  ...{ array: 'array', list: 'array', tuple: 'array', ArrayList: 'array', Array: 'array', Queue: 'array', Stack: 'array' },
  ...{ dict: 'object', object: 'object', HashMap: 'object', Hashtable: 'object' },
}

/** The words of a parameter's description that JSON Schema has too. */
const KEPT = ['description', 'enum', 'default', 'format', 'minimum', 'maximum', 'minItems', 'maxItems'] as const

type Schema = Readonly<Record<string, unknown>>

export function toolOf({ name, description, parameters }: FunctionDoc, language: Language): ToolSpec {
  const properties = [...parameters.properties].map(([parameter, doc]) => [parameter, parameterSchema(doc, language)] as const)
  const required = parameters.required.filter((parameter) => parameters.properties.has(parameter))
  return {
    ...{ name: underscored(name), category: 'bfcl', description: described(description, language) },
    parameters: properties.map(([parameter, schema]) => ({
      name: parameter,
      type: typeof schema.type === 'string' ? schema.type : 'string',
      description: typeof schema.description === 'string' ? schema.description : '',
      required: required.includes(parameter),
    })),
    schema: { type: 'object', properties: Object.fromEntries(properties), required },
  }
}

const title: Readonly<Record<Language, string>> = { python: 'Python', java: 'Java', javascript: 'JavaScript' }

const described = (description: string, language: Language): string =>
  language === 'python' ? description : `${description} The function is written in ${title[language]}.`.trim()

function parameterSchema(doc: ParameterDoc, language: Language): Schema {
  if (language === 'python') return jsonSchema(doc)
  const { description } = doc as { readonly description?: unknown }
  const items = doc.items?.type === undefined ? '' : ` with items of type ${doc.items.type}`
  const kind = doc.type === 'any' ? `any ${title[language]} value` : `a ${title[language]} value of type ${doc.type}${items}`
  return { type: 'string', description: `${typeof description === 'string' ? `${description} ` : ''}Give ${kind} as text.` }
}

function jsonSchema(doc: Schema): Schema {
  const { type, items, properties, required } = doc
  return {
    type: jsonTypes[String(type)] ?? 'string',
    ...Object.fromEntries(KEPT.flatMap((word) => (word in doc ? [[word, doc[word]]] : []))),
    ...(isSchema(items) ? { items: jsonSchema(items) } : {}),
    ...(isSchema(properties) ? { properties: Object.fromEntries(schemasIn(properties)) } : {}),
    // Some of the data write `"required": true` at a parameter, which is no list of names.
    ...(Array.isArray(required) ? { required } : {}),
  }
}

const isSchema = (value: unknown): value is Schema => typeof value === 'object' && value !== null && !Array.isArray(value)

const schemasIn = (properties: Schema): [string, Schema][] =>
  Object.entries(properties).flatMap(([name, doc]) => (isSchema(doc) ? [[name, jsonSchema(doc)] as [string, Schema]] : []))

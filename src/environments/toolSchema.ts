/** Tools as JSON Schemas, as chat templates and servers are given them. */
import type { ToolSpec } from '../records/trajectory'

const jsonTypes = new Set(['string', 'number', 'integer', 'boolean', 'array', 'object', 'null'])

/** The schema of a tool's arguments: its own, or one made from its list of parameters, whose unknown types are strings. */
export function argumentsSchema({ schema, parameters }: ToolSpec): Readonly<Record<string, unknown>> {
  if (schema) return schema
  return {
    type: 'object',
    properties: Object.fromEntries(
      parameters.map(({ name, type, description }) => [name, { type: jsonTypes.has(type) ? type : 'string', description }]),
    ),
    required: parameters.filter(({ required }) => required).map(({ name }) => name),
  }
}

/** A tool in OpenAI's shape. */
export const functionTool = (tool: ToolSpec) => ({
  type: 'function' as const,
  function: { name: tool.name, description: tool.description, parameters: argumentsSchema(tool) },
})

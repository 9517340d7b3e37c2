/** ToolBench's functions (`{"name", "description", "parameters"}` with examples and lists of required and optional names) as tools, and back. */
import { z } from 'zod'
import type { ToolSpec } from './trajectory'

const property = z.looseObject({ type: z.string().default('string'), description: z.string().default('') })
const toolbenchFunctionSchema = z.looseObject({
  name: z.string(),
  description: z.string().default(''),
  parameters: z
    .looseObject({
      properties: z.record(z.string(), property).default({}),
      required: z.array(z.string()).default([]),
    })
    .default({ properties: {}, required: [] }),
})

/** The function inside `{"type": "function", "function": …}`, or the bare one; null when it is neither. */
function bareFunction(value: unknown): z.output<typeof toolbenchFunctionSchema> | null {
  const inner = z.object({ function: z.unknown() }).safeParse(value)
  return toolbenchFunctionSchema.safeParse(inner.success && inner.data.function !== undefined ? inner.data.function : value).data ?? null
}

/** The tool: a JSON Schema without the empty names that ToolBench lists, and with examples under their JSON Schema name. null when it is no function. */
export function toolOfFunction(value: unknown, category = ''): ToolSpec | null {
  const read = bareFunction(value)
  if (read === null) return null
  const required = read.parameters.required.filter((name) => name !== '')
  const fields = Object.entries(read.parameters.properties)
  return {
    ...{ name: read.name, category, description: read.description },
    parameters: fields.map(([name, { type, description, example_value: example }]) => ({
      ...{ name, type, required: required.includes(name) },
      description: [
        description,
        ...(example === undefined ? [] : [`Example: ${typeof example === 'string' ? example : JSON.stringify(example)}`]),
      ]
        .filter((part) => part !== '')
        .join(' '),
    })),
    schema: {
      type: 'object',
      properties: Object.fromEntries(
        fields.map(([name, { example_value: example, ...rest }]) => [
          name,
          example === undefined ? rest : { ...rest, examples: [example] },
        ]),
      ),
      required,
    },
  }
}

const toolSchema = z.looseObject({
  properties: z.record(z.string(), z.looseObject({ examples: z.array(z.unknown()).optional() })).default({}),
  required: z.array(z.string()).default([]),
})

/** The function that `toolOfFunction` read. @param emptyNames whether the lists of names begin with an empty one, as StepTool's do. */
export function functionOfTool({ name, description, parameters, schema }: ToolSpec, emptyNames: boolean): Record<string, unknown> {
  const read = toolSchema.safeParse(
    schema ?? {
      properties: Object.fromEntries(parameters.map(({ name: key, type, description: said }) => [key, { type, description: said }])),
      required: parameters.filter(({ required }) => required).map(({ name: key }) => key),
    },
  )
  const { properties, required } = read.data ?? { properties: {}, required: [] }
  const empty = emptyNames ? [''] : []
  return {
    ...{ name, description },
    parameters: {
      type: 'object',
      properties: Object.fromEntries(
        Object.entries(properties).map(([key, { examples, ...rest }]) => [
          key,
          examples === undefined ? rest : { ...rest, example_value: examples[0] },
        ]),
      ),
      required: [...empty, ...required],
      optional: [...empty, ...Object.keys(properties).filter((key) => !required.includes(key))],
    },
  }
}

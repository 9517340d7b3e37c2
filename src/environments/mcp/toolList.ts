/** The tools of a server as the project describes tools. A server may send anything: one clear error says what is wrong with its list. */
import { z } from 'zod'
import { excerpt } from '../../base/excerpt'
import { bounded } from '../../base/visibleText'
import type { ToolSpec } from '../../records/trajectory'
import { EnvironmentError } from '../environment'

/** No prompt holds more; a server with more tools needs a choice of them. */
const MAX_TOOLS = 1000
const MAX_NAME_CHARS = 256
const MAX_DESCRIPTION_CHARS = 10_000
const MAX_SCHEMA_CHARS = 200_000

const described = z.looseObject({
  name: z.string().min(1),
  title: z.string().nullish(),
  description: z.string().nullish(),
  inputSchema: z.record(z.string(), z.unknown()).nullish(),
  annotations: z.record(z.string(), z.unknown()).nullish(),
})
type Described = z.output<typeof described>

/** @param wanted names of the tools that are offered; null: all of them. Throws EnvironmentError. */
export function readToolList(listed: readonly unknown[], title: string, wanted: readonly string[] | null): ToolSpec[] {
  const found = new Map<string, ToolSpec>()
  for (const [index, entry] of listed.entries()) {
    const tool = described.safeParse(entry)
    if (!tool.success) throw broken(title, `Tool ${index + 1} of its list ${problemOf(tool.error)}.`)
    if (wanted !== null && !wanted.includes(tool.data.name)) continue
    const spec = toolSpecOf(tool.data, title)
    const known = found.get(spec.name)
    // The same tool on two pages of a list is harmless.
    if (known && JSON.stringify(known) !== JSON.stringify(spec))
      throw broken(title, `It lists two different tools with the name ${excerpt(spec.name)}, and a call could mean either.`)
    found.set(spec.name, spec)
  }
  const missing = (wanted ?? []).filter((name) => !found.has(name))
  if (missing.length > 0) throw broken(title, `It has no tool ${missing.map((name) => excerpt(name)).join(', ')}, which the settings name.`)
  if (found.size > MAX_TOOLS)
    throw broken(
      title,
      `It lists ${found.size} tools, and an environment holds at most ${MAX_TOOLS}: name those to offer in the setting "tools".`,
    )
  if (found.size === 0) throw broken(title, 'It offers no tools.')
  return [...found.values()]
}

function toolSpecOf({ name, title: shown, description, inputSchema, annotations }: Described, server: string): ToolSpec {
  if (name.length > MAX_NAME_CHARS)
    throw broken(server, `A tool has a name of ${name.length} characters, at most ${MAX_NAME_CHARS} are allowed: ${excerpt(name)}.`)
  const schema = inputSchema ?? { type: 'object' }
  if (schema.type !== undefined && schema.type !== 'object')
    throw broken(
      server,
      `The arguments of the tool ${excerpt(name)} should be an object; its schema says ${excerpt(JSON.stringify(schema.type))}.`,
    )
  const size = JSON.stringify(schema).length
  if (size > MAX_SCHEMA_CHARS)
    throw broken(server, `The schema of the tool ${excerpt(name)} has ${size} characters; at most ${MAX_SCHEMA_CHARS} are allowed.`)
  return {
    name,
    category: '',
    description: bounded(description ?? shown ?? '', MAX_DESCRIPTION_CHARS).shown,
    parameters: parametersOf(schema),
    schema: { ...schema, type: 'object' },
    ...(annotations ? { annotations } : {}),
  }
}

/** The top level of a schema as a list, for formats that know no nesting. */
function parametersOf(schema: Readonly<Record<string, unknown>>): ToolSpec['parameters'] {
  const properties = z.record(z.string(), z.unknown()).catch({}).parse(schema.properties)
  const required = z.array(z.unknown()).catch([]).parse(schema.required)
  return Object.entries(properties).map(([name, value]) => {
    const { type, description } = z
      .looseObject({ type: z.union([z.string(), z.array(z.string())]).catch('string'), description: z.string().catch('') })
      .catch({ type: 'string', description: '' })
      .parse(value)
    return { name, type: typeof type === 'string' ? type : type.join(' or '), description, required: required.includes(name) }
  })
}

function problemOf({ issues: [issue] }: z.ZodError): string {
  const path = issue?.path.join('.') ?? ''
  return `${path === '' ? 'is no description of a tool' : `has a wrong "${path}"`}: ${issue?.message ?? ''}`
}

const broken = (title: string, what: string): EnvironmentError =>
  new EnvironmentError('protocol', `${title} cannot be used as an environment. ${what}`)

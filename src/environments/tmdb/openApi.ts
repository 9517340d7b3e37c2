/** Operations of an OpenAPI 3 document as tools. Only what a call needs is read: server, key, paths and parameters. */
import { z } from 'zod'
import { excerpt } from '../../base/excerpt'
import type { ToolSpec } from '../../records/trajectory'
import { EnvironmentError } from '../environment'

const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const

const parameter = z.looseObject({
  name: z.string().min(1),
  in: z.enum(['path', 'query', 'header', 'cookie']),
  description: z.string().default(''),
  required: z.boolean().default(false),
  schema: z.record(z.string(), z.unknown()).default({}),
})
const parameters = z.array(z.union([z.object({ $ref: z.string() }), parameter])).default([])
const operation = z.looseObject({ summary: z.string().default(''), description: z.string().default(''), parameters })

const openApiDocument = z.looseObject({
  openapi: z.string().regex(/^3\./),
  servers: z.array(z.looseObject({ url: z.url() })).min(1),
  paths: z.record(z.string().startsWith('/'), z.looseObject({ parameters })),
  components: z
    .looseObject({
      parameters: z.record(z.string(), parameter).default({}),
      securitySchemes: z
        .record(z.string(), z.looseObject({ type: z.string(), name: z.string().optional(), in: z.string().optional() }))
        .default({}),
    })
    .default({ parameters: {}, securitySchemes: {} }),
})
type Document = z.output<typeof openApiDocument>

export interface Operation {
  readonly tool: ToolSpec
  /** Upper case. */
  readonly method: string
  /** The path with its parameters in braces. */
  readonly template: string
  readonly inPath: readonly string[]
  readonly inQuery: readonly string[]
}

export interface OpenApi {
  /** Address before every path, without a slash at the end. */
  readonly server: string
  /** Where the key goes; null when the document names none. */
  readonly key: { readonly name: string; readonly in: 'query' | 'header' } | null
  readonly operations: readonly Operation[]
}

/** Throws EnvironmentError that names the file, the key, and what was expected. */
export function readOpenApi(text: string, file: string): OpenApi {
  const parsed = openApiDocument.safeParse(readJson(text, file))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw problem(`${file}, key ${(issue?.path ?? []).map(String).join('.')}: ${issue?.message ?? 'another format'}.`)
  }
  const { servers, paths, components } = parsed.data
  const operations = Object.entries(paths).flatMap(([template, item]) =>
    METHODS.flatMap((method) => {
      if (item[method] === undefined) return []
      const own = operation.safeParse(item[method])
      if (!own.success) throw problem(`${file}, key paths.${template}.${method}: ${own.error.issues[0]?.message ?? 'another format'}.`)
      return [operationOf(method, template, own.data, resolved([...item.parameters, ...own.data.parameters], components, file))]
    }),
  )
  const scheme = Object.values(components.securitySchemes).find(({ type }) => type === 'apiKey')
  const place = scheme?.in === 'header' ? 'header' : 'query'
  return {
    server: (servers[0]?.url ?? '').replace(/\/+$/, ''),
    key: scheme?.name === undefined ? null : { name: scheme.name, in: place },
    operations: withOwnNames(operations),
  }
}

const problem = (message: string): EnvironmentError => new EnvironmentError('unavailable', message)

function readJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw problem(`${file}: expected an OpenAPI document as JSON, found ${excerpt(text)}.`)
  }
}

function resolved(given: z.output<typeof parameters>, components: Document['components'], file: string): z.output<typeof parameter>[] {
  return given.map((one) => {
    if (!('$ref' in one) || typeof one.$ref !== 'string') return one as z.output<typeof parameter>
    const name = /^#\/components\/parameters\/(.+)$/.exec(one.$ref)?.[1] ?? ''
    const found = components.parameters[name]
    if (!found) throw problem(`${file}, key $ref: expected the name of a parameter in components, found ${excerpt(one.$ref)}.`)
    return found
  })
}

function operationOf(
  method: string,
  template: string,
  { summary, description }: z.output<typeof operation>,
  given: readonly z.output<typeof parameter>[],
): Operation {
  const used = given.filter((one) => one.in === 'path' || one.in === 'query')
  const isRequired = (one: (typeof used)[number]): boolean => one.in === 'path' || one.required
  const words = [summary, description].filter((text, index, all) => text !== '' && all.indexOf(text) === index)
  return {
    ...{ method: method.toUpperCase(), template },
    inPath: used.filter((one) => one.in === 'path').map(({ name }) => name),
    inQuery: used.filter((one) => one.in === 'query').map(({ name }) => name),
    tool: {
      ...{ name: nameOf(method, template, false), category: '' },
      description: [...words.map((text) => text.replace(/\.?$/, '.')), `${method.toUpperCase()} ${template}`].join(' '),
      parameters: used.map((one) => ({
        ...{ name: one.name, type: typeof one.schema.type === 'string' ? one.schema.type : 'string' },
        ...{ description: one.description, required: isRequired(one) },
      })),
      schema: {
        type: 'object',
        properties: Object.fromEntries(
          used.map(({ name, schema, description: about }) => [name, about === '' ? schema : { ...schema, description: about }]),
        ),
        required: used.filter(isRequired).map(({ name }) => name),
      },
    },
  }
}

/** `GET /tv/{tv_id}/images` → `get_tv_images`: models take names of letters, digits and underscores. */
function nameOf(method: string, template: string, withParameters: boolean): string {
  const parts = template.split('/').filter((part) => part !== '' && (withParameters || !part.startsWith('{')))
  return [method, ...parts.map((part) => part.replaceAll(/\W+/g, '_').replaceAll(/^_+|_+$/g, ''))].join('_')
}

/** Where two operations would have one name, names of parameters tell them apart. */
function withOwnNames(operations: readonly Operation[]): Operation[] {
  const uses = new Map<string, number>()
  for (const { tool } of operations) uses.set(tool.name, (uses.get(tool.name) ?? 0) + 1)
  return operations.map((one) =>
    uses.get(one.tool.name) === 1 ? one : { ...one, tool: { ...one.tool, name: nameOf(one.method.toLowerCase(), one.template, true) } },
  )
}

/** The items of ToolHop: questions of several hops, each with its own tools as sources of Python functions. They are read from the user's ToolHop.json. */
import { z } from 'zod'
import { excerpt } from '../../base/excerpt'
import type { FileTree } from '../../base/fileTree'
import type { ToolSpec } from '../../records/trajectory'
import { EnvironmentError } from '../environment'

const functionSchema = z.looseObject({
  name: z.string().min(1),
  description: z.string().default(''),
  parameters: z
    .looseObject({
      properties: z.record(z.string(), z.looseObject({ type: z.unknown(), description: z.string().optional() })).default({}),
      required: z.array(z.string()).default([]),
    })
    .default({ properties: {}, required: [] }),
})

const itemRow = z.object({
  id: z.union([z.int(), z.string()]).transform(String),
  question: z.string().min(1),
  answer: z.union([z.string(), z.number()]).transform(String),
  /** By name, or by the question of the hop: the functions as OpenAI describes them. */
  tools: z.record(z.string(), z.union([functionSchema, z.object({ function: functionSchema }).transform((tool) => tool.function)])),
  /** A list in the order of the tools; copies that were made from it have them by name. */
  functions: z.union([z.array(z.string()), z.record(z.string(), z.string()).transform((byName) => Object.values(byName))]),
  domain: z.string().default(''),
  answer_type: z.string().default(''),
})

export interface ToolHopItem {
  readonly id: string
  readonly question: string
  readonly answer: string
  readonly tools: readonly ToolSpec[]
  /** Sources of Python functions. */
  readonly functions: readonly string[]
  readonly domain: string
  readonly answerType: string
}

/** Rejects with an EnvironmentError that names the file, the item and the key. */
export async function readToolHopItems(files: FileTree): Promise<ToolHopItem[]> {
  const paths = (await files.paths()).filter((path) => path.endsWith('.json'))
  const path = paths.find((name) => /(^|\/)ToolHop\.json$/i.test(name)) ?? (paths.length === 1 ? paths[0] : undefined)
  const blob = path === undefined ? null : await files.blob(path)
  if (path === undefined || blob === null) throw problem(`${files.title}: expected the file ToolHop.json, found no such file.`)
  const rows = readJson(await blob.text(), path)
  if (!Array.isArray(rows) || rows.length === 0) throw problem(`${path}: expected a list of items, found ${excerpt(JSON.stringify(rows))}.`)
  const items = rows.map((row: unknown, index) => itemOf(row, `${path}, item ${index + 1}`))
  const ids = new Set<string>()
  for (const [index, { id }] of items.entries()) {
    if (ids.has(id)) throw problem(`${path}, item ${index + 1}: expected an id of its own, found ${excerpt(id)} a second time.`)
    ids.add(id)
  }
  return items
}

const problem = (message: string): EnvironmentError => new EnvironmentError('unavailable', message)

function readJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw problem(`${path}: expected JSON, found ${excerpt(text)} (${error instanceof Error ? error.message : String(error)}).`)
  }
}

function itemOf(row: unknown, place: string): ToolHopItem {
  const parsed = itemRow.safeParse(row)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw problem(`${place}, key ${(issue?.path ?? []).map(String).join('.')}: ${issue?.message ?? 'another format'}.`)
  }
  const { id, question, answer, tools, functions, domain, answer_type: answerType } = parsed.data
  return { id, question, answer, tools: Object.values(tools).map(toolOf), functions, domain, answerType }
}

function toolOf({ name, description, parameters }: z.output<typeof functionSchema>): ToolSpec {
  const { properties, required } = parameters
  return {
    ...{ name, description, category: '', schema: { ...parameters, type: 'object' } },
    parameters: Object.entries(properties).map(([parameter, { type, description: words = '' }]) => ({
      ...{ name: parameter, type: typeof type === 'string' ? type : 'string', description: words },
      required: required.includes(parameter),
    })),
  }
}

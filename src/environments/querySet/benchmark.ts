/** A user's own queries as a benchmark, in any environment of the catalogue: for recall where the gold tools are given, for a pass rate where answers are. */
import { z } from 'zod'
import { environments } from '..'
import type { BenchmarkDefinition } from '../benchmark'
import { EnvironmentError, type Environment, type EnvironmentDefinition } from '../environment'
import { mcpEnvironment } from '../mcp/definition'
import type { WorldParts } from '../worldParts'
import { queryEnvironment } from './environment'
import { queryFileIn, readQueryFile, SPLITS, type QuerySplit } from './queryFile'

const catalogue: Readonly<Record<string, EnvironmentDefinition>> = environments

const settingsSchema = z.object({
  environment: z.string().default(mcpEnvironment.name).meta({ help: 'the environment in which the queries are asked' }),
  environmentSettings: z.record(z.string(), z.unknown()).default({}).meta({ help: 'the settings of that environment' }),
  queries: z.string().default('').meta({ help: 'the file of queries, where the data hold several files' }),
  match: z
    .enum(['contains', 'exact'])
    .default('contains')
    .meta({ help: 'whether an answer is right that contains an accepted one, or only one that is the same; case and spaces do not count' }),
  toolCalls: z.int().positive().max(1000).default(10).meta({ help: 'the most tool calls of an attempt' }),
  maxContext: z.int().positive().default(16_384).meta({ help: 'the most tokens of a conversation' }),
  maxNewTokens: z.int().positive().default(512).meta({ help: 'the most tokens of a completion' }),
})

export const querySetBenchmark: BenchmarkDefinition = {
  name: 'query-set',
  title: 'Your own queries',
  description: 'Queries from a file of yours, asked in an environment of your choice.',
  environment: mcpEnvironment.name,
  needs: 'a file of queries (JSON lines, CSV, or StableToolBench’s JSON)',
  settings: settingsSchema,
  canChange: true,
  create: async (parts) => {
    const { files } = parts
    if (!files) throw new EnvironmentError('unavailable', `${querySetBenchmark.title} needs ${querySetBenchmark.needs ?? ''}.`)
    const settings = settingsSchema.parse(parts.settings ?? {})
    const asked = await readQueryFile(files, await queryFileIn(files, settings.queries))
    const environment = queryEnvironment(await worldOf(settings, parts), asked, settings.match)
    const queriesOf = (split: QuerySplit) => asked.flatMap(({ query }) => (query.split === split ? [query] : []))
    const splits = SPLITS.flatMap((name) => {
      const { length } = queriesOf(name)
      return length === 0 ? [] : [{ name, use: name, queries: length }]
    })
    return {
      ...{ name: querySetBenchmark.name, title: querySetBenchmark.title, description: querySetBenchmark.description, environment, splits },
      queries: (name) => {
        const split = splits.find((one) => one.name === name)
        if (!split)
          throw new EnvironmentError(
            'unknown-split',
            `This set of queries has no split ${name}; it has ${splits.map((one) => one.name).join(', ')}.`,
          )
        return queriesOf(split.name)
      },
      scorers: [],
      heldOut: new Set(),
      limits: { toolCalls: settings.toolCalls, maxContext: settings.maxContext, maxNewTokens: settings.maxNewTokens },
      judge: `answers of the file (${settings.match})`,
      mustState: ['call_budget', 'world_hash', 'judge', 'strategy', 'temperature', 'sampling'],
    }
  },
}

/** Rejects with EnvironmentError for an environment or settings that do not exist. */
async function worldOf(
  { environment: name, environmentSettings }: z.output<typeof settingsSchema>,
  parts: WorldParts,
): Promise<Environment> {
  const definition = Object.hasOwn(catalogue, name) ? catalogue[name] : undefined
  if (!definition) throw new EnvironmentError('protocol', `There is no environment ${name}; there is ${Object.keys(catalogue).join(', ')}.`)
  const read = (definition.settings ?? z.strictObject({})).safeParse(environmentSettings)
  if (!read.success) {
    const [issue] = read.error.issues
    throw new EnvironmentError(
      'protocol',
      `${definition.title}: setting ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'it is not valid'}.`,
    )
  }
  const { settings: _, ...shared } = parts
  return definition.create({ ...shared, settings: read.data })
}

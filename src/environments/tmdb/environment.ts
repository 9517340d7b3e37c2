/** RestBench-TMDB as an environment: the operations of the user's OpenAPI document, with recorded replies or the API itself behind them. */
import { z } from 'zod'
import { excerpt } from '../../base/excerpt'
import type { FileTree } from '../../base/fileTree'
import { sha256 } from '../../base/sha256'
import { EnvironmentError, type Environment, type EnvironmentDefinition, type Episode, type Query } from '../environment'
import type { WorldParts } from '../worldParts'
import { createCassette, readCassette } from './cassette'
import { readOpenApi, type OpenApi } from './openApi'
import { isCorrectPath, normalized, routeText, templateOf } from './paths'
import { createServer, RECORDING, type CallOperation } from './server'

export const NAME = 'tmdb'
export const TITLE = 'RestBench-TMDB'
export const NEEDS =
  'a folder or zip with the files tmdb.json and tmdb_oas.json of RestBench, and recorded replies in cassette.json where there is no key'
const DESCRIPTION =
  'Questions about films and series, answered with calls of The Movie Database; its operations come from an OpenAPI document.'
/** The environment variable that gives the key. */
const KEY_VARIABLE = 'TMDB_API_KEY'

export const tmdbSettings = z.object({
  mode: z
    .enum(['replay', 'live', 'replay-else-live'])
    .default('replay-else-live')
    .meta({
      help: `where replies come from: recorded ones, the API itself (its key in ${KEY_VARIABLE}), or the API for what is not recorded`,
    }),
  replyLimit: z.int().min(200).default(8000).meta({ help: 'characters of a reply that the agent reads' }),
})

const queryRow = z.object({ query: z.string().min(1), solution: z.array(z.string().min(1)).min(1) })

export interface Tmdb extends Environment {
  readonly queries: readonly Query[]
  /** The gold path of each query and the path of each tool, as `METHOD path-template` without names of parameters. */
  readonly gold: ReadonlyMap<string, readonly string[]>
  readonly routes: ReadonlyMap<string, string>
}

/** Rejects with EnvironmentError if the data or the settings do not fit. */
export async function createTmdb({ files, settings = {}, fetch, recordings, secret, now }: WorldParts): Promise<Tmdb> {
  if (!files) throw new EnvironmentError('unavailable', `${TITLE} needs ${NEEDS}.`)
  const parsed = tmdbSettings.safeParse(settings)
  if (!parsed.success) throw new EnvironmentError('unavailable', `The settings of ${TITLE}: ${parsed.error.issues[0]?.message ?? ''}.`)
  const api = readOpenApi(await textOf(files, ['tmdb_oas.json', 'tmdb_oas.json.gz']), 'tmdb_oas.json')
  const rows = readQueries(await textOf(files, ['tmdb.json']))
  const routes = new Map(api.operations.map((one) => [one.tool.name, routeText(one)]))
  const cassette = createCassette()
  for (const [name, text] of [
    ['cassette.json', await (await blobOf(files, 'cassette.json'))?.text()],
    [`the recording ${RECORDING}`, await recordings?.read(RECORDING)],
  ] as const)
    if (text !== undefined && text !== null) for (const reply of readCassette(text, name)) cassette.add(reply)
  const key = secret?.(KEY_VARIABLE) ?? null
  const keyHint = secret
    ? `set the environment variable ${KEY_VARIABLE}`
    : `the command line takes it from ${KEY_VARIABLE}, and here there is none`
  const call = createServer({ api, cassette, ...parsed.data, key, keyHint, fetch, recordings, now })
  const queries = rows.map((row, index) => queryOf(row, index, api))
  const gold = new Map(rows.map(({ solution }, index) => [queries[index]?.query_id ?? '', solution.map((text) => goldRoute(text, api))]))
  const tools = api.operations.map(({ tool }) => tool)
  return {
    ...{ name: NAME, title: TITLE, description: DESCRIPTION, tools, queries, gold, routes },
    hash: sha256(JSON.stringify([1, parsed.data, api, rows, parsed.data.mode === 'replay' ? cassette.text() : null])),
    open(query, { signal } = {}) {
      signal?.throwIfAborted()
      if (query !== null && !gold.has(query.query_id))
        return Promise.reject(new EnvironmentError('unknown-query', `${TITLE} has no query ${query.query_id}.`))
      return Promise.resolve(openEpisode({ query: query ?? noQuery, tools, call, gold: gold.get(query?.query_id ?? '') ?? [], routes }))
    },
  }
}

const noQuery: Query = { query_id: '', index: 0, text: '', group: '', split: '', goldTools: [], entities: [] }

interface EpisodeParts extends Pick<Episode, 'query' | 'tools'> {
  readonly call: CallOperation
  readonly gold: readonly string[]
  readonly routes: Tmdb['routes']
}

/** @param before routes that were called before, of an episode that was copied. */
function openEpisode(parts: EpisodeParts, before: readonly string[] = [], ended = false): Episode {
  const { query, tools, call, gold, routes } = parts
  const called = [...before]
  let hasEnded = ended
  return {
    ...{ query, tools },
    async call(calls, options = {}) {
      options.signal?.throwIfAborted()
      if (hasEnded) return calls.map(() => ({ text: 'The episode has ended.', error: 'ended', truth: null, elapsedMs: null }))
      return Promise.all(
        calls.map(async (one) => {
          const route = one.error === undefined ? routes.get(one.name) : undefined
          if (route !== undefined) called.push(route)
          const reply = await call(one, options)
          const truth = { succeeded: reply.error === null, needed: route !== undefined && gold.includes(route) }
          return { ...reply, truth }
        }),
      )
    },
    finish(answer, { signal } = {}) {
      signal?.throwIfAborted()
      hasEnded = true
      const isSolved = answer !== null && gold.length > 0 && isCorrectPath(gold, called)
      return Promise.resolve({ status: isSolved ? 'solved' : 'unsolved', truth: { succeeded: isSolved, needed: true } })
    },
    copy: () => ({ ok: true, episode: openEpisode(parts, called, hasEnded) }),
    close: () => Promise.resolve(),
  }
}

function queryOf({ query, solution }: z.output<typeof queryRow>, index: number, { operations }: OpenApi): Query {
  const nameOf = new Map(operations.map((one) => [routeText(one), one.tool.name]))
  return {
    ...{ query_id: `tmdb-${index + 1}`, index, text: query, split: 'exam', entities: [] },
    group: solution.length === 1 ? '1 call' : `${solution.length} calls`,
    goldTools: solution.flatMap((text) => nameOf.get(goldRoute(text, { operations })) ?? []),
  }
}

/** A call of a gold path, which names a template or an address: `GET /person/31/movie_credits`. */
function goldRoute(text: string, { operations }: Pick<OpenApi, 'operations'>): string {
  const route = normalized(text)
  if (operations.some((one) => routeText(one) === route)) return route
  const [method = '', address = ''] = route.split(' ')
  const template = templateOf(method, address, operations)
  return template === null ? route : routeText({ method: method.toUpperCase(), template })
}

async function blobOf(files: FileTree, name: string): Promise<Blob | null> {
  const path = (await files.paths()).find((one) => one === name || one.endsWith(`/${name}`))
  return path === undefined ? null : files.blob(path)
}

/** The first file of these names, unpacked where its name ends in .gz. */
async function textOf(files: FileTree, names: readonly string[]): Promise<string> {
  for (const name of names) {
    const blob = await blobOf(files, name)
    if (!blob) continue
    if (!name.endsWith('.gz')) return blob.text()
    return new Response(blob.stream().pipeThrough(new DecompressionStream('gzip'))).text().catch(() => {
      throw new EnvironmentError('unavailable', `${files.title}: ${name} is no gzip file, or it is damaged.`)
    })
  }
  throw new EnvironmentError('unavailable', `${files.title}: expected the file ${names.join(' or ')}, found no such file.`)
}

function readQueries(text: string): z.output<typeof queryRow>[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new EnvironmentError('unavailable', `tmdb.json: expected a list of queries as JSON, found ${excerpt(text)}.`)
  }
  const parsed = z.array(queryRow).min(1).safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const [row, ...path] = issue?.path ?? []
  const place = typeof row === 'number' ? `row ${row + 1}, key ${path.map(String).join('.')}` : 'the file'
  throw new EnvironmentError('unavailable', `tmdb.json, ${place}: ${issue?.message ?? 'another format'}.`)
}

export const tmdbEnvironment: EnvironmentDefinition = {
  ...{ name: NAME, title: TITLE, description: DESCRIPTION, needs: NEEDS, settings: tmdbSettings },
  create: createTmdb,
}

/**
 * StableToolBench's environment: the APIs that a query lists are its tools, and a tool server replies from the recorded cache, else a model
 * plays the API. Observations, their codes and their length are those of StepTool's `rapidapi_wrapper`.
 */
import { dumpsPython } from '../../base/pythonJson'
import { pythonFromPlain } from '../../base/pythonValue'
import { sha256 } from '../../base/sha256'
import { observationCode, type ObservationCode } from '../../records/toolbench'
import type { ToolCall, ToolSpec } from '../../records/trajectory'
import {
  cancellable,
  EnvironmentError,
  type Environment,
  type EnvironmentDefinition,
  type Episode,
  type Query,
  type ToolErrorKind,
  type ToolReply,
} from '../environment'
import type { WorldParts } from '../worldParts'
import { dict } from './folderFile'
import { offeredApi, toolSpecOf, type OfferedApi } from './functions'
import { openToolServer } from './openToolServer'
import { readQueries, type SolvableQuery } from './queries'
import type { CacheOverlay } from './responseCache'
import { ownService, remoteService } from './service'
import { stableToolBenchSettings, type StableToolBenchSettings } from './settings'
import { step, type AskService, type Observation } from './step'
import type { ToolDocs } from './toolDocs'
import { errorReply, type RealApi } from './toolServer'

const NAME = 'stabletoolbench'
const NEEDS = 'a folder or archive with StableToolBench’s solvable_queries, tools and tool_response_cache'

export interface StableToolBench extends Environment {
  /** By set, in the release's order. */
  readonly sets: ReadonlyMap<string, readonly Query[]>
}

/** What a host may add to the parts of a world. */
export interface StableToolBenchExtras {
  /** Where new replies are stored; absent: they last as long as the environment. */
  readonly overlay?: CacheOverlay
  /** The real APIs, with the user's key. */
  readonly realApi?: RealApi
  /** Told of each file that cannot be read. */
  readonly onProblem?: (sentence: string) => void
}

export async function createStableToolBench(parts: WorldParts, extras: StableToolBenchExtras = {}): Promise<StableToolBench> {
  const settings = stableToolBenchSettings.parse(parts.settings ?? {})
  const { files } = parts
  if (!files) throw new EnvironmentError('unavailable', `StableToolBench needs ${NEEDS}.`)
  const sets = await readQueries(files, settings.name_length)
  const known = new Map([...sets.values()].flat().map((one) => [one.query.query_id, one]))
  const { server, docs } = openToolServer({ tools: files, cache: files, ...extras, simulate: parts.simulate }, settings)
  const ask = askFor(settings, parts, (signal) => ownService(server, signal))
  const offered = offeredOnce((query) => apisOf(query, settings))
  const everything = await everyApi([...known.values()], offered, docs)
  const open = (query: Query, apis: readonly OfferedApi[]): Episode =>
    openEpisode({ query, apis, ask, settings, now: parts.now, ended: false })
  return {
    ...{ name: NAME, title: stableToolBenchEnvironment.title, description: stableToolBenchEnvironment.description },
    hash: sha256(
      JSON.stringify({ version: 1, settings, paths: await files.paths(), queries: [...known.values()].map(({ query }) => query) }),
    ),
    tools: everything.map(toolSpecOf),
    sets: new Map([...sets].map(([set, list]) => [set, list.map(({ query }) => query)])),
    open: async (query) => {
      if (query === null) return open(noQuery, everything)
      const found = known.get(query.query_id)
      if (!found) throw new EnvironmentError('unknown-query', `StableToolBench has no query ${query.query_id} in ${files.title}.`)
      return open(found.query, offered(found))
    },
  }
}

export const stableToolBenchEnvironment: EnvironmentDefinition = {
  name: NAME,
  title: 'StableToolBench',
  description: 'APIs of RapidAPI, whose replies come from a recorded cache, else from a chat model that plays them.',
  needs: NEEDS,
  settings: stableToolBenchSettings,
  usesSimulator: true,
  create: (parts) => createStableToolBench(parts),
}

const noQuery: Query = { query_id: '', index: 0, text: '', group: '', split: '', goldTools: [], entities: [] }

/** Of functions with one name the first counts, as it does when the release looks one up. */
function apisOf({ apis }: SolvableQuery, { matching, name_length }: StableToolBenchSettings): readonly OfferedApi[] {
  const all = apis.map((api) => offeredApi(api, { optionalOnlyWithRequired: matching === 'released', nameLength: name_length }))
  return all.filter((api, at) => all.findIndex((other) => other.function.get('name') === api.function.get('name')) === at)
}

function offeredOnce(make: (query: SolvableQuery) => readonly OfferedApi[]): (query: SolvableQuery) => readonly OfferedApi[] {
  const made = new WeakMap<SolvableQuery, readonly OfferedApi[]>()
  return (query) => {
    const known = made.get(query) ?? make(query)
    made.set(query, known)
    return known
  }
}

/** Tools of a folder without queries that are listed; thousands of files would have to be read for all of them. */
const LISTED_TOOLS = 200

/** Every API of the queries; of a folder without queries, those of its first tools. */
async function everyApi(
  queries: readonly SolvableQuery[],
  offered: (query: SolvableQuery) => readonly OfferedApi[],
  docs: ToolDocs,
): Promise<OfferedApi[]> {
  const byName = new Map<unknown, OfferedApi>()
  const add = (apis: readonly OfferedApi[]): void => {
    for (const api of apis) if (!byName.has(api.function.get('name'))) byName.set(api.function.get('name'), api)
  }
  for (const query of queries) add(offered(query))
  if (queries.length > 0) return [...byName.values()]
  for (const { category, tool } of (await docs.listing()).slice(0, LISTED_TOOLS)) {
    const doc = await docs.tool(category, tool)
    const entries = (doc?.apis ?? []).map(({ name, description, required, optional }) =>
      dict({
        ...{ category_name: category, tool_name: tool, api_name: name, api_description: description },
        ...{ required_parameters: required, optional_parameters: optional },
      }),
    )
    add(entries.map((entry) => offeredApi(entry)))
  }
  return [...byName.values()]
}

type AskFor = (signal: AbortSignal | undefined) => AskService

function askFor({ service_url: url, timeout_s }: StableToolBenchSettings, { fetch }: WorldParts, own: AskFor): AskFor {
  if (url === undefined) return own
  if (!fetch) throw new EnvironmentError('unavailable', `The tool server at ${url} cannot be asked: there is no network here.`)
  return (signal) => remoteService({ url, fetch, timeoutMs: timeout_s * 1000, signal })
}

interface EpisodeParts {
  readonly query: Query
  readonly apis: readonly OfferedApi[]
  readonly ask: AskFor
  readonly settings: StableToolBenchSettings
  readonly now: (() => number) | undefined
  readonly ended: boolean
}

function openEpisode(parts: EpisodeParts): Episode {
  const { query, apis, ask, settings, now } = parts
  let { ended } = parts
  const tools: readonly ToolSpec[] = apis.map(toolSpecOf)
  const options = { matchesEnding: settings.matching === 'released', maxObservation: settings.max_observation_length }

  async function reply(call: ToolCall, signal: AbortSignal | undefined): Promise<ToolReply> {
    if (ended) return failed('ended', 'The episode has ended.')
    if (call.error !== undefined) return failed('bad-call', `The call could not be read: ${call.error}`)
    const started = now?.()
    const seen = await step(apis, call.name, dumpsPython(pythonFromPlain(call.arguments)), ask(signal), options)
    if (seen.finalAnswer !== undefined) ended = true
    const elapsedMs = started === undefined || !now ? null : Math.max(0, now() - started)
    return { text: seen.text, error: errorKindOf(seen), truth: null, elapsedMs }
  }

  return {
    query,
    tools,
    call: async (calls, { signal } = {}) => {
      const replies: ToolReply[] = []
      for (const call of calls) {
        signal?.throwIfAborted()
        replies.push(await cancellable(reply(call, signal), signal))
      }
      return replies
    },
    finish: (answer) => {
      ended = true
      // Whether the answer solves the query is for a judge to say; giving up, or an empty answer, never does.
      const hasAnswer = answer !== null && answer !== ''
      return Promise.resolve({ status: hasAnswer ? 'unsure' : 'unsolved', truth: { succeeded: hasAnswer, needed: true } })
    },
    copy: () => ({ ok: true, episode: openEpisode({ ...parts, ended }) }),
    close: () => Promise.resolve(),
  }
}

const failed = (error: ToolErrorKind, message: string): ToolReply => ({
  ...{ text: dumpsPython(errorReply(message)), error, truth: null, elapsedMs: null },
})

const KINDS: Readonly<Partial<Record<ObservationCode, ToolErrorKind>>> = {
  [observationCode.unknownFunction]: 'unknown-tool',
  [observationCode.badFinish]: 'bad-arguments',
  [observationCode.timedOut]: 'timeout',
  [observationCode.notWorking]: 'unavailable',
  [observationCode.unauthorized]: 'unavailable',
  [observationCode.unsubscribed]: 'unavailable',
  [observationCode.tooManyRequests]: 'quota',
  [observationCode.rateLimit]: 'quota',
  [observationCode.messageError]: 'failed',
  [observationCode.invalidAnswer]: 'failed',
}

/** null for a reply without an error; a reply of code 0 may hold one in its `error` all the same. */
const errorKindOf = ({ code, error = '' }: Observation): ToolErrorKind | null => KINDS[code] ?? (error === '' ? null : 'failed')

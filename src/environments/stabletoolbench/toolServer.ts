/** Answers calls of tools: from the cache, from the real API where the user has a key of it, else from a model that plays the API. */
import type { PythonDict, PythonValue } from '../../base/pythonValue'
import { placeOf, type PlacedCall } from './names'
import type { ResponseCache } from './responseCache'
import { isResult, saysHowToCall, type ResultFilter } from './resultFilter'
import { dict, dictOf } from './folderFile'
import { FAILED_TO_SIMULATE, type Simulator } from './simulator'
import { apiOf, type ToolDocs } from './toolDocs'

/** A call as clients of StableToolBench name it. */
export interface ToolRequest {
  readonly category: string
  readonly toolName: string
  readonly apiName: string
  readonly input: PythonDict
  /** How a long reply is shortened; the real server does it. */
  readonly strip: string
}

/** Where a reply came from. */
export type ReplySource = 'cache' | 'cached simulation' | 'api' | 'simulation' | 'none'

export interface ServedReply {
  readonly reply: PythonDict
  readonly source: ReplySource
  /** Found in the cache by the same arguments in another order or writing. */
  readonly isAlias: boolean
  /** 500 for an API that MirrorAPI's servers fail on, else 200. */
  readonly status: 200 | 500
}

/** The real server's answer: status, and the dict in its body if there is one. Rejects when it cannot be reached. */
export type RealApi = (
  request: ToolRequest,
  options: { readonly signal?: AbortSignal | undefined },
) => Promise<{ readonly status: number; readonly reply: PythonDict | null }>

/** Whose order of steps: StepTool's fork uses a made-up reply only if the real API fails; StableToolBench itself uses every cached one. */
export type ServerBehaviour = 'steptool' | 'stabletoolbench'

export interface ToolServerParts {
  readonly docs: ToolDocs
  readonly cache: ResponseCache
  readonly filter: ResultFilter
  readonly behaviour: ServerBehaviour
  readonly realApi?: RealApi | undefined
  readonly simulator?: Simulator | undefined
  readonly temperature?: number | undefined
  /** A MirrorAPI model is asked only about APIs of the tools folder. */
  readonly needsDocs: boolean
  readonly timeouts: { readonly apiMs: number; readonly simulationMs: number }
}

export interface ToolServer {
  /** Rejects only if `signal` aborts. */
  call(request: ToolRequest, signal?: AbortSignal): Promise<ServedReply>
}

export const TIMED_OUT = 'Timeout error...'
const NOT_WORKING = 'API not working error...'
const EXAMPLES = 5

export function toolServer(parts: ToolServerParts): ToolServer {
  return {
    call: async (request, signal) => {
      signal?.throwIfAborted()
      const place = placeOf(request)
      const cached = await parts.cache.find(place, request.input)
      const isGood = cached !== null && isResult(cached.reply, parts.filter)
      if (cached && isGood && (!cached.isFake || parts.behaviour === 'stabletoolbench'))
        return served(cached.reply, cached.isFake ? 'cached simulation' : 'cache', cached.isAlias)
      const real = await fromApi(request, place, parts, signal)
      if (real === 'timeout') return fallback(failure(TIMED_OUT))
      return real ?? fallback(null)

      async function fallback(late: ServedReply | null): Promise<ServedReply> {
        if (cached?.isFake === true && parts.behaviour === 'steptool') return served(cached.reply, 'cached simulation', cached.isAlias)
        return (await simulated(request, place, parts, signal)) ?? late ?? failure(NOT_WORKING)
      }
    },
  }
}

const served = (reply: PythonDict, source: ReplySource, isAlias = false): ServedReply => ({ reply, source, isAlias, status: 200 })
const failure = (error: string, status: 200 | 500 = 200): ServedReply => ({ ...served(errorReply(error), 'none'), status })

export const errorReply = (error: string): PythonDict => dict({ error, response: '' })

/** null: there is none, or it has no result for this call. */
async function fromApi(
  request: ToolRequest,
  place: PlacedCall,
  { realApi, cache, filter, behaviour, timeouts }: ToolServerParts,
  signal: AbortSignal | undefined,
): Promise<ServedReply | 'timeout' | null> {
  if (!realApi) return null
  const answered = await inTime(timeouts.apiMs, signal, (both) => realApi(request, { signal: both }))
  if (answered === 'timeout' || answered === 'failed') return answered === 'timeout' ? 'timeout' : null
  const { status, reply } = answered
  if (reply === null || (!(status === 200 && isResult(reply, filter)) && !saysHowToCall(reply))) return null
  await cache.save(place, request.input, reply, behaviour === 'steptool' ? false : null)
  return served(reply, 'api')
}

/** null: no model plays the server. */
async function simulated(
  request: ToolRequest,
  place: PlacedCall,
  { docs, cache, simulator, temperature, needsDocs, behaviour, timeouts }: ToolServerParts,
  signal: AbortSignal | undefined,
): Promise<ServedReply | null> {
  if (!simulator) return null
  const tool = await docs.tool(request.category, place.standardTool)
  const api = apiOf(tool, place.api)
  // MirrorAPI's servers fail with status 500 on an API that their tools folder does not have.
  if (needsDocs && api === null) return failure('Internal Server Error', 500)
  const examples = await cache.examples(place, EXAMPLES)
  const call = { tool, api, category: request.category, apiName: place.api, input: request.input, examples }
  const said = await inTime(timeouts.simulationMs, signal, (both) => simulator(call, { temperature, signal: both }))
  if (said === 'timeout') return failure(TIMED_OUT)
  if (said === 'failed' || said === null) return failure(FAILED_TO_SIMULATE)
  await cache.save(place, request.input, said, behaviour === 'steptool' ? true : null)
  return served(said, 'simulation')
}

/** What `work` gives, or why it gave nothing. Rejects only if the caller's signal aborts. */
async function inTime<T>(
  ms: number,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T | 'timeout' | 'failed'> {
  const late = AbortSignal.timeout(ms)
  const both = signal ? AbortSignal.any([late, signal]) : late
  let stop: () => void = () => undefined
  const passed = new Promise<'timeout'>((resolve) => {
    stop = () => {
      resolve('timeout')
    }
    both.addEventListener('abort', stop)
  })
  try {
    const result = await Promise.race([work(both), passed])
    signal?.throwIfAborted()
    return result
  } catch {
    signal?.throwIfAborted()
    return late.aborted ? 'timeout' : 'failed'
  } finally {
    both.removeEventListener('abort', stop)
  }
}

/** The arguments of a call as the server reads them; null when they are no JSON object. */
export function readToolInput(input: PythonValue): PythonDict | null {
  if (input instanceof Map) return input
  if (input === '') return new Map()
  return typeof input === 'string' ? dictOf(input) : null
}

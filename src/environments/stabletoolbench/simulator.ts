/** A chat model that plays the API server: what it is asked, and what of its answer is a reply. Two ways: StableToolBench's, and MirrorAPI's. */
import { reprPython, strPython } from '../../base/pythonRepr'
import { PythonTuple, type PythonDict, type PythonValue } from '../../base/pythonValue'
import type { Simulate } from '../worldParts'
import { dict, dictOf, firstCharacters } from './folderFile'
import type { ApiDoc, ToolDoc } from './toolDocs'

export interface SimulatedCall {
  /** null when the tools folder does not have it. */
  readonly tool: ToolDoc | null
  readonly api: ApiDoc | null
  /** The category as the request names it. */
  readonly category: string
  /** The standardized name of the API. */
  readonly apiName: string
  readonly input: PythonDict
  /** Recorded replies of the same API. */
  readonly examples: readonly (readonly [key: string, reply: PythonDict])[]
}

export interface SimulationOptions {
  readonly temperature?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** Plays the server for one call. null: the model gave no reply that can be used. */
export type Simulator = (call: SimulatedCall, options: SimulationOptions) => Promise<PythonDict | null>

/** The system prompts; a pack with the texts a model was trained on can be loaded in their place. */
export interface SimulatorPrompts {
  readonly chat: string
  readonly mirror: string
}

export const defaultSimulatorPrompts: SimulatorPrompts = {
  chat: `You are an API server. You are given the documentation of an API, replies that it gave to earlier calls, and the input of a new call. Write the reply that the API would give to the new call.
Reply with one JSON object and nothing else: {"error": "", "response": …}. "response" holds the data, about 100 to 200 words of it, in the shape of the earlier replies. It fits the input and the documentation, and it is specific: names, numbers and dates, never placeholders. If the earlier replies are errors, write useful data all the same. "error" says what is wrong if the input breaks the documentation; otherwise it is empty.`,
  mirror: `You are the server of the API that is documented below. Execute the request as the API would, and answer with one JSON object and nothing else: {"error": "…", "response": "…"}. "error" is empty when the request succeeds. A request that breaks the documentation fails as it would fail on the real server: with a message in "error".`,
}

export const FAILED_TO_SIMULATE = 'Failed to generate fake response'
const MAX_EXAMPLE_CHARS = 2048
const TRIES = 3

/** As StableToolBench's server asks a general chat model. Tried three times if the answer is not JSON. */
export function chatSimulator(simulate: Simulate, system: string = defaultSimulatorPrompts.chat): Simulator {
  return async (call, { temperature, signal }) => {
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const said = await simulate(
        [
          { role: 'system', content: system },
          { role: 'user', content: chatRequest(call) },
        ],
        { maxTokens: 1024, ...(temperature === undefined ? {} : { temperature }), ...(signal ? { signal } : {}) },
      )
      const reply = dictOf(said.replaceAll('```json', '').replaceAll('```', '').trim())
      if (reply) return completeReply(reply)
    }
    return null
  }
}

/** The user's message, with the values as Python writes them. */
export function chatRequest({ tool, api, input, examples }: SimulatedCall): string {
  const doc = new Map<PythonValue, PythonValue>([
    ['tool_description', tool?.description ?? ''],
    ['api_info', api ? [dict({ name: api.name, description: api.description })] : ''],
  ])
  let shown = examples.map(([key, reply]) => new PythonTuple([key, reply]))
  while (shown.length > 1 && reprPython(shown).length > MAX_EXAMPLE_CHARS) shown = shown.slice(0, -1)
  const text = firstCharacters(reprPython(shown), MAX_EXAMPLE_CHARS)
  return `API Documentation:${strPython(doc)}\nAPI Examples:${text}\nAPI Input:${reprPython(input)}\n`
}

/** The models MirrorAPI and MirrorAPI-Cache: they differ in the name that the documentation gives the API. */
export type MirrorName = 'original' | 'standardized'

/** Settings of MirrorAPI's own servers. */
const MIRROR = { temperature: 0.1, maxTokens: 2048, seed: 42 } as const

/** As MirrorAPI's servers ask a model that was trained to be one. Its API must be documented: `toolServer.ts` refuses one that is not. */
export function mirrorSimulator(
  simulate: Simulate,
  { apiName, system = defaultSimulatorPrompts.mirror }: { readonly apiName: MirrorName; readonly system?: string | undefined },
): Simulator {
  return async (call, { temperature = MIRROR.temperature, signal }) => {
    const said = await simulate(
      [
        { role: 'system', content: system },
        { role: 'user', content: mirrorRequest(call, apiName) },
      ],
      { ...MIRROR, temperature, ...(signal ? { signal } : {}) },
    )
    return readMirrorReply(said)
  }
}

/** The user's message of a MirrorAPI model. */
export function mirrorRequest({ tool, api, category, apiName, input }: SimulatedCall, name: MirrorName): string {
  const doc = dict({
    api_name: name === 'original' ? (api?.name ?? '') : apiName,
    api_description: api?.description ?? '',
    required_parameters: api?.required ?? [],
    optional_parameters: api?.optional ?? [],
    tool_description: tool?.description ?? '',
    tool_name: tool?.name ?? '',
    tool_category: category,
  })
  const request = new Map(input)
  request.delete('toolbench_key')
  return `API doc:\n${reprPython(doc)}\n\nRequest:\n${reprPython(request)}`
}

const LOOSE = /"error":\s*"([^"]*)",\s*"response":\s*"(.*)/s
const LOOSE_WITH_MECHANISM = /"mechanism_of_the_api"\s*:\s*"(.*?)",\s*"error"\s*:\s*"(.*?)",\s*"response"\s*:\s*"(.*)/s

/**
 * What a MirrorAPI model answered. JSON that is malformed is read by MirrorAPI's regular expressions. They keep the `"}` at its end inside
 * the response; `keepsEnd` does so too, otherwise it is cut off. null when neither an error nor a response can be read.
 */
export function readMirrorReply(text: string, { keepsEnd = false }: { readonly keepsEnd?: boolean } = {}): PythonDict | null {
  const read = dictOf(text)
  if (read) return isEmpty(read.get('error')) && isEmpty(read.get('response')) ? null : completeReply(read)
  const [error, response] =
    (text.includes('mechanism_of_the_api') ? LOOSE_WITH_MECHANISM.exec(text)?.slice(2) : LOOSE.exec(text)?.slice(1)) ?? []
  if (error === undefined || response === undefined || (error === '' && response === '')) return null
  return dict({ error, response: keepsEnd ? response : response.replace(/"\s*\}\s*$/, '') })
}

const isEmpty = (value: PythonValue | undefined): boolean => value === undefined || value === null || value === ''

/** With both fields, whatever the model left out. */
function completeReply(reply: PythonDict): PythonDict {
  if (reply.has('error') && reply.has('response')) return reply
  if (!reply.has('error') && !reply.has('response')) return dict({ error: '', response: reply })
  return new Map<PythonValue, PythonValue>([['error', ''], ['response', ''], ...reply])
}

/** A policy that follows a script: the expert as a session, for teacher data and for tests without a model. */
import type { ToolCall } from '../../records/trajectory'
import type { AgentSession } from '../agent'
import type { CallFormat } from '../callFormats/callFormat'
import { writeMove } from '../callFormats/writeMove'
import { openLocalAgent, type LocalAgentOptions } from '../localAgent'
import type { PolicySession } from '../policy'

/** The next call, given the observations so far; a string is sent as it stands. */
export type Script = (observations: readonly string[]) => ToolCall | string

type ScriptedOptions = Pick<LocalAgentOptions, 'codec' | 'format' | 'maxNewTokens' | 'maxContext'>

/** What was said to the agent since a session last read anything. A template may write it otherwise in the text that the session reads. */
type Heard = string[]

/** @param past of a fork: what it has read so far. */
function scriptedSession(
  options: Pick<ScriptedOptions, 'codec' | 'format'>,
  script: Script,
  heard: Heard,
  past: { readonly observations: readonly string[]; readonly length: number } = { observations: [], length: 0 },
): PolicySession {
  const { codec, format } = options
  const observations = [...past.observations]
  let { length } = past
  return {
    get length() {
      return length
    },
    close() {},
    fork: () => {
      observations.push(...heard.splice(0))
      return Promise.resolve(scriptedSession(options, script, heard, { observations, length }))
    },
    extend(ids, { maxNewTokens }) {
      observations.push(...heard.splice(0))
      const { text, stopToken } = writeMove(format, script(observations))
      const wanted = [...codec.encode(text), codec.specialId(stopToken)]
      const completion = wanted.slice(0, maxNewTokens)
      length += ids.length + completion.length
      return Promise.resolve({
        ids: completion,
        logprobs: completion.map(() => 0),
        finish: completion.length === wanted.length ? 'stop' : 'length',
        policyVersion: 0,
      })
    },
  }
}

/** The same as an agent that a strategy talks to. */
export function openScriptedAgent(script: Script, options: ScriptedOptions): Promise<AgentSession> {
  const heard: Heard = []
  const format: CallFormat = {
    ...options.format,
    next: (messages) => {
      heard.push(...messages.map(({ content }) => content))
      return options.format.next(messages)
    },
  }
  const session = scriptedSession(options, script, heard)
  return Promise.resolve(openLocalAgent(session, { query: 0, sample: 0 }, { ...options, format, temperature: 0 }))
}

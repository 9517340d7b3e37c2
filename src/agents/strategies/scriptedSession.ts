/** A policy that follows a script: the expert as a session, for teacher data and for tests without a model. */
import type { ToolCall } from '../../records/trajectory'
import type { AgentSession } from '../agent'
import { openLocalAgent, type LocalAgentOptions } from '../localAgent'
import type { PolicySession } from '../policy'
import type { TextCodec } from '../../base/textCodec'
import type { CallFormat } from '../callFormats/callFormat'

/** The next call, given the observations so far; a string is sent as it stands. */
export type Script = (observations: readonly string[]) => ToolCall | string

/** @param past of a fork: what it has read so far. */
function scriptedSession(
  codec: TextCodec,
  format: CallFormat,
  script: Script,
  past: { readonly observations: readonly string[]; readonly length: number } = { observations: [], length: 0 },
): PolicySession {
  const observations = [...past.observations]
  let { length } = past
  let opened = length > 0
  const stopId = codec.specialId(format.stopTokens[0])
  // The observation is what stands between the constant ends of the rendered turn.
  const [before = '', after = ''] = format.next([{ role: 'tool', content: '\u0000' }]).split('\u0000')
  return {
    get length() {
      return length
    },
    close() {},
    fork: () => Promise.resolve(scriptedSession(codec, format, script, { observations, length })),
    extend(ids, options) {
      const text = codec.decode(ids)
      if (opened) observations.push(text.slice(before.length, text.length - after.length))
      opened = true
      const move = script(observations)
      const wanted = [...codec.encode(typeof move === 'string' ? move : format.write([move])), stopId]
      const completion = wanted.slice(0, options.maxNewTokens)
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
export const openScriptedAgent = (
  script: Script,
  options: Pick<LocalAgentOptions, 'codec' | 'format' | 'maxNewTokens' | 'maxContext'>,
): Promise<AgentSession> =>
  Promise.resolve(
    openLocalAgent(scriptedSession(options.codec, options.format, script), { query: 0, sample: 0 }, { ...options, temperature: 0 }),
  )

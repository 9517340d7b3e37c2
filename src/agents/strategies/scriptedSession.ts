/** A policy that follows a script: the expert as a session, for teacher data and for tests without a model. */
import { formatCall } from '../../environments/starter/callSyntax'
import type { ToolCall } from '../../records/trajectory'
import type { PolicySession, TextCodec } from '../policy'
import type { PromptFormat } from '../prompts/promptFormat'

/** The next call, given the observations so far; a string is sent as it stands. */
export type Script = (observations: readonly string[]) => ToolCall | string

export function scriptedSession(codec: TextCodec, prompt: PromptFormat, script: Script): PolicySession {
  const observations: string[] = []
  let length = 0
  let opened = false
  const stopId = codec.specialId(prompt.stopToken)
  // The observation is what stands between the constant ends of the rendered turn.
  const [before = '', after = ''] = prompt.renderObservation('\u0000').split('\u0000')
  return {
    get length() {
      return length
    },
    close() {},
    extend(ids, options) {
      const text = codec.decode(ids)
      if (opened) observations.push(text.slice(before.length, text.length - after.length))
      opened = true
      const move = script(observations)
      const wanted = [...codec.encode(typeof move === 'string' ? move : formatCall(move.name, move.arguments)), stopId]
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

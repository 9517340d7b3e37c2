/** A policy that answers texts, for tests of strategies: what it writes depends on all it has read, and it notes what it was asked. */
import type { AgentSession } from '../../src/agents/agent'
import { compact } from '../../src/agents/callFormats/compact'
import { openLocalAgent } from '../../src/agents/localAgent'
import type { DrawKey, PolicySession } from '../../src/agents/policy'
import { codec } from '../environments/starterFiles'

export interface TextPolicy {
  /** Contexts in the order in which they were asked. */
  readonly asked: string[]
  /** Sessions that are open now. */
  readonly open: Set<object>
  start(limits?: { readonly maxContext?: number; readonly maxNewTokens?: number }): Promise<AgentSession>
}

/** @param write the completion of a context, without the token that ends it. */
export function textPolicy(write: (context: string, key: DrawKey) => string): TextPolicy {
  const asked: string[] = []
  const open = new Set<object>()
  const session = (key: DrawKey, past: readonly number[]): PolicySession => {
    const context = [...past]
    const own: PolicySession = {
      get length() {
        return context.length
      },
      fork: (other) => Promise.resolve(session(other, context)),
      extend(ids, { maxNewTokens }) {
        if (!open.has(own)) throw new Error('a closed session was extended')
        context.push(...ids)
        const text = codec.decode(context)
        asked.push(text)
        const wanted = [...codec.encode(`${write(text, key)}<|end|>`)]
        const made = wanted.slice(0, maxNewTokens)
        context.push(...made)
        const finish = made.length === wanted.length ? 'stop' : 'length'
        return Promise.resolve({ ids: made, logprobs: made.map((_, at) => -at), finish, policyVersion: 0 })
      },
      close: () => {
        open.delete(own)
      },
    }
    open.add(own)
    return own
  }
  const key = { query: 0, sample: 0 }
  return {
    asked,
    open,
    start: (limits = {}) =>
      Promise.resolve(
        openLocalAgent(session(key, []), key, { codec, format: compact, temperature: 0, maxNewTokens: 48, maxContext: 2048, ...limits }),
      ),
  }
}

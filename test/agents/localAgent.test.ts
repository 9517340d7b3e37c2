/** A local agent's sessions: what a fork reads and draws with, and turns that were sampled elsewhere. */
import { expect, test } from 'vitest'
import type { AgentSession } from '../../src/agents/agent'
import { compact } from '../../src/agents/callFormats/compact'
import { openLocalAgent } from '../../src/agents/localAgent'
import { branchKey, type DrawKey, type PolicySession } from '../../src/agents/policy'
import { codec } from '../environments/starterFiles'

interface Seen {
  readonly key: DrawKey
  /** Everything the session had read or written when it was asked. */
  readonly context: string
}

/** A policy that completes every context with the same call, and notes what it was asked. */
function policy(seen: Seen[], completion: string, key: DrawKey, past: readonly number[] = []): PolicySession {
  const context = [...past]
  return {
    get length() {
      return context.length
    },
    fork: (other) => Promise.resolve(policy(seen, completion, other, context)),
    extend(ids) {
      context.push(...ids)
      seen.push({ key, context: codec.decode(context) })
      const made = [...codec.encode(completion)]
      context.push(...made)
      return Promise.resolve({ ids: made, logprobs: made.map(() => -1), finish: 'stop', policyVersion: 0 })
    },
    close: () => undefined,
  }
}

const key = { query: 3, sample: 2 }
const limits = { codec, format: compact, temperature: 1, maxNewTokens: 32, maxContext: 512 }

function agent(seen: Seen[], completion = 'search(name="a")<|end|>'): AgentSession {
  return openLocalAgent(policy(seen, completion, key), key, limits)
}

const opening = { tools: [], conversation: [{ role: 'user', content: 'find a' }] } as const

test('a fork has read the same conversation, draws with its own key, and both go on apart', async () => {
  const seen: Seen[] = []
  const root = agent(seen)
  await root.open(opening)
  const fork = await root.fork(1)
  await fork.next([{ role: 'tool', content: 'left' }])
  await root.next([{ role: 'tool', content: 'right' }])
  const start = `${compact.start([], opening.conversation)}search(name="a")<|end|>`
  expect(seen.slice(1)).toEqual([
    { key: branchKey(key, 1), context: `${start}${compact.next([{ role: 'tool', content: 'left' }])}` },
    { key, context: `${start}${compact.next([{ role: 'tool', content: 'right' }])}` },
  ])
  expect(branchKey(key, 1)).not.toEqual(key)
})

test('a turn that another session sampled is read as if it had been said here, without the words that only that session was told', async () => {
  const seen: Seen[] = []
  const root = agent(seen)
  await root.open(opening)
  const aside = await root.fork(1)
  const turn = await aside.next([
    { role: 'tool', content: 'nothing' },
    { role: 'user', content: 'something else' },
  ])
  expect(turn?.said.user).toBe('something else')
  if (turn) root.append([{ role: 'tool', content: 'nothing' }], turn)
  const below = await root.fork(2)
  const next = await below.next([{ role: 'tool', content: 'found' }])
  const context = [
    compact.start([], opening.conversation),
    'search(name="a")<|end|>',
    compact.next([{ role: 'tool', content: 'nothing' }]),
    'search(name="a")<|end|>',
    compact.next([{ role: 'tool', content: 'found' }]),
  ].join('')
  expect(seen.at(-1)).toEqual({ key: branchKey(key, 2), context })
  // Only what is new is the prompt of the turn.
  expect(next?.prompt).toBe(compact.next([{ role: 'tool', content: 'found' }]))
})

test('a fork of a session that was not opened is an empty one', async () => {
  const seen: Seen[] = []
  const fresh = await agent(seen).fork(5)
  await fresh.open(opening)
  expect(seen).toEqual([{ key: branchKey(key, 5), context: compact.start([], opening.conversation) }])
})

/** Chains of calls without branching: one, or up to so many until one ends with an answer. */
import { z } from 'zod'
import { conversationOf } from '../../environments/conversation'
import type { Episode } from '../../environments/environment'
import type { AgentSession } from '../agent'
import { beginAttempt, endingOf, noAnswer, recordOf, type Attempt, type Ending } from './attempt'
import { judged, runChain, type ChainEnding } from './chain'
import type { Strategy } from './strategy'

const settings = z.object({
  tries: z.int().positive().default(1).meta({
    help: 'how many chains there are at most; the first that ends with an answer is the last, whether the answer is right or not',
  }),
})

export const chainOfThought: Strategy = {
  name: 'cot',
  title: 'One chain of calls',
  kind: 'chain',
  help: 'The model calls tools one turn after another and never goes back. With several tries it begins again after a chain in which it gave up or did not answer; at temperature 0 every chain is the same.',
  settings,
  modelCalls: null,
  async run(options) {
    const { tries } = settings.parse(options.settings ?? {})
    const attempt = beginAttempt(options)
    const root = await options.openSession()
    const episodes: Episode[] = []
    try {
      const ending = await endingOf(() => runTries(attempt, root, episodes, tries))
      return recordOf(attempt, ending, { name: chainOfThought.name, ...(tries === 1 ? {} : { settings: { tries } }) })
    } finally {
      root.close()
      await Promise.all(episodes.map((episode) => episode.close()))
    }
  },
}

/** The answer of an attempt is that of its last chain; the steps of the others are given up. */
async function runTries(attempt: Attempt, root: AgentSession, episodes: Episode[], tries: number): Promise<Ending> {
  const { options, steps } = attempt
  let ending: ChainEnding = { ...noAnswer('length'), last: null }
  for (let tried = 0; tried < tries; tried++) {
    options.signal?.throwIfAborted()
    const begun = steps.length
    const episode = await options.openEpisode()
    episodes.push(episode)
    attempt.tools = episode.tools
    // A branch of a session that was not opened is an empty one; branch 0 draws as the session itself.
    const session = tries === 1 ? root : await root.fork(tried)
    try {
      ending = await runChain(attempt, { session, episode, conversation: conversationOf(options.query) })
    } finally {
      if (session !== root) session.close()
      markFinal(attempt, begun)
    }
    // Whether the answer is right is not asked: who tries again after a wrong answer knows the right one.
    if (ending.answer !== null || ending.stopReason === 'budget') return judged(attempt, episode, ending)
    if (tried === tries - 1) return judged(attempt, episode, ending)
  }
  return ending
}

/** Of the steps so far only the last is final, and those of earlier chains are given up. */
function markFinal({ steps }: Attempt, begun: number): void {
  for (const [index, step] of steps.entries()) {
    step.is_final = index === steps.length - 1
    if (index < begun && steps.length > begun) step.pruned = true
  }
}

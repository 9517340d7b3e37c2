/** The trial: calls under a budget of its own, and the summary of what they showed. */
import { conversationOf, type ConversationMessage } from '../../../environments/conversation'
import type { Episode } from '../../../environments/environment'
import type { AgentSession } from '../../agent'
import type { NextMessage } from '../../callFormats/callFormat'
import { callTools, mayAsk, takeTurn, type Attempt, type Turn } from '../attempt'
import type { TrialSettings } from './settings'

/** What the trial has come to. */
export interface Trial {
  /** Its last step; null if there is none. */
  readonly last: number | null
  /** What the tools replied to the last step. */
  readonly messages: readonly NextMessage[]
}

/** The budgets of the trial, inside those of the attempt. */
class TrialBudget {
  readonly #most: number
  readonly #mostPerTool: number
  readonly #perTool = new Map<string, number>()
  #calls = 0

  constructor({ trial_calls, trial_calls_per_tool }: TrialSettings, toolCalls: number) {
    // At least one call is left for the execution.
    this.#most = Math.min(trial_calls ?? Math.floor(toolCalls / 2), toolCalls - 1)
    this.#mostPerTool = trial_calls_per_tool
  }

  get isSpent(): boolean {
    return this.#calls >= this.#most
  }

  /** Counts the calls of a turn, unless they are too many: then none is counted. */
  take({ sampled }: Turn): boolean {
    const { calls } = sampled.parsed
    const counts = new Map(this.#perTool)
    for (const { name } of calls) counts.set(name, (counts.get(name) ?? 0) + 1)
    if (this.#calls + calls.length > this.#most || [...counts.values()].some((count) => count > this.#mostPerTool)) return false
    this.#calls += calls.length
    for (const [name, count] of counts) this.#perTool.set(name, count)
    return true
  }
}

/**
 * Lets the model call tools until it wants to answer, a budget is used up or the context is full. Two turns and one tool call are left for what
 * follows. An answer is not given to anybody.
 */
export async function runTrial(attempt: Attempt, session: AgentSession, episode: Episode, settings: TrialSettings): Promise<Trial> {
  const { query, budget } = attempt.options
  const conversation: ConversationMessage[] = [...conversationOf(query), { role: 'user', content: settings.trial_prompt }]
  const trialBudget = new TrialBudget(settings, budget.toolCalls)
  let trial: Trial = { last: null, messages: [] }
  while (mayAsk(attempt, 2) && !trialBudget.isSpent) {
    const { messages } = trial
    const turn = await takeTurn(
      attempt,
      trial.last,
      () => (messages.length === 0 ? session.open({ tools: episode.tools, conversation }) : session.next(messages)),
      'trial',
    )
    if (!turn) break
    trial = { last: turn.index, messages: [] }
    if (turn.step.is_truncated || turn.sampled.parsed.answer !== undefined || !trialBudget.take(turn)) break
    const called = await callTools(attempt, episode, turn)
    if (!called) break
    trial = { last: turn.index, messages: called.messages }
    if (called.verdict) break
  }
  return trial
}

/** Asks what the trial showed: in its own conversation, or where that is full in a new one that quotes its calls. */
export async function summarise(
  attempt: Attempt,
  { last, messages }: Trial,
  session: AgentSession,
  fresh: () => Promise<AgentSession>,
  { summary_prompt }: TrialSettings,
): Promise<{ readonly text: string; readonly step: number | null }> {
  if (last === null || !mayAsk(attempt, 1)) return { text: '', step: null }
  const words: NextMessage = { role: 'user', content: summary_prompt }
  const turn = await takeTurn(attempt, last, () => session.next([...messages, words]), 'summary')
  if (turn) return { text: summaryIn(turn), step: turn.index }
  const other = await fresh()
  try {
    const content = `${quoted(attempt)}\n${summary_prompt}`
    const again = await takeTurn(attempt, null, () => other.open({ tools: [], conversation: [{ role: 'user', content }] }), 'summary')
    return { text: again ? summaryIn(again) : '', step: null }
  } finally {
    other.close()
  }
}

/** What the model wrote: its words, or the whole completion without markers where the format finds no words in it. Nothing in it is a call. */
function summaryIn({ sampled: { parsed, completion }, step }: Turn): string {
  const text = (parsed.content === '' ? completion.replaceAll(/<\|[^|]*\|>/g, ' ') : parsed.content).trim()
  step.calls = []
  step.content = text
  return text
}

const quoted = ({ steps }: Attempt): string =>
  steps
    .filter(({ replies }) => replies !== undefined)
    .map(({ calls = [], replies = [] }) => {
      const made = calls.map(({ name, arguments: given }) => `${name}(${JSON.stringify(given)})`).join(', ')
      return `${made} -> ${replies.map(({ content }) => content).join(' ')}`
    })
    .join('\n')

/** One chain of calls, no branching: complete, call, append the replies, until an answer, the budget or the end of the context. */
import { conversationOf } from '../../environments/conversation'
import { EnvironmentError, type Episode } from '../../environments/environment'
import { noFilters } from '../../records/samplingFilters'
import type { AnswerStatus, StepTruth, ToolSpec, Trajectory } from '../../records/trajectory'
import { trajectoryFromSteps, type StepInput } from '../../records/trajectoryFromSteps'
import { AgentError, type AgentSession, type SampledTurn } from '../agent'
import { replyTo, type NextMessage } from '../callFormats/callFormat'
import type { Strategy, StrategyOptions } from './strategy'

const NOTHING_DONE: StepTruth = { succeeded: false, needed: false }

/** The state of a chain. */
interface Chain {
  tools: readonly ToolSpec[]
  readonly steps: StepInput[]
  /** Tool calls carried out so far. */
  toolCalls: number
  status: AnswerStatus | null
  answer: string | null
  stopReason: Trajectory['stop_condition']
  /** The failure of the environment or of the agent that ended the attempt; null if there was none. */
  failure: EnvironmentError | AgentError | null
}

export const chainOfThought: Strategy = {
  name: 'cot',
  title: 'One chain of calls',
  kind: 'chain',
  help: 'The model calls tools one turn after another and never goes back.',
  async run(options) {
    const { budget, signal } = options
    if (!Number.isInteger(budget.toolCalls) || budget.toolCalls < 1)
      throw new RangeError(`the call budget must be at least 1, found ${budget.toolCalls}`)
    const chain: Chain = { tools: [], steps: [], toolCalls: 0, status: null, answer: null, stopReason: 'length', failure: null }
    const session = await options.openSession()
    let episode: Episode | null = null
    try {
      signal?.throwIfAborted()
      episode = await options.openEpisode()
      chain.tools = episode.tools
      await grow(chain, session, episode, options)
      chain.status ??= (await episode.finish(null, signal ? { signal } : {})).status
    } catch (error) {
      if (!endsAttempt(error)) throw error
      chain.stopReason = 'error'
      chain.failure = error
    } finally {
      session.close()
      await episode?.close()
    }
    const last = chain.steps[chain.steps.length - 1]
    if (last) last.is_final = true
    return recordOf(chain, options)
  },
}

/** A failure that belongs to one attempt, so that the others go on. */
const endsAttempt = (error: unknown): error is EnvironmentError | AgentError =>
  error instanceof AgentError ? !error.isFatal : error instanceof EnvironmentError && error.code !== 'unknown-query'

/** A completed turn and its step of the chain. */
interface Turn {
  readonly sampled: SampledTurn
  readonly step: StepInput
}

/** Runs turn after turn until the chain ends; leaves the status null when it ended without an answer. */
async function grow(chain: Chain, session: AgentSession, episode: Episode, options: StrategyOptions): Promise<void> {
  const { budget, query } = options
  let messages: readonly NextMessage[] | null = []
  while (messages) {
    if (budget.modelCalls !== null && chain.steps.length >= budget.modelCalls) {
      chain.stopReason = 'budget'
      return
    }
    const next: readonly NextMessage[] = messages
    const turn = await addTurn(
      chain,
      () => (chain.steps.length === 0 ? session.open({ tools: episode.tools, conversation: conversationOf(query) }) : session.next(next)),
      options,
    )
    // What comes next does not fit the context, so the step before it is the last.
    if (!turn || turn.step.is_truncated) return
    const { answer } = turn.sampled.parsed
    messages =
      answer === undefined ? await callTools(chain, episode, turn, options) : await giveAnswer(chain, episode, { ...turn, answer }, options)
  }
}

/** Samples one turn and appends it to the chain as its last step; null when it does not fit the context. */
async function addTurn(chain: Chain, sample: () => Promise<SampledTurn | null>, { now }: StrategyOptions): Promise<Turn | null> {
  const started = now?.()
  const sampled = await sample()
  if (!sampled) return null
  const { parsed } = sampled
  const step: StepInput = {
    parent: chain.steps.length === 0 ? null : chain.steps.length - 1,
    prompt: sampled.prompt,
    ...sampled.said,
    completion: sampled.completion,
    tokens: sampled.tokens,
    thought: parsed.reasoning,
    content: parsed.content,
    calls: parsed.calls,
    is_final: true,
    is_truncated: sampled.isTruncated,
    truth: NOTHING_DONE,
    ...(started === undefined || !now ? {} : { generation_ms: Math.max(0, now() - started) }),
  }
  chain.steps.push(step)
  return { sampled, step }
}

/** Gives the answer to the user, who may say something more; without that the attempt ends. Returns what is said next. */
async function giveAnswer(
  chain: Chain,
  episode: Episode,
  { sampled, step, answer }: Turn & { readonly answer: string | null },
  { signal }: StrategyOptions,
): Promise<readonly NextMessage[] | null> {
  const cancel = signal ? { signal } : {}
  const next = (await episode.userTurn?.(sampled.parsed.content, cancel)) ?? null
  if (next !== null) {
    step.is_final = false
    return [{ role: 'user', content: next }]
  }
  return conclude(chain, episode, { step, answer }, signal)
}

/** Ends the attempt with a step. */
async function conclude(
  chain: Chain,
  episode: Episode,
  { step, answer }: { readonly step: StepInput; readonly answer: string | null },
  signal: AbortSignal | undefined,
): Promise<null> {
  const verdict = await episode.finish(answer, signal ? { signal } : {})
  chain.answer = answer
  chain.status = verdict.status
  step.truth = { ...verdict.truth }
  chain.stopReason = 'finish'
  return null
}

/** Carries out the calls of a turn, unless they exceed the budget, which ends the chain. Returns what is said next. */
async function callTools(
  chain: Chain,
  episode: Episode,
  { sampled, step }: Turn,
  { budget, signal, now }: StrategyOptions,
): Promise<readonly NextMessage[] | null> {
  const { calls } = sampled.parsed
  if (chain.toolCalls + calls.length > budget.toolCalls) {
    chain.stopReason = 'budget'
    return null
  }
  chain.toolCalls += calls.length
  const started = now?.()
  const replies = await episode.call(calls, signal ? { signal } : {})
  if (started !== undefined && now) step.tool_ms = Math.max(0, now() - started)
  const truths = replies.flatMap(({ truth }) => truth ?? [])
  step.replies = replies.map((reply) => ({ content: reply.text }))
  step.truth = truths.length === 0 ? null : jointTruth(truths)
  if (episode.isOver?.() === true) return conclude(chain, episode, { step, answer: null }, signal)
  step.is_final = false
  return replies.map((reply, index) => replyTo(calls[index], reply.text))
}

/** The truth of a turn with several calls: it succeeded if all calls did, and was needed if at least one call was. */
const jointTruth = (truths: readonly StepTruth[]): StepTruth => ({
  succeeded: truths.every(({ succeeded }) => succeeded),
  needed: truths.some(({ needed }) => needed),
})

function recordOf(chain: Chain, { query, budget, ...options }: StrategyOptions): Trajectory {
  return trajectoryFromSteps({
    trajectory_id: options.trajectoryId,
    task: { query_id: query.query_id, query: query.text, split: query.split, tools: [...chain.tools] },
    agent: {
      strategy: chainOfThought.name,
      ...(options.model === undefined ? {} : { model: options.model }),
      sampling: { temperature: options.temperature, max_new_tokens: options.maxNewTokens, ...(options.sampling ?? noFilters) },
    },
    budgets: { calls: budget.toolCalls, model_calls: budget.modelCalls, context_tokens: options.maxContext },
    steps: chain.steps,
    errors: chain.failure
      ? [
          {
            type: `${chain.failure instanceof AgentError ? 'agent' : 'environment'}/${chain.failure.code}`,
            message: chain.failure.message,
            node: null,
          },
        ]
      : [],
    status: chain.status,
    answer: chain.answer,
    stop_condition: chain.stopReason,
    sample: options.sample ?? 0,
    source: options.source ?? '',
    world_hash: options.worldHash ?? null,
  })
}

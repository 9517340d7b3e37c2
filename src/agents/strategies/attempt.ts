/** What strategies share: an attempt, the turns it takes, and what they cost. Every turn and every call counts against the budget of the whole attempt. */
import { EnvironmentError, type Cancellable, type Episode, type Verdict } from '../../environments/environment'
import { noFilters } from '../../records/samplingFilters'
import type { AnswerStatus, StepTruth, ToolSpec, Trajectory } from '../../records/trajectory'
import { trajectoryFromSteps, type Aside, type StepInput } from '../../records/trajectoryFromSteps'
import { AgentError, type SampledTurn } from '../agent'
import { replyTo, type NextMessage } from '../callFormats/callFormat'
import type { StrategyOptions } from './strategy'

const NOTHING_DONE: StepTruth = { succeeded: false, needed: false }

/** The state of an attempt. */
export interface Attempt {
  readonly options: StrategyOptions
  readonly steps: StepInput[]
  /** Turns that the model wrote and that are no steps. */
  readonly asides: Aside[]
  tools: readonly ToolSpec[]
  /** Tool calls carried out so far. */
  toolCalls: number
}

/** How an attempt, or a part of it, ended. */
export interface Ending {
  /** null: it ended without an answer, and nothing has judged it. */
  status: AnswerStatus | null
  answer: string | null
  stopReason: Trajectory['stop_condition']
  /** The failure of the environment or of the agent that ended the attempt; null if there was none. */
  failure: EnvironmentError | AgentError | null
}

export const noAnswer = (stopReason: Ending['stopReason']): Ending => ({ status: null, answer: null, stopReason, failure: null })

/** A completed turn and its step. */
export interface Turn {
  readonly sampled: SampledTurn
  readonly step: StepInput
  /** Place of the step in the list of steps. */
  readonly index: number
}

/** Throws RangeError for a budget below one. */
export function beginAttempt(options: StrategyOptions): Attempt {
  const { toolCalls } = options.budget
  if (!Number.isInteger(toolCalls) || toolCalls < 1) throw new RangeError(`the call budget must be at least 1, found ${toolCalls}`)
  return { options, steps: [], asides: [], tools: [], toolCalls: 0 }
}

const modelCalls = ({ steps, asides }: Attempt): number => steps.length + asides.length

/** Whether the budget allows another turn of the model. @param kept turns that must be left after it. */
export function mayAsk(attempt: Attempt, kept = 0): boolean {
  const limit = attempt.options.budget.modelCalls
  return limit === null || modelCalls(attempt) + kept < limit
}

/** Samples one turn and appends it to the steps; null when it does not fit the context. */
export async function takeTurn(
  attempt: Attempt,
  parent: number | null,
  sample: () => Promise<SampledTurn | null>,
  phase?: string,
): Promise<Turn | null> {
  const { signal, now } = attempt.options
  signal?.throwIfAborted()
  const started = now?.()
  const sampled = await sample()
  if (!sampled) return null
  const { parsed } = sampled
  const step: StepInput = {
    parent,
    prompt: sampled.prompt,
    ...sampled.said,
    ...(phase === undefined ? {} : { phase }),
    completion: sampled.completion,
    tokens: sampled.tokens,
    thought: parsed.reasoning,
    content: parsed.content,
    calls: parsed.calls,
    is_truncated: sampled.isTruncated,
    truth: NOTHING_DONE,
    ...(started === undefined || !now ? {} : { generation_ms: Math.max(0, now() - started) }),
  }
  const index = attempt.steps.push(step) - 1
  return { sampled, step, index }
}

/** A turn that is counted and not recorded. */
export async function takeAside(attempt: Attempt, sample: () => Promise<SampledTurn | null>): Promise<SampledTurn | null> {
  attempt.options.signal?.throwIfAborted()
  const sampled = await sample()
  if (sampled) attempt.asides.push({ sampledTokens: sampled.tokens?.completion_ids.length ?? null })
  return sampled
}

/** What calls led to. */
interface Called {
  readonly messages: readonly NextMessage[]
  readonly hasFailed: boolean
  /** The judgement of an episode that ended with these calls; null if it goes on. */
  readonly verdict: Verdict | null
}

/** Carries out the calls of a turn. Returns what is said next, or null if they exceed the budget: then none is carried out. */
export async function callTools(attempt: Attempt, episode: Episode, { sampled, step }: Turn): Promise<Called | null> {
  const { budget, signal, now } = attempt.options
  const { calls } = sampled.parsed
  if (attempt.toolCalls + calls.length > budget.toolCalls) return null
  attempt.toolCalls += calls.length
  const started = now?.()
  const replies = await episode.call(calls, signal ? { signal } : {})
  if (started !== undefined && now) step.tool_ms = Math.max(0, now() - started)
  const truths = replies.flatMap(({ truth }) => truth ?? [])
  step.replies = replies.map(({ text, error }) => ({ content: text, ...(error === null ? {} : { error }) }))
  step.truth = truths.length === 0 ? null : jointTruth(truths)
  return {
    messages: replies.map((reply, index) => replyTo(calls[index], reply.text)),
    hasFailed: replies.some(({ error }) => error !== null),
    verdict: episode.isOver?.() === true ? await endEpisode(episode, step, null, signal ? { signal } : {}) : null,
  }
}

/** The truth of a turn with several calls: it succeeded if all calls did, and was needed if at least one call was. */
const jointTruth = (truths: readonly StepTruth[]): StepTruth => ({
  succeeded: truths.every(({ succeeded }) => succeeded),
  needed: truths.some(({ needed }) => needed),
})

/** Gives the answer to the user, who may say something more; without that the episode ends and is judged. */
export async function giveAnswer(
  { options: { signal } }: Attempt,
  episode: Episode,
  { sampled, step }: Turn,
  answer: string | null,
): Promise<{ readonly said: string } | { readonly said: null; readonly verdict: Verdict }> {
  const cancel = signal ? { signal } : {}
  const said = (await episode.userTurn?.(sampled.parsed.content, cancel)) ?? null
  if (said !== null) return { said }
  return { said: null, verdict: await endEpisode(episode, step, answer, cancel) }
}

/** Ends an episode with a step, and has it judged. */
async function endEpisode(episode: Episode, step: StepInput, answer: string | null, cancel: Cancellable): Promise<Verdict> {
  const verdict = await episode.finish(answer, cancel)
  step.truth = { ...verdict.truth }
  return verdict
}

/** A failure that belongs to one attempt, so that the others go on. */
const endsAttempt = (error: unknown): error is EnvironmentError | AgentError =>
  error instanceof AgentError ? !error.isFatal : error instanceof EnvironmentError && error.code !== 'unknown-query'

/** Runs `work`; if the environment or the agent fails, the attempt ends with what it said. */
export async function endingOf(work: () => Promise<Ending>): Promise<Ending> {
  try {
    return await work()
  } catch (error) {
    if (!endsAttempt(error)) throw error
    return { ...noAnswer('error'), failure: error }
  }
}

/**
 * The record of an attempt whose steps say which of them is final.
 * @param strategy its name and its settings, if it has any.
 */
export function recordOf(
  { options: { query, budget, ...options }, steps, asides, tools }: Attempt,
  { status, answer, stopReason, failure }: Ending,
  strategy: { readonly name: string; readonly settings?: Readonly<Record<string, unknown>> },
  info?: Readonly<Record<string, unknown>>,
): Trajectory {
  return trajectoryFromSteps({
    trajectory_id: options.trajectoryId,
    task: { query_id: query.query_id, query: query.text, split: query.split, tools: [...tools] },
    agent: {
      strategy: strategy.name,
      ...(strategy.settings === undefined ? {} : { settings: { ...strategy.settings } }),
      ...(options.model === undefined ? {} : { model: options.model }),
      sampling: { temperature: options.temperature, max_new_tokens: options.maxNewTokens, ...(options.sampling ?? noFilters) },
    },
    budgets: { calls: budget.toolCalls, model_calls: budget.modelCalls, context_tokens: options.maxContext },
    ...{ steps, asides, status, answer },
    errors: failure
      ? [{ type: `${failure instanceof AgentError ? 'agent' : 'environment'}/${failure.code}`, message: failure.message, node: null }]
      : [],
    stop_condition: stopReason,
    sample: options.sample ?? 0,
    source: options.source ?? '',
    world_hash: options.worldHash ?? null,
    ...(info === undefined ? {} : { info: { ...info } }),
  })
}

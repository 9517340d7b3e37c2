/**
 * One chain of calls, no branching: complete, call, append the replies, until an answer, the budget or the end of the context. Ids go
 * in and come out; the past is never rendered or tokenised again, so what was sampled is what is trained.
 */
import { EnvironmentError, type Episode } from '../../environments/environment'
import { drawnWith, noFilters } from '../../records/samplingFilters'
import type { AnswerStatus, StepTruth, ToolSpec, Trajectory } from '../../records/trajectory'
import { trajectoryFromSteps, type StepInput } from '../../records/trajectoryFromSteps'
import type { ParsedTurn } from '../callFormats/callFormat'
import type { PolicySession } from '../policy'
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
  /** The reason why the environment ended the episode; null if it did not. */
  failure: EnvironmentError | null
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
      if (!(error instanceof EnvironmentError) || error.code === 'unknown-query') throw error
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

/** The prompt that the model reads next. */
interface Prompt {
  readonly text: string
  /** The system message and the user's message inside `text`. */
  readonly said: Pick<StepInput, 'system' | 'user'>
}

/** A completed turn, read by the call format, and its step of the chain. */
interface Turn {
  readonly parsed: ParsedTurn
  readonly step: StepInput
}

/** Runs turn after turn until the chain ends; leaves the status null when it ended without an answer. */
async function grow(chain: Chain, session: PolicySession, episode: Episode, options: StrategyOptions): Promise<void> {
  const { codec, format, budget, maxContext, query } = options
  const said = { ...systemOf(format.system(episode.tools)), user: query.text }
  let prompt: Prompt | null = { text: format.start(episode.tools, query.text), said }
  while (prompt) {
    const promptIds = codec.encode(prompt.text)
    const left = maxContext - session.length - promptIds.length
    // The replies do not fit the context, so the step before them is the last.
    if (left < 1) return
    if (budget.modelCalls !== null && chain.steps.length >= budget.modelCalls) {
      chain.stopReason = 'budget'
      return
    }
    const turn: Turn = await sampleTurn(chain, session, { ...prompt, promptIds, left }, options)
    if (turn.step.is_truncated) return
    prompt =
      turn.parsed.answer === undefined
        ? await callTools(chain, episode, turn, options)
        : await giveAnswer(chain, episode, { ...turn, answer: turn.parsed.answer }, options)
  }
}

/** Samples one completion after the prompt and appends it to the chain as its last step. */
async function sampleTurn(
  chain: Chain,
  session: PolicySession,
  { text, said, promptIds, left }: Prompt & { readonly promptIds: readonly number[]; readonly left: number },
  options: StrategyOptions,
): Promise<Turn> {
  const { codec, format, maxNewTokens, now } = options
  const started = now?.()
  const generation = await session.extend(promptIds, {
    temperature: options.temperature,
    ...drawnWith(options.sampling),
    stopIds: format.stopTokens.map((token) => codec.specialId(token)),
    maxNewTokens: Math.min(maxNewTokens, left),
  })
  const completion = codec.decode(generation.ids)
  const parsed = format.parse(completion)
  const step: StepInput = {
    parent: chain.steps.length === 0 ? null : chain.steps.length - 1,
    prompt: text,
    ...said,
    completion,
    tokens: {
      prompt_ids: promptIds,
      completion_ids: [...generation.ids],
      completion_logprobs: [...generation.logprobs],
      policy_version: generation.policyVersion,
    },
    thought: parsed.reasoning,
    ...(parsed.calls.length === 0 ? { content: parsed.content } : {}),
    calls: parsed.calls,
    is_final: true,
    is_truncated: generation.finish === 'length',
    truth: NOTHING_DONE,
    ...(started === undefined || !now ? {} : { generation_ms: Math.max(0, now() - started) }),
  }
  chain.steps.push(step)
  return { parsed, step }
}

/** Gives the answer to the user, who may say something more; without that the attempt ends. Returns the next prompt. */
async function giveAnswer(
  chain: Chain,
  episode: Episode,
  { parsed, step, answer }: Turn & { readonly answer: string | null },
  { format, signal }: StrategyOptions,
): Promise<Prompt | null> {
  const cancel = signal ? { signal } : {}
  const next = (await episode.userTurn?.(parsed.content, cancel)) ?? null
  if (next !== null) {
    step.is_final = false
    return { text: format.userTurn(next), said: { user: next } }
  }
  const verdict = await episode.finish(answer, cancel)
  chain.answer = answer
  chain.status = verdict.status
  step.truth = { ...verdict.truth }
  chain.stopReason = 'finish'
  return null
}

/** Carries out the calls of a turn, unless they exceed the budget, which ends the chain. Returns the next prompt. */
async function callTools(
  chain: Chain,
  episode: Episode,
  { parsed: { calls }, step }: Turn,
  { format, budget, signal, now }: StrategyOptions,
): Promise<Prompt | null> {
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
  step.is_final = false
  return { text: format.replies(replies.map((reply) => reply.text)), said: {} }
}

const systemOf = (system: string | null): Pick<StepInput, 'system'> => (system === null ? {} : { system })

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
      sampling: { temperature: options.temperature, max_new_tokens: options.maxNewTokens, ...(options.sampling ?? noFilters) },
    },
    budgets: { calls: budget.toolCalls, model_calls: budget.modelCalls, context_tokens: options.maxContext },
    steps: chain.steps,
    errors: chain.failure ? [{ type: `environment/${chain.failure.code}`, message: chain.failure.message, node: null }] : [],
    status: chain.status,
    answer: chain.answer,
    stop_condition: chain.stopReason,
    sample: options.sample ?? 0,
    source: options.source ?? '',
    world_hash: options.worldHash ?? null,
  })
}

/**
 * One chain of calls, no branching: complete, call, append the observation, until an answer, the call budget or the end of
 * the context. Ids go in and come out; the past is never rendered or tokenised again, so what was sampled is what is trained.
 */
import type { Episode } from '../../environments/toolWorld'
import { drawnWith, type SamplingFilters } from '../../records/samplingFilters'
import type { AnswerStatus, StepTruth, Trajectory, TrajectoryStep } from '../../records/trajectory'
import type { PolicySession, TextCodec } from '../policy'
import type { PromptFormat } from '../prompts/promptFormat'

export interface EpisodeRunOptions {
  readonly session: PolicySession
  readonly codec: TextCodec
  readonly episode: Episode
  readonly prompt: PromptFormat
  /** Tool calls the agent may make. After the last one it may still answer. */
  readonly callBudget: number
  /** 0 is greedy. */
  readonly temperature: number
  /** Absent: tokens are drawn from the policy itself. */
  readonly sampling?: SamplingFilters | undefined
  /** Per completion. */
  readonly maxNewTokens: number
  /** Ids the session's context may hold. */
  readonly maxContext: number
  readonly trajectoryId: string
  /** Which repeat of the query this is. */
  readonly sample?: number
  /** `run:<id>` for rollouts. */
  readonly source?: string
  readonly worldHash?: string | null
  /** A clock in milliseconds; without one the steps carry no timing. */
  readonly now?: () => number
}

const NOTHING_DONE: StepTruth = { succeeded: false, needed: false }

export async function runChainOfThought(options: EpisodeRunOptions): Promise<Trajectory> {
  const { session, codec, episode, prompt, callBudget, maxNewTokens, maxContext, now } = options
  const drawn = { temperature: options.temperature, ...drawnWith(options.sampling), stopIds: [codec.specialId(prompt.stopToken)] }
  if (!Number.isInteger(callBudget) || callBudget < 1) throw new RangeError(`the call budget must be at least 1, found ${callBudget}`)
  const steps: TrajectoryStep[] = []
  let status: AnswerStatus | null = null
  let answer: string | null = null
  let stopReason: Trajectory['stop_reason'] = 'length'
  let text = prompt.renderStart(episode.tools, episode.query.text)
  let calls = 0

  while (status === null) {
    const promptIds = codec.encode(text)
    const room = maxContext - session.length - promptIds.length
    if (room < 1) {
      // The observation does not fit: the step before it was the last.
      stopReason = 'length'
      break
    }
    const started = now?.()
    const generation = await session.extend(promptIds, { ...drawn, maxNewTokens: Math.min(maxNewTokens, room) })
    const completion = codec.decode(generation.ids)
    const call = prompt.parseCompletion(completion)
    const isTruncated = generation.finish === 'length'
    const step: TrajectoryStep = {
      parent: steps.length === 0 ? null : steps.length - 1,
      prompt: text,
      completion,
      tokens: {
        prompt_ids: promptIds,
        completion_ids: [...generation.ids],
        completion_logprobs: [...generation.logprobs],
        policy_version: generation.policyVersion,
      },
      thought: '',
      call,
      observation: null,
      is_final: true,
      is_truncated: isTruncated,
      truth: NOTHING_DONE,
      ...(started === undefined || !now ? {} : { generation_ms: Math.max(0, now() - started) }),
    }
    steps.push(step)
    if (isTruncated) break

    const given = prompt.finalAnswer(call)
    if (given !== undefined) {
      const verdict = episode.finish(given)
      answer = given
      status = verdict.status
      step.truth = { ...verdict.truth }
      stopReason = 'finish'
    } else if (calls === callBudget) {
      stopReason = 'budget'
      break
    } else {
      calls += 1
      const reply = episode.call(call)
      step.observation = reply.text
      step.truth = { ...reply.truth }
      step.is_final = false
      text = prompt.renderObservation(reply.text)
    }
  }

  const last = steps[steps.length - 1]
  if (last) last.is_final = true
  return {
    version: 1,
    trajectory_id: options.trajectoryId,
    query_id: episode.query.query_id,
    query: episode.query.text,
    split: episode.query.split,
    tools: [...episode.tools],
    steps,
    status: status ?? episode.finish(null).status,
    answer,
    stop_reason: stopReason,
    call_budget: callBudget,
    strategy: 'cot',
    sample: options.sample ?? 0,
    source: options.source ?? '',
    world_hash: options.worldHash ?? null,
  }
}

/**
 * Trajectory → the token sequence step-grained PPO trains on: query ++ response as StepTool builds them (`step_ppo.py`), every
 * step's completion marked. Rollouts carry their token ids and are never tokenised again; imported text is encoded segment by segment.
 */
import { float32FromF16, f16FromFloat32 } from '../../base/halfFloat'
import type { TextEncoding } from '../../base/textCodec'
import { chosenPath, stepsOf } from '../../records/trajectory'
import type { Trajectory } from '../../records/trajectory'

export interface TokenizedTrajectory {
  readonly trajectoryId: string
  readonly ids: readonly number[]
  /** For each token the step whose completion it is part of, as an index into `rewards`; −1 for prompts and observations. */
  readonly stepOf: readonly number[]
  /** One per step of the chosen path, root first; null is unlabelled, 0 is a judgement. Steps cut away keep their place. */
  readonly rewards: readonly (number | null)[]
  /** Index in the trajectory's `steps` of each of those steps. */
  readonly stepIndex: readonly number[]
  /** log π of each token when it was sampled, in nats; NaN where that is not known. When absent, it is known of no token. */
  readonly sampledLogp?: readonly number[]
  /** Tokens that max_context_len and max_response_len cut away. */
  readonly truncatedTokens: number
  /** Steps (as in `stepOf`) that lost at least one completion token. */
  readonly truncatedSteps: readonly number[]
  /** Steps (as in `stepOf`) left without a completion token that has a token before it: whatever their label, they carry no loss. */
  readonly notTrainedSteps: readonly number[]
}

export const ENCODINGS = ['auto', 'tokens', 'text', 'text_released'] as const
export const REWARD_DTYPES = ['float32', 'float16'] as const

export interface TokenizeOptions {
  readonly maxContextLen: number
  readonly maxResponseLen: number
  /**
   * `tokens`: the ids of the rollout, an error when a step has none. `text`: encode every segment, with what the tokenizer puts before a text
   * (BOS of Llama's) at the start alone. `text_released`: it is put before every segment, trained ones too (quirk Q3). `auto`: tokens where
   * all steps have them, else text.
   */
  readonly encoding: (typeof ENCODINGS)[number]
  /** `float16` rounds rewards as StepTool's release does (0.96666 → 0.96680). */
  readonly rewardDtype?: (typeof REWARD_DTYPES)[number]
}

/**
 * @param rewards one per step of the trajectory (all of `steps`); those on the chosen path are kept.
 */
export function tokenizeTrajectory(
  trajectory: Trajectory,
  rewards: readonly (number | null)[],
  codec: TextEncoding,
  options: TokenizeOptions,
): TokenizedTrajectory {
  const name = trajectory.trajectory_id
  if (rewards.length !== stepsOf(trajectory).length)
    throw new Error(`${name}: expected ${stepsOf(trajectory).length} rewards, one per step, found ${rewards.length}`)
  const path = chosenPath(trajectory)
  if (path.length === 0) throw new Error(`${name}: a trajectory without steps cannot be trained on`)
  const isStored = usesStoredTokens(name, path, options.encoding)
  const segments = path.map(({ step }, at) =>
    isStored && step.tokens ? storedSegment(step.tokens) : encodedSegment(step, at === 0, codec, options.encoding),
  )
  const { ids, stepOf, logp, truncatedTokens } = cutToLength(segments, options)
  const left = tokensPerStep(stepOf, 0, segments.length)
  const trainable = tokensPerStep(stepOf, 1, segments.length)
  return {
    trajectoryId: name,
    ids,
    stepOf,
    rewards: path.map(({ index }) => rewardOf(name, index, rewards[index] ?? null, options.rewardDtype)),
    stepIndex: path.map(({ index }) => index),
    ...(isStored ? { sampledLogp: logp } : {}),
    truncatedTokens,
    truncatedSteps: segments.flatMap(({ completion }, index) => (completion.length > (left[index] ?? 0) ? [index] : [])),
    notTrainedSteps: trainable.flatMap((tokens, index) => (tokens === 0 ? [index] : [])),
  }
}

type PathStep = ReturnType<typeof chosenPath>[number]['step']

/** A step's prompt and completion as ids. */
interface Segment {
  readonly prompt: readonly number[]
  readonly completion: readonly number[]
  /** log π of each token of the completion when it was sampled, in nats; empty if it is not known. */
  readonly logp: readonly number[]
}

/** Whether the ids of the rollout are taken; throws where they are asked for and a step has none. */
function usesStoredTokens(name: string, path: ReturnType<typeof chosenPath>, encoding: TokenizeOptions['encoding']): boolean {
  const hasTokens = path.every(({ step }) => step.tokens !== null)
  if (encoding === 'tokens' && !hasTokens) throw new Error(`${name}: expected token ids on every step, found a step without`)
  return encoding === 'tokens' || (encoding === 'auto' && hasTokens)
}

const storedSegment = (tokens: NonNullable<PathStep['tokens']>): Segment => ({
  prompt: tokens.prompt_ids,
  completion: tokens.completion_ids,
  logp: tokens.completion_logprobs,
})

/** Encodes a step's text; what the tokenizer puts before a text stands where the encoding wants it. */
function encodedSegment(step: PathStep, isFirst: boolean, codec: TextEncoding, encoding: TokenizeOptions['encoding']): Segment {
  const isReleased = encoding === 'text_released'
  const encode = (text: string, isStart: boolean): readonly number[] =>
    isReleased ? codec.encode(text, { addSpecialTokens: true }) : isStart ? encodeStart(text, codec) : codec.encode(text)
  return { prompt: encode(step.prompt, isFirst), completion: encode(step.completion, false), logp: [] }
}

/** Query ++ response: all segments but the last completion, cut from the left, then that completion, cut from the right. */
function cutToLength(segments: readonly Segment[], { maxContextLen, maxResponseLen }: TokenizeOptions) {
  const last = segments.length - 1
  const query: number[] = []
  const queryStepOf: number[] = []
  const queryLogp: number[] = []
  const append = (ids: readonly number[], step: number, logp: readonly number[]): void => {
    ids.forEach((id, at) => {
      query.push(id)
      queryStepOf.push(step)
      queryLogp.push(logp[at] ?? Number.NaN)
    })
  }
  segments.forEach(({ prompt, completion, logp }, index) => {
    append(prompt, -1, [])
    if (index < last) append(completion, index, logp)
  })
  const final = segments[last]?.completion ?? []
  const finalLogp = segments[last]?.logp ?? []
  const cutQuery = Math.max(0, query.length - maxContextLen)
  const response = final.slice(0, maxResponseLen)
  return {
    ids: [...query.slice(cutQuery), ...response],
    stepOf: [...queryStepOf.slice(cutQuery), ...response.map(() => last)],
    logp: [...queryLogp.slice(cutQuery), ...response.map((_, at) => finalLogp[at] ?? Number.NaN)],
    truncatedTokens: cutQuery + final.length - response.length,
  }
}

/** The reward of a step as it is trained on; throws for one that is no finite number. */
function rewardOf(name: string, index: number, reward: number | null, dtype: TokenizeOptions['rewardDtype']): number | null {
  if (reward !== null && !Number.isFinite(reward)) throw new Error(`${name}: the reward of step ${index} is not a finite number`)
  return reward !== null && dtype === 'float16' ? toFloat16(reward) : reward
}

/** The ids of a text that begins a conversation: after what the tokenizer puts before a text, once. */
export function encodeStart(text: string, codec: TextEncoding): readonly number[] {
  const plain = codec.encode(text)
  const whole = codec.encode(text, { addSpecialTokens: true })
  for (let front = 0; front + plain.length <= whole.length; front++) {
    if (!plain.every((id, at) => whole[front + at] === id)) continue
    const before = whole.slice(0, front)
    return before.every((id, at) => plain[at] === id) && plain.length > 0 ? plain : [...before, ...plain]
  }
  return plain
}

function tokensPerStep(stepOf: readonly number[], from: number, steps: number): number[] {
  const count = new Array<number>(steps).fill(0)
  for (const step of stepOf.slice(from)) if (step >= 0) count[step] = (count[step] ?? 0) + 1
  return count
}

/** The nearest IEEE half-precision number. */
export function toFloat16(value: number): number {
  return float32FromF16(f16FromFloat32(Float32Array.of(value)))[0] ?? Number.NaN
}

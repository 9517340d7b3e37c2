/** The request and result of generation: token ids in, token ids out. */
import { firstNonFinite } from '../base/nonFinite'

export interface GenerationRequest {
  readonly maxNewTokens: number
  readonly temperature: number
  readonly stopIds: readonly number[]
  /** Generation ends once the completion's text holds any of these; the token that completes it is the last. The text is searched every few tokens. */
  readonly stopText?: StopText
  /** Draw among so many of the likeliest tokens; 0 or absent: among all. Log-probabilities are those before any of these filters. */
  readonly topK?: number
  /** Draw among the likeliest tokens that together hold this share of the probability; 1 or absent: among all. */
  readonly topP?: number
  /** Draw among tokens at least this share as likely as the likeliest; 0 or absent: among all. */
  readonly minP?: number
  /** Logits of tokens the context holds are divided by this where positive, multiplied where negative (Keskar 2019); 1 or absent: as they are. */
  readonly repetitionPenalty?: number
  /** Receives new tokens every few steps while they are generated. */
  readonly onTokens?: (ids: readonly number[]) => void
  /** When it aborts, the extend rejects and the session is as it was before. */
  readonly signal?: AbortSignal
}

export interface StopText {
  readonly strings: readonly string[]
  readonly decode: (ids: readonly number[]) => string
}

export interface GenerationResult {
  readonly ids: readonly number[]
  readonly logprobs: readonly number[]
  readonly finish: 'stop' | 'length'
  readonly policyVersion: number
}

/** The model's numbers are NaN or infinite, so no token can be sampled. */
export class NonFiniteError extends Error {
  override readonly name = 'NonFiniteError'
  /** The text that the model read. */
  readonly ids: readonly number[]
  constructor(message: string, ids: readonly number[]) {
    super(message)
    this.ids = ids
  }
}

/** Throws NonFiniteError when a token that was drawn after `context` has no log-probability. */
export function checkDrawn(context: readonly number[], ids: readonly number[], logprobs: readonly number[]): void {
  const at = firstNonFinite(logprobs)
  if (at === null) return
  throw new NonFiniteError(
    `The log-probability of new token ${at + 1} after ${context.length} tokens of context is ${String(logprobs[at])}`,
    [...context, ...ids.slice(0, at)],
  )
}

/** How many of `ids` a stop string needs, or null when none is there. */
export function stopLength(ids: readonly number[], { strings, decode }: StopText): number | null {
  const isStopped = (count: number): boolean => {
    const text = decode(ids.slice(0, count))
    return strings.some((one) => one !== '' && text.includes(one))
  }
  if (!isStopped(ids.length)) return null
  let count = ids.length
  while (count > 1 && isStopped(count - 1)) count--
  return count
}

/** One sentence on what is wrong with a request, or null. */
export function refusalOf(request: GenerationRequest, maxNewTokens: number): string | null {
  const { repetitionPenalty = 1 } = request
  if (request.maxNewTokens < 1 || request.maxNewTokens > maxNewTokens)
    return `1 to ${maxNewTokens} new tokens at once, asked for ${request.maxNewTokens}`
  if (request.stopIds.length > 4) return `at most 4 stop ids, found ${request.stopIds.length}`
  if (!(repetitionPenalty > 0)) return `a repetition penalty is above 0, found ${repetitionPenalty}`
  return null
}

/** What is asked of generation, and what comes back: token ids in, token ids out. */
export interface GenerationRequest {
  readonly maxNewTokens: number
  readonly temperature: number
  readonly stopIds: readonly number[]
  /** Draw among so many of the likeliest tokens; 0 or absent: among all. Log-probabilities are those before any of these filters. */
  readonly topK?: number
  /** Draw among the likeliest tokens that together hold this share of the probability; 1 or absent: among all. */
  readonly topP?: number
  /** Draw among tokens at least this share as likely as the likeliest; 0 or absent: among all. */
  readonly minP?: number
}
export interface GenerationResult {
  readonly ids: readonly number[]
  readonly logprobs: readonly number[]
  readonly finish: 'stop' | 'length'
  readonly policyVersion: number
}

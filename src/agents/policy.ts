/**
 * The seam between an agent loop and a local language model: token ids in, token ids out.
 * A session is one growing context; the policy batches whatever sessions ask at the same time.
 */
export interface SampleOptions {
  readonly maxNewTokens: number
  /** 0 is greedy. */
  readonly temperature: number
  /** Of the tokens drawn; log-probabilities are those before any of them. Absent: none. */
  readonly topP?: number
  readonly topK?: number
  readonly minP?: number
  readonly repetitionPenalty?: number
  /** Generation ends after any of these ids (the id is kept in the completion). */
  readonly stopIds: readonly number[]
}

export interface Generation {
  readonly ids: readonly number[]
  /** log π of each id at temperature 1·T only (no top-k or penalties), nats. */
  readonly logprobs: readonly number[]
  readonly finish: 'stop' | 'length'
  readonly policyVersion: number
}

/** Which draws a session makes: the same key gives the same tokens. */
export interface DrawKey {
  readonly query: number
  readonly sample: number
}

/** Sample numbers are below this; branches of one attempt draw with numbers above it. */
const BRANCH = 1 << 16

/** The key of a branch of an attempt; branch 0 is the attempt itself. */
export const branchKey = ({ query, sample }: DrawKey, branch: number): DrawKey => ({ query, sample: sample + branch * BRANCH })

export interface PolicySession {
  /** Appends ids to the context, then samples a completion, which joins the context too. */
  extend(ids: readonly number[], options: SampleOptions): Promise<Generation>
  /** A second session with the same context so far, of which nothing is computed again. Both go on independently. */
  fork(key: DrawKey): Promise<PolicySession>
  readonly length: number
  close(): void
}

export interface Policy {
  /**
   * Waits for a free place; forks of a session need none. Sampling is keyed by (seed, query, sample, policy version, token position), never
   * by the place.
   */
  open(key: DrawKey): Promise<PolicySession>
  readonly maxContext: number
}

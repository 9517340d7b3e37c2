/** Batches of fresh practice on the task of two calls, every query equally often. */
import type { PolicyModel } from '../../src/training/policy/policyModel'
import type { TokenizedTrajectory } from '../../src/training/batches/tokenizedTrajectory'
import { type Episode, Practice, queries, rewarded } from './twoCalls'

export interface OnPolicy {
  next(batch: number, policy: PolicyModel): Promise<readonly TokenizedTrajectory[]>
}

/** Runs with practice of its own, whose GPU memory is freed before the policy is handed back. */
export async function withPractice<T>(
  seed: number,
  each: number,
  rewardsOf: (one: Episode) => readonly number[],
  shuffledBy: number | null,
  run: (source: OnPolicy) => Promise<T>,
): Promise<T> {
  const practice = new Practice(seed)
  try {
    return await run({
      next: async (batch, policy) => {
        const asked = queries.flatMap((_, query) => Array.from({ length: each }, () => query))
        return rewarded(await practice.episodes(policy, batch, asked), rewardsOf, shuffledBy === null ? null : shuffledBy * 10_000 + batch)
      },
    })
  } finally {
    await practice.destroy()
  }
}

/** The null experiment: what a run learns from shuffled rewards, it does not learn from the labels. */
import { createRng } from '../../base/random'
import type { LabelledTrajectory } from '../../training/batches/labelledTrajectory'

const STREAM = { rewards: 79, statuses: 81 } as const

/** The same rewards on other steps, the same statuses on other trajectories. Steps without a label stay so. */
export function shuffledRewards(batch: readonly LabelledTrajectory[], seed: number, step: number): LabelledTrajectory[] {
  const rewards = batch.flatMap((one) => one.rewards.filter((reward) => reward !== null))
  const order = createRng(seed, STREAM.rewards, step).shuffle(rewards)
  const statuses = createRng(seed, STREAM.statuses, step).shuffle(batch.map(({ trajectory }) => trajectory.status))
  let next = 0
  return batch.map((one, index) => ({
    trajectory: { ...one.trajectory, status: statuses[index] ?? null },
    rewards: one.rewards.map((reward) => (reward === null ? null : (order[next++] ?? reward))),
  }))
}

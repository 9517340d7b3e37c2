/** GRPO's arithmetic on the host, in f64, as in TRL's GRPOTrainer: advantages within groups, and the weights of tokens in the loss. */

export const SCALE_REWARDS = ['group', 'batch', 'none'] as const
export type ScaleRewards = (typeof SCALE_REWARDS)[number]
export const GRPO_LOSS_TYPES = ['dapo', 'grpo', 'bnpo', 'dr_grpo', 'cispo'] as const
export type GrpoLossType = (typeof GRPO_LOSS_TYPES)[number]

/** TRL adds this to a standard deviation before dividing by it. */
const STD_EPSILON = 1e-4

export interface GroupAdvantages {
  /** (r − mean of the group) / (std + 1e-4); 0 where there is no reward. */
  readonly advantages: readonly number[]
  /** Whether all rewards of the group are equal: nothing can be learnt from it. */
  readonly isFlat: readonly boolean[]
}

/** @param groups the group of each reward. Standard deviations are unbiased (n − 1), as torch's. */
export function groupAdvantages(rewards: readonly (number | null)[], groups: readonly string[], scale: ScaleRewards): GroupAdvantages {
  const byGroup = new Map<string, number[]>()
  rewards.forEach((reward, index) => {
    if (reward === null) return
    const group = groups[index] ?? ''
    byGroup.set(group, [...(byGroup.get(group) ?? []), reward])
  })
  const moments = new Map([...byGroup].map(([group, values]) => [group, momentsOf(values)]))
  const whole = momentsOf(rewards.filter((reward) => reward !== null))
  const none = { mean: 0, std: 0 }
  const of = (index: number): { mean: number; std: number } => moments.get(groups[index] ?? '') ?? none
  return {
    advantages: rewards.map((reward, index) => {
      if (reward === null) return 0
      const gained = reward - of(index).mean
      if (scale === 'none') return gained
      return gained / ((scale === 'batch' ? whole : of(index)).std + STD_EPSILON)
    }),
    isFlat: rewards.map((_, index) => of(index).std < 1e-8),
  }
}

export function momentsOf(values: readonly number[]): { mean: number; std: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return { mean, std: values.length < 2 ? 0 : Math.sqrt(squares / (values.length - 1)) }
}

/** One update's share of a batch. */
export interface UpdateTokens {
  /** Trained tokens of each of its attempts; 0 for one that is masked out, which still counts as an attempt. */
  readonly lengths: readonly number[]
  /** Trained tokens of the whole batch, and the updates one pass over it is cut into. */
  readonly batchTokens: number
  readonly updates: number
}

/**
 * Weight of every token of each attempt in the loss of one update. dapo and cispo share a batch's tokens out among its updates, so that a token
 * weighs the same whichever it falls into (TRL's num_items_in_batch); bnpo averages within the update.
 */
export function tokenWeights(
  lossType: GrpoLossType,
  { lengths, batchTokens, updates }: UpdateTokens,
  maxCompletionLength: number,
): number[] {
  const tokens = Math.max(
    1,
    lengths.reduce((sum, length) => sum + length, 0),
  )
  const attempts = Math.max(1, lengths.length)
  switch (lossType) {
    case 'grpo':
      return lengths.map((length) => 1 / (attempts * Math.max(1, length)))
    case 'dr_grpo':
      return lengths.map(() => 1 / (attempts * maxCompletionLength))
    case 'bnpo':
      return lengths.map(() => 1 / tokens)
    case 'dapo':
    case 'cispo':
      return lengths.map(() => updates / Math.max(1, batchTokens))
  }
}

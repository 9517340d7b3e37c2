/** The metrics of a batch of PPO, under TRL's classic names. They are computed in f64 on the host from tables that are read back after the batch. */
import { PPO_TOTAL } from '../../../engine/ops/ppoMinibatch'
import type { BatchLayout, BatchItem } from '../../batches/batchLayout'
import type { TokenizedTrajectory } from '../../batches/tokenizedTrajectory'
import { samplingMeanings, samplingMetrics } from '../../policy/samplingMetrics'

/** Rows of the two tables of a batch. */
export const PPO_ROW = { logp: 0, value: 1, advantage: 2, returns: 3 } as const
export const PPO_DETAIL = { ref: 0, reward: 1, kl: 2, rawAdvantage: 3 } as const

/** Every metric of PPO and its meaning. */
export const ppoMetricMeanings = {
  loss: 'This is the same as ppo/loss/total.',
  'objective/kl':
    'This is the mean over sequences of Σ_t (log π − log π_ref) over the trained tokens, in nats. The KL controller uses it. If it is far below 0, tokens were not sampled from the policy as it is scored.',
  'objective/kl_dist/mean': 'This is the mean of the KL per sequence, which equals objective/kl.',
  'objective/kl_dist/std': 'This is the standard deviation of the KL per sequence over the batch (n − 1).',
  'objective/logprobs': 'This is the mean log π of the trained tokens before this batch’s updates, in nats.',
  'objective/ref_logprobs': 'This is the mean log π_ref of the trained tokens, in nats.',
  'objective/kl_coef': 'This is β, the weight of the KL penalty in the rewards of this batch.',
  'objective/entropy':
    'This is the mean over sequences of −Σ_t log π of the sampled tokens. It is not the entropy of the distribution, which is ppo/policy/entropy.',
  'ppo/mean_scores': 'This is the mean reward of the final step, as StepTool logs it.',
  'ppo/std_scores': 'This is the standard deviation of the final steps’ rewards (n − 1).',
  'ppo/mean_non_score_reward': 'This is the mean of −β·KL over the trained tokens.',
  'ppo/loss/policy': 'This is the clipped policy loss, averaged over the mini-batches of all PPO epochs.',
  'ppo/loss/value': 'This is the clipped value loss, averaged over mini-batches. It includes the factor ½, but not vf_coef.',
  'ppo/loss/total': 'This is the policy loss + vf_coef · the value loss, averaged over mini-batches.',
  'ppo/policy/entropy': 'This is the entropy of π over the vocabulary at the trained tokens, in nats, averaged over mini-batches.',
  'ppo/policy/approxkl': 'This is ½ of the mean of (log π_new − log π_old)². It shows how far this batch moved the policy.',
  'ppo/policy/policykl': 'This is the mean of log π_old − log π_new.',
  'ppo/policy/clipfrac': 'This is the fraction of tokens whose policy loss is clipped.',
  'ppo/policy/advantages_mean': 'This is the mean advantage that the loss uses. It is near 0 if advantages are whitened.',
  'ppo/policy/ratio': 'This is the mean of π_new / π_old. It stays near 1.',
  'ppo/returns/mean': 'This is the mean return, which is the advantage before whitening plus the value.',
  'ppo/returns/var': 'This is the variance of the returns (n − 1), averaged over mini-batches.',
  'ppo/val/vpred': 'This is the mean value prediction during the updates.',
  'ppo/val/error': 'This is the mean of (V − R)² during the updates.',
  'ppo/val/clipfrac': 'This is the fraction of tokens whose value loss is clipped.',
  'ppo/val/mean': 'This is the mean value prediction before the updates.',
  'ppo/val/var': 'This is the variance of the value predictions before the updates (n − 1), averaged over mini-batches.',
  'ppo/val/var_explained':
    'This is 1 − ppo/val/error / ppo/returns/var. A perfect value head has 1, and one that is no better than a constant has 0.',
  'ppo/learning_rate': 'This is the learning rate of Adam.',
  'ppo/skipped_minibatches': 'This is the number of mini-batches that were skipped because their mean ratio was above ratio_threshold.',
  'tokens/queries_len_mean': 'This is the mean number of tokens before the final response.',
  'tokens/responses_len_mean': 'This is the mean number of tokens of the final response.',
  'tokens/trained_mean': 'This is the mean number of trained tokens per sequence, counting the completions of all steps.',
  'env/reward_mean': 'This is the mean reward of the labelled steps.',
  'env/reward_std': 'This is the standard deviation of the labelled steps’ rewards (n − 1).',
  'steps/unlabelled': 'This is the number of steps without a label in this batch.',
  'steps/truncated': 'This is the number of steps that lost completion tokens to max_context_len or max_response_len.',
  'steps/not_trained': 'This is the number of steps that truncation left without a token to train on.',
  grad_norm:
    'This is the global gradient norm before clipping, at the last update of the batch. It is −1 if a gradient was not finite and the update was skipped.',
  skipped_updates: 'This counts the updates that were skipped since the start because a gradient was not finite.',
  num_tokens: 'This counts the tokens of all sequences trained on since the start, once per batch.',
  ...samplingMeanings,
} as const
/** The metrics of the sampling policy are present if the data has them. */
export type PpoMetrics = Record<Exclude<keyof typeof ppoMetricMeanings, keyof typeof samplingMeanings>, number>

export interface PpoReadings {
  readonly batch: BatchLayout
  /** All sequences of the batch, those without a trained token too. */
  readonly sequences: readonly TokenizedTrajectory[]
  /** [rows, 4] by `PPO_ROW` and by `PPO_DETAIL`. */
  readonly table: Float32Array
  readonly details: Float32Array
  /** Sums over mini-batches, `PPO_TOTAL`. */
  readonly totals: Float32Array
  /** Items of every mini-batch of every epoch. */
  readonly minibatches: readonly (readonly BatchItem[])[]
  readonly klCoef: number
  readonly learningRate: number
  readonly gradNorm: number
  readonly skippedUpdates: number
  readonly tokens: number
}

export function ppoMetrics(readings: PpoReadings): PpoMetrics {
  const { batch, sequences, table, details, totals, klCoef } = readings
  const rowsOf = (item: BatchItem): number[] => item.sequence.targets.map((_, index) => item.firstRow + index)
  const allRows = batch.items.flatMap(rowsOf)
  const fromTable = (column: number) => (row: number) => table[row * 4 + column] ?? Number.NaN
  const fromDetails = (column: number) => (row: number) => details[row * 4 + column] ?? Number.NaN
  const sequenceKl = batch.items.map((item) => sum(rowsOf(item).map(fromDetails(PPO_DETAIL.kl))))
  const perMinibatch = (moment: (values: readonly number[]) => number, column: number): number =>
    mean(readings.minibatches.map((items) => moment(items.flatMap(rowsOf).map(fromTable(column)))))
  const meanTotal = (word: number): number => (totals[word] ?? Number.NaN) / (totals[PPO_TOTAL.minibatches] ?? 1)
  const scores = sequences.flatMap(({ rewards }) => rewards.at(-1) ?? [])
  const labelled = sequences.flatMap(({ rewards }) => rewards.filter((reward) => reward !== null))
  const returnsVariance = perMinibatch(variance, PPO_ROW.returns)
  const responses = sequences.map(responseLength)
  return {
    loss: meanTotal(PPO_TOTAL.total),
    'objective/kl': mean(sequenceKl),
    'objective/kl_dist/mean': mean(sequenceKl),
    'objective/kl_dist/std': Math.sqrt(variance(sequenceKl)),
    'objective/logprobs': mean(allRows.map(fromTable(PPO_ROW.logp))),
    'objective/ref_logprobs': mean(allRows.map(fromDetails(PPO_DETAIL.ref))),
    'objective/kl_coef': klCoef,
    'objective/entropy': mean(batch.items.map((item) => -sum(rowsOf(item).map(fromTable(PPO_ROW.logp))))),
    'ppo/mean_scores': mean(scores),
    'ppo/std_scores': Math.sqrt(variance(scores)),
    'ppo/mean_non_score_reward': -klCoef * mean(allRows.map(fromDetails(PPO_DETAIL.kl))),
    'ppo/loss/policy': meanTotal(PPO_TOTAL.policy),
    'ppo/loss/value': meanTotal(PPO_TOTAL.value),
    'ppo/loss/total': meanTotal(PPO_TOTAL.total),
    'ppo/policy/entropy': meanTotal(PPO_TOTAL.entropy),
    'ppo/policy/approxkl': meanTotal(PPO_TOTAL.approxkl),
    'ppo/policy/policykl': meanTotal(PPO_TOTAL.policykl),
    'ppo/policy/clipfrac': meanTotal(PPO_TOTAL.policyClipfrac),
    'ppo/policy/advantages_mean': perMinibatch(mean, PPO_ROW.advantage),
    'ppo/policy/ratio': meanTotal(PPO_TOTAL.ratio),
    'ppo/returns/mean': perMinibatch(mean, PPO_ROW.returns),
    'ppo/returns/var': returnsVariance,
    'ppo/val/vpred': meanTotal(PPO_TOTAL.vpred),
    'ppo/val/error': meanTotal(PPO_TOTAL.error),
    'ppo/val/clipfrac': meanTotal(PPO_TOTAL.valueClipfrac),
    'ppo/val/mean': perMinibatch(mean, PPO_ROW.value),
    'ppo/val/var': perMinibatch(variance, PPO_ROW.value),
    'ppo/val/var_explained': returnsVariance > 0 ? 1 - meanTotal(PPO_TOTAL.error) / returnsVariance : Number.NaN,
    'ppo/learning_rate': readings.learningRate,
    'ppo/skipped_minibatches': totals[PPO_TOTAL.skipped] ?? Number.NaN,
    'tokens/queries_len_mean': mean(sequences.map(({ ids }, index) => ids.length - (responses[index] ?? 0))),
    'tokens/responses_len_mean': mean(responses),
    'tokens/trained_mean': allRows.length / sequences.length,
    'env/reward_mean': mean(labelled),
    'env/reward_std': Math.sqrt(variance(labelled)),
    'steps/unlabelled': sum(sequences.map(({ rewards }) => rewards.filter((reward) => reward === null).length)),
    'steps/truncated': sum(sequences.map(({ truncatedSteps }) => truncatedSteps.length)),
    'steps/not_trained': sum(sequences.map(({ notTrainedSteps }) => notTrainedSteps.length)),
    grad_norm: readings.gradNorm,
    skipped_updates: readings.skippedUpdates,
    num_tokens: readings.tokens,
    ...samplingMetrics(batch, fromTable(PPO_ROW.logp)),
  }
}

/** The trained tokens of one trajectory as the batch saw them; arrays run along `positions`. */
export interface PpoTokens {
  readonly trajectoryId: string
  /** Positions in the sequence's ids. */
  readonly positions: readonly number[]
  readonly logp: readonly number[]
  readonly refLogp: readonly number[]
  readonly kl: readonly number[]
  readonly value: readonly number[]
  /** Step score − β·KL. */
  readonly reward: readonly number[]
  /** Before whitening, and as the loss uses it. */
  readonly rawAdvantage: readonly number[]
  readonly advantage: readonly number[]
  readonly returns: readonly number[]
}

export function ppoTokens({ batch, table, details }: Pick<PpoReadings, 'batch' | 'table' | 'details'>): PpoTokens[] {
  return batch.items.map(({ source, sequence, firstRow }) => {
    const column = (from: Float32Array, word: number): number[] =>
      sequence.targets.map((_, index) => from[(firstRow + index) * 4 + word] ?? Number.NaN)
    return {
      trajectoryId: source.trajectoryId,
      positions: sequence.targets,
      logp: column(table, PPO_ROW.logp),
      refLogp: column(details, PPO_DETAIL.ref),
      kl: column(details, PPO_DETAIL.kl),
      value: column(table, PPO_ROW.value),
      reward: column(details, PPO_DETAIL.reward),
      rawAdvantage: column(details, PPO_DETAIL.rawAdvantage),
      advantage: column(table, PPO_ROW.advantage),
      returns: column(table, PPO_ROW.returns),
    }
  })
}

function responseLength({ stepOf, rewards }: TokenizedTrajectory): number {
  return stepOf.filter((step) => step === rewards.length - 1).length
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
function mean(values: readonly number[]): number {
  return sum(values) / values.length
}
/** The unbiased variance; 0 for fewer than two values. */
function variance(values: readonly number[]): number {
  if (values.length < 2) return 0
  const middle = mean(values)
  return sum(values.map((value) => (value - middle) ** 2)) / (values.length - 1)
}

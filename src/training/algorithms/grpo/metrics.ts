/** The metrics of a batch of GRPO, under TRL's names. */
import { GRPO_SUM } from '../../../engine/ops/grpoLoss'
import { momentsOf } from './arithmetic'
import { attemptReward, type GrpoSample } from './groups'
import type { GrpoConfig } from './config'
import type { BatchLayout } from '../../batches/batchLayout'
import { samplingMeanings, samplingMetrics } from '../../policy/samplingMetrics'

/** Every metric of GRPO and its meaning. */
export const grpoMetricMeanings = {
  loss: 'This is the mean loss of the batch’s updates. With one update per batch every ratio is 1 and advantages sum to 0, so the loss is near 0 (exactly 0 with loss_type grpo) although its gradient is not. Watch reward instead.',
  reward: 'This is the mean reward of the attempts.',
  reward_std: 'This is the standard deviation of the rewards over the whole batch (n − 1), as in TRL since 0.29.',
  frac_reward_zero_std:
    'This is the fraction of groups whose rewards are all equal, so that nothing is learnt from them. With advantage_level step the rewards of steps are compared.',
  kl: 'This is the mean k3 estimate of KL(π ‖ π_ref) per token, which is never negative. It is weighted by the ratio with use_bias_correction_kl, and reported if beta is above 0.',
  entropy: 'This is the mean entropy of π over the vocabulary at the trained tokens, in nats.',
  'clip_ratio/low_mean':
    'This is the fraction of tokens whose ratio is clipped from below. With a ratio per sequence it is a fraction of attempts.',
  'clip_ratio/high_mean':
    'This is the fraction of tokens whose ratio is clipped from above. With a ratio per sequence it is a fraction of attempts.',
  'clip_ratio/region_mean': 'This is the sum of clip_ratio/low_mean and clip_ratio/high_mean.',
  cispo_clip_ratio:
    'This is the fraction of tokens whose weight is clipped at epsilon_high, reported with cispo. They still have a gradient.',
  'val/ratio': 'This is the mean of π_new / π_old. It is 1 at a batch’s first update.',
  'completions/mean_length':
    'This is the mean number of tokens that the model wrote in an attempt, without tool replies. Masked attempts are included.',
  'completions/min_length': 'This is the smallest number of tokens that the model wrote in an attempt.',
  'completions/max_length': 'This is the largest number of tokens that the model wrote in an attempt.',
  'completions/mean_terminated_length':
    'This is the mean number of tokens that the model wrote in attempts that were not cut off. It is 0 if all were.',
  'completions/min_terminated_length': 'This is the smallest number of tokens that the model wrote in an attempt that was not cut off.',
  'completions/max_terminated_length': 'This is the largest number of tokens that the model wrote in an attempt that was not cut off.',
  'completions/clipped_ratio': 'This is the fraction of attempts that were cut off because they ran out of calls or tokens.',
  grad_norm:
    'This is the global gradient norm before clipping, at the last update. It is −1 if a gradient was not finite and the update was skipped.',
  skipped_updates: 'This counts the updates that were skipped since the start because a gradient was not finite.',
  learning_rate: 'This is the learning rate of the last update.',
  num_tokens: 'This counts the tokens of all sequences trained on since the start, once per batch.',
  ...samplingMeanings,
} as const

type Metrics = Partial<Record<keyof typeof grpoMetricMeanings, number>>

export interface GrpoReadings {
  readonly settings: GrpoConfig
  /** The whole batch, masked attempts too. */
  readonly samples: readonly GrpoSample[]
  /** Own tokens of each. */
  readonly lengths: readonly number[]
  readonly batch: BatchLayout
  /** [rows, 4]: the batch's table, log π_old first. */
  readonly table: Float32Array
  /** Sums over the batch's updates, `GRPO_SUM`. */
  readonly sums: Float32Array
  readonly updates: number
  readonly groups: number
  readonly flatGroups: number
  readonly gradNorm: number
  readonly skippedUpdates: number
  readonly learningRate: number
  readonly tokens: number
}

export function grpoMetrics(readings: GrpoReadings): Record<string, number> {
  const { settings, samples, lengths, sums } = readings
  const of = (key: keyof typeof GRPO_SUM): number => sums[GRPO_SUM[key]] ?? Number.NaN
  // As in TRL, a mean over nothing is 0.
  const [rows, units] = [Math.max(1, of('rows')), Math.max(1, of('units'))]
  const rewards = samples.flatMap(({ sequence }) => attemptReward(sequence, settings.reward) ?? [])
  const clipped: Metrics =
    settings.loss_type === 'cispo'
      ? { cispo_clip_ratio: of('high') / units }
      : {
          'clip_ratio/low_mean': of('low') / units,
          'clip_ratio/high_mean': of('high') / units,
          'clip_ratio/region_mean': (of('low') + of('high')) / units,
        }
  const metrics: Metrics = {
    loss: of('loss') / Math.max(1, readings.updates),
    ...(rewards.length > 0 ? { reward: momentsOf(rewards).mean, reward_std: momentsOf(rewards).std } : {}),
    frac_reward_zero_std: readings.flatGroups / Math.max(1, readings.groups),
    ...(settings.beta > 0 ? { kl: of('kl') / rows } : {}),
    entropy: of('entropy') / rows,
    ...clipped,
    'val/ratio': of('ratio') / units,
    ...lengthMetrics(samples, lengths),
    grad_norm: readings.gradNorm,
    skipped_updates: readings.skippedUpdates,
    learning_rate: readings.learningRate,
    num_tokens: readings.tokens,
    ...samplingMetrics(readings.batch, (row) => readings.table[4 * row] ?? Number.NaN),
  }
  return Object.fromEntries(Object.entries(metrics))
}

function lengthMetrics(samples: readonly GrpoSample[], lengths: readonly number[]): Metrics {
  const ended = lengths.filter((_, index) => samples[index]?.isTruncated === false)
  return {
    'completions/mean_length': momentsOf(lengths).mean,
    'completions/min_length': least(lengths),
    'completions/max_length': Math.max(0, ...lengths),
    'completions/mean_terminated_length': momentsOf(ended).mean,
    'completions/min_terminated_length': least(ended),
    'completions/max_terminated_length': Math.max(0, ...ended),
    'completions/clipped_ratio': (lengths.length - ended.length) / Math.max(1, lengths.length),
  }
}

const least = (values: readonly number[]): number => (values.length === 0 ? 0 : Math.min(...values))

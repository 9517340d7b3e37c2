/** What a batch of GRPO reports, under TRL's names. */
import { GRPO_SUM } from '../../../engine/ops/grpoLoss'
import { momentsOf } from './arithmetic'
import { attemptReward, type GrpoSample } from './groups'
import type { GrpoConfig } from './config'
import type { BatchLayout } from '../../batches/batchLayout'
import { samplingMeanings, samplingMetrics } from '../../policy/samplingMetrics'

/** Every metric and what it means; `grpo.metrics`. */
export const grpoMetricMeanings = {
  loss: 'Mean loss of the batch’s updates. With one update per batch every ratio is 1 and advantages sum to 0, so it is near 0 (with loss_type grpo, 0) though its gradient is not: watch reward instead.',
  reward: 'Mean reward of the attempts.',
  reward_std: 'Standard deviation of the rewards over the whole batch (n − 1), as TRL since 0.29.',
  frac_reward_zero_std:
    'Share of groups whose rewards (with advantage_level step: those of their steps) are all equal: nothing is learnt from them.',
  kl: 'Mean k3 estimate of KL(π ‖ π_ref) per token, weighed by the ratio with use_bias_correction_kl; reported where beta > 0. It is never negative.',
  entropy: 'Mean entropy of π over the vocabulary at the trained tokens, in nats.',
  'clip_ratio/low_mean': 'Share of tokens (or attempts, with a ratio per sequence) whose ratio is clipped from below.',
  'clip_ratio/high_mean': 'Share whose ratio is clipped from above.',
  'clip_ratio/region_mean': 'Share clipped either way.',
  cispo_clip_ratio: 'With cispo: share of tokens whose weight is held at epsilon_high. They still give a gradient.',
  'val/ratio': 'Mean π_new / π_old; 1 at a batch’s first update.',
  'completions/mean_length': 'Mean own tokens of an attempt, without replies of tools; masked attempts count.',
  'completions/min_length': 'Fewest own tokens of an attempt.',
  'completions/max_length': 'Most own tokens of an attempt.',
  'completions/mean_terminated_length': 'Mean own tokens of the attempts that came to their end; 0 where none did.',
  'completions/min_terminated_length': 'Fewest own tokens of these.',
  'completions/max_terminated_length': 'Most own tokens of these.',
  'completions/clipped_ratio': 'Share of attempts that ran out of calls or tokens.',
  grad_norm: 'Global gradient norm before clipping at the last update; −1 when a gradient was not finite and the update was skipped.',
  learning_rate: 'Learning rate of the last update.',
  num_tokens: 'Tokens of all sequences trained on since the start, each counted once per batch.',
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
  readonly learningRate: number
  readonly tokens: number
}

export function grpoMetrics(readings: GrpoReadings): Record<string, number> {
  const { settings, samples, lengths, sums } = readings
  const of = (key: keyof typeof GRPO_SUM): number => sums[GRPO_SUM[key]] ?? Number.NaN
  // As in TRL what nothing was measured of is 0.
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

/**
 * Measures how far the trained policy is from the one that sampled its tokens, before a batch's updates: |Δ log π| and the ratio of every trained
 * token whose log π at sampling is known. With fresh rollouts they differ only by rounding. A larger difference means that generation and training
 * disagree, or that another policy sampled the tokens. Names and definitions are those of TRL's GRPOTrainer.
 */
import type { BatchLayout } from '../batches/batchLayout'

export const samplingMeanings = {
  'sampling/sampling_logp_difference/mean':
    'This is the mean |log π − log π when sampled| of the trained tokens before this batch’s updates, in nats. With fresh rollouts it is rounding error; with files it shows how far the policy has moved from the one that wrote them.',
  'sampling/sampling_logp_difference/max': 'This is the largest such difference of a token.',
  'sampling/importance_sampling_ratio/min': 'This is the smallest ratio of π to π when sampled.',
  'sampling/importance_sampling_ratio/mean': 'This is the mean ratio of π to π when sampled. It is 1 if the policy itself drew the tokens.',
  'sampling/importance_sampling_ratio/max': 'This is the largest ratio of π to π when sampled.',
} as const

/** @param logp log π of every row of the batch. The result is empty if no trained token has a log π from sampling. */
export function samplingMetrics({ items }: Pick<BatchLayout, 'items'>, logp: (row: number) => number): Record<string, number> {
  const gaps = items.flatMap(({ source, sequence, firstRow }) =>
    sequence.targets.flatMap((position, index) => {
      const gap = logp(firstRow + index) - (source.sampledLogp?.[position] ?? Number.NaN)
      return Number.isNaN(gap) ? [] : [gap]
    }),
  )
  if (gaps.length === 0) return {}
  const tally = { sum: 0, most: 0, ratios: 0, least: Number.POSITIVE_INFINITY, largest: 0 }
  for (const gap of gaps) {
    const ratio = Math.exp(gap)
    tally.sum += Math.abs(gap)
    tally.most = Math.max(tally.most, Math.abs(gap))
    tally.ratios += ratio
    tally.least = Math.min(tally.least, ratio)
    tally.largest = Math.max(tally.largest, ratio)
  }
  const found: Record<keyof typeof samplingMeanings, number> = {
    'sampling/sampling_logp_difference/mean': tally.sum / gaps.length,
    'sampling/sampling_logp_difference/max': tally.most,
    'sampling/importance_sampling_ratio/min': tally.least,
    'sampling/importance_sampling_ratio/mean': tally.ratios / gaps.length,
    'sampling/importance_sampling_ratio/max': tally.largest,
  }
  return { ...found }
}

/** Frequent questions about the metrics of PPO, with answers. */
import { CLIP_FRACTION, optimizerQuestions, samplingQuestions, TWO_ENTROPIES } from '../../policy/metricQuestions'
import type { MetricQuestion } from '../../policy/metricQuestions'

export const ppoQuestions: Readonly<Record<string, MetricQuestion>> = {
  ...optimizerQuestions,
  ...samplingQuestions,
  'objective/kl': {
    question: 'Why can the KL be negative?',
    answer:
      'It is an estimate from the sampled tokens only: the sum of log π − log π_ref (k1). Its expected value is never negative, but the value of one batch may be slightly below 0. If it is below −1, the tokens were not sampled from the policy as it is scored: another temperature, top_p or penalty was used, or the trajectories are another model’s.',
  },
  'ppo/policy/clipfrac': CLIP_FRACTION,
  'objective/entropy': TWO_ENTROPIES,
  'ppo/policy/entropy': TWO_ENTROPIES,
  'ppo/val/var_explained': {
    question: 'What is a good value?',
    answer:
      'A perfect value head has 1, and one that is no better than a constant has 0. Values below 0 are usual in the first steps; it should rise.',
  },
  'ppo/policy/ratio': {
    question: 'What should it be?',
    answer:
      'It should stay near 1. If it is far from 1, updates are too large. A mini-batch whose mean ratio is above ratio_threshold is skipped.',
  },
  'ppo/loss/total': {
    question: 'Should PPO’s loss fall?',
    answer:
      'No. Every batch is new and advantages are whitened, so the policy loss stays near 0 even if the policy improves. Watch the reward, then the KL and the value error.',
  },
}

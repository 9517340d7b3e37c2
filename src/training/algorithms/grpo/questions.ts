/** Frequent questions about the metrics of GRPO, with answers. */
import { CLIP_FRACTION, optimizerQuestions, samplingQuestions } from '../../policy/metricQuestions'
import type { MetricQuestion } from '../../policy/metricQuestions'

const LOSS: MetricQuestion = {
  question: 'Why is GRPO’s loss near 0?',
  answer:
    'The advantages of a group sum to 0, and with one update per batch every ratio is 1, so the terms of the loss cancel although their gradients do not. With loss_type grpo it is exactly 0. With dapo, bnpo and dr_grpo every token counts equally, so the loss is above 0 if the longer attempts are the worse ones. beta adds the KL. The loss does not show progress: watch reward instead.',
}

export const grpoQuestions: Readonly<Record<string, MetricQuestion>> = {
  ...optimizerQuestions,
  ...samplingQuestions,
  loss: LOSS,
  kl: {
    question: 'Why is this KL never negative?',
    answer:
      'It is the k3 estimate, π_ref/π − log(π_ref/π) − 1 at each token, which is positive by construction and less noisy. It is reported if beta is above 0. PPO’s objective/kl is the plain sum of log-ratios (k1) and may be negative.',
  },
  'clip_ratio/region_mean': CLIP_FRACTION,
  'clip_ratio/low_mean': CLIP_FRACTION,
  'clip_ratio/high_mean': CLIP_FRACTION,
  frac_reward_zero_std: {
    question: 'Why does it matter?',
    answer:
      'If all attempts of a group earn the same reward, all advantages are 0 and the group has no gradient. If the fraction is near 1, the queries are too easy or too hard for the current model.',
  },
  reward_std: {
    question: 'Why do screenshots of TRL show other values?',
    answer: 'TRL up to 0.25 averaged the standard deviation of each group; since 0.29, and here, it is that of the whole batch.',
  },
}

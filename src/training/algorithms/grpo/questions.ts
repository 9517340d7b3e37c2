/** What people ask about the metrics of GRPO, and the answers. */
import { CLIP_FRACTION, optimizerQuestions, samplingQuestions } from '../../policy/metricQuestions'
import type { MetricQuestion } from '../../policy/metricQuestions'

const LOSS: MetricQuestion = {
  question: 'Why is GRPO’s loss near 0?',
  answer:
    'The advantages of a group sum to 0, and with one update a batch every ratio is 1, so the terms of the loss cancel while its gradient does not. With loss_type grpo it is 0; where tokens count alike (dapo, bnpo, dr_grpo) what is left is how length goes with worth: above 0 where the longer attempts are the worse ones. beta adds its share of the KL. It says nothing of learning: watch reward instead.',
}

export const grpoQuestions: Readonly<Record<string, MetricQuestion>> = {
  ...optimizerQuestions,
  ...samplingQuestions,
  loss: LOSS,
  kl: {
    question: 'Why is this KL never negative?',
    answer:
      'It is the k3 estimate, π_ref/π − log(π_ref/π) − 1 at each token, which is positive by construction and less noisy. It is reported where beta is above 0; PPO’s objective/kl is the plain sum of log-ratios (k1) and may be negative.',
  },
  'clip_ratio/region_mean': CLIP_FRACTION,
  'clip_ratio/low_mean': CLIP_FRACTION,
  'clip_ratio/high_mean': CLIP_FRACTION,
  frac_reward_zero_std: {
    question: 'Why does it matter?',
    answer:
      'Where every attempt of a group earns the same, all advantages are 0 and the group teaches nothing. Near 1 the queries are too easy or too hard for the model as it is.',
  },
  reward_std: {
    question: 'Why do screenshots of TRL show other values?',
    answer: 'TRL up to 0.25 averaged the standard deviation of each group; since 0.29, and here, it is that of the whole batch.',
  },
}

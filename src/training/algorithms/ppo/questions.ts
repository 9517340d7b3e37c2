/** What people ask about the metrics of PPO, and the answers. */
import { CLIP_FRACTION, optimizerQuestions, samplingQuestions, TWO_ENTROPIES } from '../../policy/metricQuestions'
import type { MetricQuestion } from '../../policy/metricQuestions'

export const ppoQuestions: Readonly<Record<string, MetricQuestion>> = {
  ...optimizerQuestions,
  ...samplingQuestions,
  'objective/kl': {
    question: 'Why can the KL be negative?',
    answer:
      'It is an estimate from the sampled tokens alone, the sum of log π − log π_ref (k1). Its mean over all possible samples is never negative, but that of one batch may be, a little. Far below 0 (under −1) the tokens were not drawn from the policy as it is scored: another temperature, top_p or penalty, or another model’s trajectories.',
  },
  'ppo/policy/clipfrac': CLIP_FRACTION,
  'objective/entropy': TWO_ENTROPIES,
  'ppo/policy/entropy': TWO_ENTROPIES,
  'ppo/val/var_explained': {
    question: 'What is a good value?',
    answer:
      '1 is a perfect value head, 0 one no better than a constant, and below 0 worse than that, which is usual in the first steps. It should rise.',
  },
  'ppo/policy/ratio': {
    question: 'What should it be?',
    answer: 'It floats around 1. Far from it, updates are too large; a mini-batch beyond ratio_threshold is skipped.',
  },
  'ppo/loss/total': {
    question: 'Should PPO’s loss fall?',
    answer:
      'No: every batch is new and advantages are whitened, so the policy’s loss hovers around 0 however well it learns. Watch the reward, then the KL and the value error.',
  },
}

/** What people ask about metrics that several algorithms report, and the answers; an algorithm's description adds its own. */

export interface MetricQuestion {
  readonly question: string
  readonly answer: string
}

export const CLIP_FRACTION: MetricQuestion = {
  question: 'What does the clip fraction say?',
  answer:
    'The share of tokens whose probability moved so far within one batch (ratio π_new / π_old beyond 1 ± the clip range, in the direction the advantage wants) that they give no gradient any more. 0 is normal where each batch makes one update, because the ratio is then 1 everywhere. 0.05 to 0.3 is usual with several epochs; above 0.5 the updates are too large for one batch.',
}
export const TWO_ENTROPIES: MetricQuestion = {
  question: 'Why are there two entropies?',
  answer:
    'objective/entropy is −Σ log π of the tokens that were sampled, summed over a sequence: it grows with length. ppo/policy/entropy (entropy in GRPO) is that of the whole distribution at each token, a mean: the one to watch for collapse.',
}

/** Of every algorithm. */
export const optimizerQuestions = {
  grad_norm: {
    question: 'What is −1?',
    answer: 'A gradient was not finite, so that the update was skipped and the weights stayed as they were.',
  },
} as const satisfies Readonly<Record<string, MetricQuestion>>

/** Of algorithms that train on sampled tokens. */
export const samplingQuestions = {
  'val/ratio': {
    question: 'What should it be?',
    answer:
      'It floats around 1. Far from it, updates are too large for one batch: lower the learning rate, or go over each batch fewer times.',
  },
  'sampling/sampling_logp_difference/mean': {
    question: 'Why is it not 0?',
    answer:
      'Generation and training add numbers up in another order: with weights and cache in f32 about 1e-6 nats is usual, with a cache in f16 up to 1e-3. Trained on files it grows as the policy leaves the one that wrote them; above 0.1 what is learnt is no longer about the policy as it is.',
  },
} as const satisfies Readonly<Record<string, MetricQuestion>>

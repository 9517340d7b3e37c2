/** Frequent questions about metrics that several algorithms report, with answers; an algorithm's description adds its own. */

export interface MetricQuestion {
  readonly question: string
  readonly answer: string
}

export const CLIP_FRACTION: MetricQuestion = {
  question: 'What does the clip fraction say?',
  answer:
    'It is the fraction of tokens whose ratio π_new / π_old has left 1 ± the clip range in the direction that the advantage favours, so that they have no gradient any more. 0 is normal if each batch makes one update, because the ratio is then 1 everywhere. With several epochs 0.05 to 0.3 is usual. Above 0.5 the updates are too large for one batch: lower the learning rate or the number of epochs.',
}
export const TWO_ENTROPIES: MetricQuestion = {
  question: 'Why are there two entropies?',
  answer:
    'objective/entropy is −Σ log π of the sampled tokens of a sequence, so it grows with length. ppo/policy/entropy (entropy in GRPO) is the mean entropy of the whole distribution at each token. Watch the second one for collapse.',
}

/** Questions about metrics that every algorithm reports. */
export const optimizerQuestions = {
  grad_norm: {
    question: 'What is −1?',
    answer: 'A gradient was not finite, so that the update was skipped and the weights stayed as they were.',
  },
} as const satisfies Readonly<Record<string, MetricQuestion>>

/** Questions about metrics of algorithms that train on sampled tokens. */
export const samplingQuestions = {
  'val/ratio': {
    question: 'What should it be?',
    answer:
      'It should stay near 1. If it is far from 1, updates are too large for one batch: lower the learning rate, or make fewer passes over each batch.',
  },
  'sampling/sampling_logp_difference/mean': {
    question: 'Why is it not 0?',
    answer:
      'Generation and training add numbers in different orders. With weights and cache in f32 about 1e-6 nats is usual, with a cache in f16 up to 1e-3. If a run trains on files, the difference grows as the policy moves away from the one that wrote them. Above 0.1 the gradient is no longer a good estimate for the current policy.',
  },
} as const satisfies Readonly<Record<string, MetricQuestion>>

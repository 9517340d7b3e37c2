/** What people ask about a metric when they see it, and the answer; shown by its chart. */
interface Question {
  readonly question: string
  readonly answer: string
}

const CLIPPED: Question = {
  question: 'What does the clip fraction say?',
  answer:
    'The share of tokens whose probability moved so far within one batch (ratio π_new / π_old beyond 1 ± the clip range, in the direction the advantage wants) that they give no gradient any more. 0 is normal where each batch makes one update, because the ratio is then 1 everywhere. 0.05 to 0.3 is usual with several epochs; above 0.5 the updates are too large for one batch.',
}
const TWO_ENTROPIES: Question = {
  question: 'Why are there two entropies?',
  answer:
    'objective/entropy is −Σ log π of the tokens that were sampled, summed over a sequence: it grows with length. ppo/policy/entropy (entropy in GRPO) is that of the whole distribution at each token, a mean: the one to watch for collapse.',
}
const GRPO_LOSS: Question = {
  question: 'Why is GRPO’s loss near 0?',
  answer:
    'The advantages of a group sum to 0, and with one update a batch every ratio is 1, so the terms of the loss cancel while its gradient does not. With loss_type grpo it is 0; where tokens count alike (dapo, bnpo, dr_grpo) what is left is how length goes with worth: above 0 where the longer attempts are the worse ones. beta adds its share of the KL. It says nothing of learning: watch reward instead.',
}

const questions: Readonly<Record<string, Question>> = {
  'objective/kl': {
    question: 'Why can the KL be negative?',
    answer:
      'It is an estimate from the sampled tokens alone, the sum of log π − log π_ref (k1). Its mean over all possible samples is never negative, but that of one batch may be, a little. Far below 0 (under −1) the tokens were not drawn from the policy as it is scored: another temperature, top_p or penalty, or another model’s trajectories.',
  },
  kl: {
    question: 'Why is this KL never negative?',
    answer:
      'It is the k3 estimate, π_ref/π − log(π_ref/π) − 1 at each token, which is positive by construction and less noisy. It is reported where beta is above 0; PPO’s objective/kl is the plain sum of log-ratios (k1) and may be negative.',
  },
  'ppo/policy/clipfrac': CLIPPED,
  'clip_ratio/region_mean': CLIPPED,
  'clip_ratio/low_mean': CLIPPED,
  'clip_ratio/high_mean': CLIPPED,
  'objective/entropy': TWO_ENTROPIES,
  'ppo/policy/entropy': TWO_ENTROPIES,
  frac_reward_zero_std: {
    question: 'Why does it matter?',
    answer:
      'Where every attempt of a group earns the same, all advantages are 0 and the group teaches nothing. Near 1 the queries are too easy or too hard for the model as it is.',
  },
  reward_std: {
    question: 'Why do screenshots of TRL show other values?',
    answer: 'TRL up to 0.25 averaged the standard deviation of each group; since 0.29, and here, it is that of the whole batch.',
  },
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
  grad_norm: {
    question: 'What is −1?',
    answer: 'A gradient was not finite, so that the update was skipped and the weights stayed as they were.',
  },
  'rewards/accuracies': {
    question: 'Why does it start at 0?',
    answer: 'At the first update policy and reference are the same: both rewards are 0, and a tie is not counted as right.',
  },
  'logps/chosen': {
    question: 'Is it bad that it falls?',
    answer:
      'It is DPO’s known failing: margins can rise while the preferred answers too become less likely. A little is common; if it goes on, raise beta or stop earlier.',
  },
}

const ofLoss: Readonly<Record<string, Question>> = {
  grpo: GRPO_LOSS,
  dpo: {
    question: 'Why does the loss start at 0.6931?',
    answer: 'It is ln 2: at the first update policy and reference are the same, so that the margin of every pair is 0.',
  },
}

/** null where nobody asks. */
export function questionAbout(metric: string, algorithm: string | null): Question | null {
  if (metric === 'loss') return (algorithm === null ? undefined : ofLoss[algorithm]) ?? null
  return questions[metric] ?? null
}

/** Outcome PPO on the task of two calls: only an episode whose calls are both right earns 1. */
import { runPpo } from '../../src/training/algorithms/ppo/outcome'
import { ppo } from '../../src/training/algorithms/ppo/outcomePpo'
import { closesTheGap } from './closesTheGap'
import { withPractice } from './onPolicy'
import { solved } from './twoCalls'

const settings = ppo.config.parse({
  ...{ learning_rate: 5e-3, batch_size: 256, mini_batch_size: 64, gradient_accumulation_steps: 1, ppo_epochs: 2 },
  ...{ init_kl_coef: 0.01, adap_kl_ctrl: false, max_grad_norm: 1, lam: 1 },
})

closesTheGap('ppo', 60, (context, shuffledBy) =>
  withPractice(
    context.seed,
    16,
    (one) => [0, solved(one)],
    shuffledBy,
    async (source) => (await runPpo(context, settings, source)).policy,
  ),
)

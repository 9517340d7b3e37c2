/** Step-grained PPO on the task of two calls: each right call earns 1. */
import { runSteptoolPpo } from '../../src/training/algorithms/ppo/loop'
import { steptoolPpo } from '../../src/training/algorithms/ppo/steptoolPpo'
import { closesTheGap } from './closesTheGap'
import { withPractice } from './onPolicy'

const settings = steptoolPpo.config.parse({
  ...{ learning_rate: 5e-3, batch_size: 64, mini_batch_size: 32, gradient_accumulation_steps: 1, ppo_epochs: 2 },
  ...{ init_kl_coef: 0.01, adap_kl_ctrl: false, max_grad_norm: 1, center_step_rewards: true },
})

closesTheGap('steptool-ppo', 30, (context, shuffledBy) =>
  withPractice(
    context.seed,
    4,
    ({ right }) => right,
    shuffledBy,
    async (source) => (await runSteptoolPpo(context, settings, source)).policy,
  ),
)

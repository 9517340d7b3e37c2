/** ArCHer on the task of two calls: practice of every iteration joins the replay buffer, the actor learns from the critics alone. */
import { runArcher } from '../../src/training/algorithms/archer/loop'
import { archer } from '../../src/training/algorithms/archer/algorithm'
import { closesTheGap } from './closesTheGap'
import { withPractice } from './onPolicy'

const settings = archer.config.parse({
  ...{ learning_rate: 3e-3, critic_lr: 3e-3, critic_hidden_size: 128, batch_size: 64, gradient_accumulation_steps: 1, max_grad_norm: 1 },
  ...{ epochs: 40, actor_epochs: 3, warmup_iter: 6, capacity: 2048, max_response_len: 1, max_tokens_per_micro_batch: 1024 },
})

closesTheGap('archer', 60, (context, shuffledBy) =>
  withPractice(
    context.seed,
    4,
    ({ right }) => right,
    shuffledBy,
    async (source) => {
      const { policy } = await runArcher(context, settings, { isFresh: true, next: (iteration, now) => source.next(iteration, now) })
      return policy
    },
  ),
)

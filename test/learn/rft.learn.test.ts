/** Expert iteration: what passed is imitated, three rounds; the control keeps as many attempts, whether they passed or not. */
import { runRft } from '../../src/training/algorithms/rft/loop'
import { rft } from '../../src/training/algorithms/rft/algorithm'
import { createRng } from '../../src/base/random'
import { closesTheGap } from './closesTheGap'
import { Practice, queries, solved } from './twoCalls'

const EACH = 64
const settings = rft.config.parse({
  ...{ learning_rate: 1e-2, tokens_per_batch: 512, warmup_steps: 5, num_train_epochs: 20, sampling_rounds: 3, max_samples_per_query: 16 },
  ...{ generation_batch_size: EACH * queries.length, num_generations: EACH },
})

closesTheGap('rft', 80, async (context, shuffledBy) => {
  const practice = new Practice(context.seed)
  try {
    const { policy } = await runRft(context, settings, {
      isFresh: true,
      next: async (step, now) => {
        const asked = queries.flatMap((_, query) => Array.from({ length: EACH }, () => query))
        const episodes = await practice.episodes(now, step, asked)
        const scores = shuffledBy === null ? episodes.map(solved) : createRng(shuffledBy, 403, step).shuffle(episodes.map(solved))
        return episodes.map(({ sequence, query }, index) => ({ sequence, query: String(query), score: scores[index] ?? null }))
      },
    })
    return policy
  } finally {
    await practice.destroy()
  }
})

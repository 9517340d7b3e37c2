/** ETO's DPO on the task of two calls: solved attempts of the starting policy are preferred to its failures on the same query. */
import { runDpo } from '../../src/training/algorithms/dpo/loop'
import { dpo } from '../../src/training/algorithms/dpo/algorithm'
import { runSft } from '../../src/training/algorithms/sft/loop'
import { sft } from '../../src/training/algorithms/sft/algorithm'
import { makePairs } from '../../src/training/algorithms/dpo/pairs'
import { createRng } from '../../src/base/random'
import { closesTheGap } from './closesTheGap'
import { expertSamples, Practice, queries, solved } from './twoCalls'

const EACH = 64
const settings = dpo.config.parse({
  ...{ learning_rate: 5e-3, max_pairs_per_query: 24, per_device_train_batch_size: 32, gradient_accumulation_steps: 1, warmup_steps: 0 },
  ...{ beta: 0.1, max_tokens_per_micro_batch: 1024 },
})

closesTheGap('dpo', 120, async (context, shuffledBy) => {
  const practice = new Practice(context.seed)
  // The policy as it starts: a fresh adapter changes nothing.
  const { policy: start } = await runSft({ ...context, steps: 0 }, sft.config.parse({}), expertSamples)
  const asked = queries.flatMap((_, query) => Array.from({ length: EACH }, () => query))
  const episodes = await practice.episodes(start, 0, asked)
  await practice.destroy()
  await start.destroy()
  const outcomes = shuffledBy === null ? episodes.map(solved) : createRng(shuffledBy, 404).shuffle(episodes.map(solved))
  const attempts = episodes.map(({ sequence, query }, index) => ({ sequence, query: String(query), outcome: outcomes[index] ?? null }))
  const { pairs } = makePairs(attempts, settings, context.seed)
  const { policy } = await runDpo(context, settings, pairs)
  return policy
})

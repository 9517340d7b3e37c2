/** GRPO beside TRL's `GRPOTrainer`: its loss on frozen log-probs, and three batches of its own loop. Goldens: test/golden/grpo.py, updates.py. */
import { z } from 'zod'
import { minibatchesOf } from '../../batches/batchLayout'
import { loggedStats, MEANS_OVER_MICRO_BATCHES, PARITY_STEPS, sameOrder } from '../../parity'
import type { AlgorithmParity, GoldenRun, Stats, TrainedRun } from '../../parity'
import { runGrpo } from './loop'
import { grpo } from './algorithm'
import { grpoQuantities } from './vectors'

const schema = z.object({ parts: z.array(z.array(z.array(z.int()))) })
const GROUP = 4
const PER_BATCH = 8

/** The run whose batches make two updates of half the attempts each, instead of two of all. */
const IN_PARTS = 'grpo, in parts'

async function train({ name, settings, record, golden, sequences, start }: GoldenRun): Promise<TrainedRun> {
  const { context, reports } = await start({ batches: 0, tokens: 0, updates: 0 })
  const config = grpo.config.parse({
    ...{ num_iterations: 2, ...settings },
    ...(name === IN_PARTS ? { num_iterations: 1, steps_per_generation: 2 } : {}),
    ...{ generation_batch_size: PER_BATCH, num_generations: GROUP },
  })
  const halves = PARITY_STEPS.map((step) => minibatchesOf(PER_BATCH, PER_BATCH / 2, context.seed, step, 0))
  sameOrder('attempts', halves, schema.parse(golden).parts)
  const samples = sequences.map((sequence, index) => ({ sequence, group: `q${Math.floor(index / GROUP)}`, isTruncated: false }))
  const next = (step: number) => Promise.resolve(samples.slice(PER_BATCH * step, PER_BATCH * (step + 1)))
  const { policy } = await runGrpo(context, config, { next })
  const logs = loggedStats(record)
  return { policy, reports, expected: PARITY_STEPS.map((step) => ofBatch(logs.slice(2 * step, 2 * step + 2))) }
}

/** What TRL logs at the updates of one batch: the last gradient norm, learning rate and number of tokens; means of everything else. */
function ofBatch(logs: readonly Stats[]): Stats {
  const keys = [...new Set(logs.flatMap((entry) => Object.keys(entry)))]
  const valueOf = (key: string): number => {
    const values = logs.flatMap((entry) => entry[key] ?? [])
    if (['grad_norm', 'learning_rate', 'num_tokens'].includes(key)) return values.at(-1) ?? Number.NaN
    return values.reduce((sum, value) => sum + value, 0) / values.length
  }
  return Object.fromEntries(keys.map((key) => [key, valueOf(key)]))
}

/**
 * TRL calls a completion clipped if it has no end-of-sequence token, and none of these has one; ours counts attempts that ran out of calls or
 * tokens. TRL's `num_tokens` leaves out the replies of tools; ours counts the tokens that pass through the model.
 */
const OTHER_MEANING = [
  'completions/clipped_ratio',
  ...['mean', 'min', 'max'].map((of) => `completions/${of}_terminated_length`),
  'num_tokens',
]

export const grpoParity: AlgorithmParity = {
  vectors: [grpoQuantities],
  updates: {
    file: 'updates',
    train,
    incomparable: (name) => [...OTHER_MEANING, ...(name === IN_PARTS ? MEANS_OVER_MICRO_BATCHES : [])],
  },
}

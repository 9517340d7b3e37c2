/** DPO beside TRL's `DPOTrainer`: its loss on frozen log-probs, and three steps of its own loop. Goldens: test/golden/dpo.py, updates.py. */
import { z } from 'zod'
import { trainedPositions } from '../../batches/stepRewards'
import { loggedStats, MEANS_OVER_MICRO_BATCHES, PARITY_STEPS, sameOrder } from '../../parity'
import type { AlgorithmParity, GoldenRun, TrainedRun } from '../../parity'
import { runDpo } from './loop'
import { dpo } from './algorithm'
import { pairsOfStep, type DpoPair } from './pairs'
import { dpoQuantities } from './vectors'

const schema = z.object({ pairs: z.array(z.array(z.int())) })
const PAIRS_PER_STEP = 4

async function train({ settings, record, golden, sequences, start }: GoldenRun): Promise<TrainedRun> {
  const { context, reports } = await start({ pairs: sequences.length / 2, tokens: 0 })
  const config = dpo.config.parse({ ...settings, per_device_train_batch_size: 2, gradient_accumulation_steps: 2 })
  const sides = sequences.map((source) => ({
    source,
    sequence: { ids: source.ids, targets: trainedPositions(source, 'no_score') },
    skipped: 0,
  }))
  const pairs = sides.flatMap((chosen, index): DpoPair[] => {
    const rejected = sides[index + 1]
    return index % 2 === 0 && rejected ? [{ query: `q${index}`, chosen, rejected }] : []
  })
  const order = PARITY_STEPS.map((step) => pairsOfStep(pairs, PAIRS_PER_STEP, context.seed, step).map((pair) => pairs.indexOf(pair)))
  sameOrder('pairs', order, schema.parse(golden).pairs)
  const { policy } = await runDpo(context, config, pairs)
  return { policy, reports, expected: loggedStats(record) }
}

export const dpoParity: AlgorithmParity = {
  vectors: [dpoQuantities],
  updates: {
    file: 'updates',
    train,
    incomparable: (name) => (/^dpo(, ipo|, continued)?$/.test(name) ? MEANS_OVER_MICRO_BATCHES : []),
  },
}

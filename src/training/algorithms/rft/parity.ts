/** Rejection sampling beside TRL's `SFTTrainer` on the attempts that pass. Golden: test/golden/updates.py. */
import { z } from 'zod'
import { loggedStats, MEANS_OVER_MICRO_BATCHES, PARITY_STEPS, sameOrder } from '../../parity'
import type { AlgorithmParity, GoldenRun, TrainedRun } from '../../parity'
import { PARITY_BATCH } from '../sft/parity'
import { runRft } from './loop'
import { rft } from './algorithm'
import { selectPasses, type RftAttempt } from './selection'

const schema = z.object({ kept: z.array(z.int()) })
/** Every fourth attempt fails. */
const FAILS = 4

async function train({ settings, record, golden, sequences, start }: GoldenRun): Promise<TrainedRun> {
  const counts = { sampled: 0, passed: 0, blank: 0, deduped: 0, capped: 0, kept: 0, queries: 0, filteredSteps: 0 }
  const { context, reports } = await start({ cursor: 0, tokens: 0, round: 0, end: PARITY_STEPS.length, counts, kept: [] })
  const config = rft.config.parse({ ...settings, ...PARITY_BATCH })
  const attempts = sequences.map((sequence, index): RftAttempt => ({
    sequence,
    query: `q${index}`,
    score: index % FAILS === FAILS - 1 ? 0 : 1,
  }))
  const order = selectPasses(attempts, config, context.seed, 0).kept.map(({ ids }) => sequences.findIndex((one) => one.ids === ids))
  sameOrder('the attempts that pass', order, schema.parse(golden).kept)
  const { policy } = await runRft(context, config, { isFresh: false, next: () => Promise.resolve(attempts) })
  return { policy, reports, expected: loggedStats(record) }
}

export const rftParity: AlgorithmParity = {
  vectors: [],
  updates: { file: 'updates', train, incomparable: () => MEANS_OVER_MICRO_BATCHES },
}

/** Supervised fine-tuning beside TRL's `SFTTrainer`. Golden: test/golden/updates.py. */
import { imitatedPositions } from '../../batches/lossMask'
import { loggedStats, MEANS_OVER_MICRO_BATCHES } from '../../parity'
import type { AlgorithmParity, GoldenRun, TrainedRun } from '../../parity'
import { runSft } from './loop'
import { sft } from './algorithm'

/** 2 × 3 sequences of 17 to 21 tokens in an update. */
export const PARITY_BATCH = { tokens_per_batch: 64, gradient_accumulation_steps: 2 } as const

async function train({ name, settings, record, sequences, start }: GoldenRun): Promise<TrainedRun> {
  const mask = { mask_history: name === 'sft, last turn' }
  const { context, reports } = await start({ cursor: 0, tokens: 0 })
  const samples = sequences.map((sequence) => ({ ids: sequence.ids, targets: imitatedPositions(sequence, mask) }))
  const sample = (index: number): (typeof samples)[number] => samples[index] ?? { ids: [], targets: [] }
  const config = sft.config.parse({ ...settings, ...PARITY_BATCH, ...mask })
  const { policy } = await runSft(context, config, { length: samples.length, sample })
  return { policy, reports, expected: loggedStats(record) }
}

export const sftParity: AlgorithmParity = {
  vectors: [],
  updates: {
    file: 'updates',
    train,
    incomparable: (name) => (/^sft(, last turn|, continued)?$/.test(name) ? MEANS_OVER_MICRO_BATCHES : []),
  },
}

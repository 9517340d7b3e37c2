/** Tokenized trajectories as supervised samples: completions are imitated whatever their labels, all or the last of each. */
import { createRng } from '../../base/random'
import { imitatedPositions } from './lossMask'
import type { LossMask } from './lossMask'
import { samplesOf } from './sampleSource'
import type { SampleSource } from './sampleSource'
import type { TokenizedTrajectory } from './tokenizedTrajectory'

const STREAM = 78

/** In an order drawn from the seed. */
export function imitationSamples(
  sequences: readonly TokenizedTrajectory[],
  { mask_history }: Pick<LossMask, 'mask_history'>,
  seed: number,
): SampleSource {
  const samples = createRng(seed, STREAM)
    .shuffle(sequences)
    .map((sequence) => ({ ids: sequence.ids, targets: imitatedPositions(sequence, { mask_history }) }))
    .filter(({ targets }) => targets.length > 0)
  if (samples.length === 0) throw new Error('none of the trajectories has a completion to imitate')
  return samplesOf(samples)
}

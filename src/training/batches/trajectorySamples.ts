/** Trajectories as supervised samples: completions are imitated whatever their labels, all or the last of each. */
import { createRng } from '../../base/random'
import { stepsOf, type Trajectory } from '../../records/trajectory'
import type { SampleSource } from './sampleSource'
import { imitatedPositions } from './lossMask'
import type { LossMask } from './lossMask'
import { tokenizeTrajectory } from './tokenizedTrajectory'
import type { TokenizedTrajectory, TextCodec } from './tokenizedTrajectory'

const STREAM = 78

/** In an order drawn from the seed. `sequences` are the trajectories as they were cut, in their own order. */
export function trajectorySamples(
  trajectories: readonly Trajectory[],
  codec: TextCodec,
  options: {
    readonly maxContextLen: number
    readonly maxResponseLen: number
    readonly seed: number
    readonly mask: Pick<LossMask, 'mask_history'>
  },
): { samples: SampleSource; sequences: readonly TokenizedTrajectory[] } {
  const sequences = trajectories.map((trajectory) =>
    tokenizeTrajectory(
      trajectory,
      stepsOf(trajectory).map(() => null),
      codec,
      { ...options, encoding: 'auto' },
    ),
  )
  const samples = createRng(options.seed, STREAM)
    .shuffle(sequences)
    .map((sequence) => ({ ids: sequence.ids, targets: imitatedPositions(sequence, options.mask) }))
    .filter(({ targets }) => targets.length > 0)
  const [first] = samples
  if (!first) throw new Error('none of the trajectories has a completion to imitate')
  return { samples: { length: samples.length, sample: (index) => samples[index] ?? first }, sequences }
}

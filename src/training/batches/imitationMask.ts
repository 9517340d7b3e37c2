/** The mask rule of imitation, for the preflight. */
import type { MaskRule } from '../preflight/sequenceChecks'
import { imitatedPositions } from './lossMask'
import type { LossMask } from './lossMask'

export const imitationMask = (mask: LossMask): MaskRule => ({
  positions: (sequence) => imitatedPositions(sequence, mask),
  whyNone: nothingImitated(mask),
})

function nothingImitated({ mask_history, step_filtered = false }: LossMask): string {
  const last = 'mask_history leaves only the last turn'
  if (!step_filtered) return mask_history ? `${last}, and in every row it is empty` : 'every completion was cut away'
  return mask_history ? `${last}, and in every row it is empty or labelled 0` : 'every remaining step is labelled 0'
}

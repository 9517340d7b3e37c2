/** The verdict whether a run fits, is tight or exceeds: the bytes of its plans are compared with the assumed memory, and the setting that helps most is named. */
import { totalBytes, type MemoryPart } from '../../training/preflight/memoryPlan'
import type { MemoryEstimate } from '../../worker/protocol'

export interface MemoryLimits {
  readonly maxBindingBytes: number
  readonly isSoftware: boolean
  /** What the machine has, or is taken to have: WebGPU does not say. */
  readonly budgetBytes: number
  readonly isGuessed: boolean
}

/** Parts and the largest single binding under some settings. */
export interface MemoryCount {
  readonly parts: readonly MemoryPart[]
  readonly largestBinding: number
}

export interface MemoryKnob {
  /** `lora_r 8 → 4`. */
  readonly change: string
  readonly count: MemoryCount
}

const TIGHT_SHARE = 0.75

export function verdictOn({ parts, largestBinding }: MemoryCount, limits: MemoryLimits, knobs: readonly MemoryKnob[]): MemoryEstimate {
  const bytes = totalBytes(parts)
  const isTooLong = largestBinding > limits.maxBindingBytes
  const isTooLarge = bytes > limits.budgetBytes
  const verdict = isTooLarge || isTooLong ? 'exceeds' : bytes > TIGHT_SHARE * limits.budgetBytes ? 'tight' : 'fits'
  const saved = ({ count }: MemoryKnob): number =>
    isTooLong && !isTooLarge ? largestBinding - count.largestBinding : bytes - totalBytes(count.parts)
  const best = knobs.filter((knob) => saved(knob) > 0).sort((a, b) => saved(b) - saved(a))[0]
  const over = isTooLong
    ? `One buffer of ${megabytes(largestBinding)} is more than this GPU binds at once (${megabytes(limits.maxBindingBytes)}). `
    : ''
  const help = best ? `${best.change} saves ${megabytes(saved(best))}.` : 'A smaller model is what helps.'
  return {
    bytes,
    parts: parts.flatMap(({ name, bytes: own }) => (own > 0 ? [{ name, bytes: own }] : [])),
    largestBinding,
    verdict,
    advice: verdict === 'fits' ? '' : over + help,
    notes: [
      'Counted from the plans this job would run.',
      limits.isGuessed
        ? `WebGPU does not say how much memory there is: ${megabytes(limits.budgetBytes)} is a guess. Say here how much there is.`
        : `Measured against the ${megabytes(limits.budgetBytes)} that you said there are.`,
    ],
  }
}

function megabytes(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.max(1, Math.round(bytes / 1e6))} MB`
}

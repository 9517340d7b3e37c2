/** Which number each token carries in the heat-map, and the colour that number gets. */
import { stepsOf, type Trajectory } from '../../records/trajectory'
import type { AdvantagePreview } from '../../worker/protocol'

export type HeatKind = 'mask' | 'advantages' | 'whitened' | 'logprob'

export const heatKinds: readonly { readonly value: HeatKind; readonly label: string; readonly signed: boolean }[] = [
  { value: 'mask', label: 'Loss mask', signed: false },
  { value: 'advantages', label: 'Advantage', signed: true },
  { value: 'whitened', label: 'Whitened', signed: true },
  { value: 'logprob', label: 'log π', signed: false },
]

export interface HeatToken {
  readonly at: number
  readonly text: string
  readonly step: number
  /** null: this token has no such number. */
  readonly value: number | null
}

/** log π of every completion token, laid along the trained tokens of the preview, step by step. */
function logprobs(preview: AdvantagePreview, trajectory: Trajectory): (number | null)[] {
  const next = new Map<number, number>()
  const steps = stepsOf(trajectory)
  const last = preview.tokens.step.reduce((most, step) => Math.max(most, step), -1)
  const shown = (step: number): number => preview.tokens.step.filter((own) => own === step).length
  /** The context is cut at its start and the last completion at its end. */
  const cutBefore = (step: number): number =>
    step === last ? 0 : Math.max(0, (steps[step]?.tokens?.completion_ids.length ?? 0) - shown(step))
  return preview.tokens.mask.map((mask, at) => {
    const step = preview.tokens.step[at] ?? -1
    if (step < 0) return null
    const position = next.get(step) ?? cutBefore(step)
    next.set(step, position + 1)
    return mask === 1 ? (steps[step]?.tokens?.completion_logprobs[position] ?? null) : null
  })
}

export function heatTokens(
  preview: AdvantagePreview,
  trajectory: Trajectory,
  kind: HeatKind,
): { readonly tokens: readonly HeatToken[]; readonly scale: number } {
  const found = kind === 'logprob' ? logprobs(preview, trajectory) : null
  let scale = 0
  const tokens = preview.tokens.text.map((text, at): HeatToken => {
    const trained = preview.tokens.mask[at] === 1
    const value =
      kind === 'mask' ? (trained ? 1 : 0) : !trained ? null : kind === 'logprob' ? (found?.[at] ?? null) : (preview[kind][at] ?? null)
    if (value !== null) scale = Math.max(scale, Math.abs(value))
    return { at, text, step: preview.tokens.step[at] ?? -1, value }
  })
  return { tokens, scale }
}

/** Orange for more, blue for less, as strong as the share of the scale; at most 55 % so that text stays readable. */
export function heatColour(value: number | null, scale: number, signed: boolean): string | undefined {
  if (value === null || scale === 0 || value === 0) return undefined
  const strength = Math.round(Math.min(1, Math.abs(value) / scale) * 55)
  if (strength === 0) return undefined
  const base = signed && value > 0 ? 'var(--hone-positive)' : 'var(--hone-negative)'
  return `color-mix(in srgb, ${base} ${strength}%, transparent)`
}

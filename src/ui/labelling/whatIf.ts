/** What a label does: the advantage of each token of a step, before and with it. */
import type { AdvantagePreview } from '../../worker/protocol'

export interface StripToken {
  readonly at: number
  readonly text: string
  readonly before: number
  readonly after: number
}

export interface StripSummary {
  readonly tokens: readonly StripToken[]
  readonly meanBefore: number
  readonly meanAfter: number
  /** Largest absolute advantage in either, over the whole trajectory: the scale of the strip. */
  readonly scale: number
  /** Other steps whose mean advantage moves, because rewards reach backwards. */
  readonly alsoMoves: readonly { readonly step: number; readonly by: number }[]
}

const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length

export type AdvantageKind = 'advantages' | 'whitened'

export function stripOfStep(before: AdvantagePreview, after: AdvantagePreview, step: number, kind: AdvantageKind): StripSummary {
  const tokens: StripToken[] = []
  const perStep = new Map<number, { before: number[]; after: number[] }>()
  let scale = 0
  after.tokens.mask.forEach((mask, at) => {
    if (mask !== 1) return
    const was = before[kind][at] ?? 0
    const is = after[kind][at] ?? 0
    scale = Math.max(scale, Math.abs(was), Math.abs(is))
    const of = after.tokens.step[at] ?? -1
    const entry = perStep.get(of) ?? { before: [], after: [] }
    entry.before.push(was)
    entry.after.push(is)
    perStep.set(of, entry)
    if (of === step) tokens.push({ at, text: after.tokens.text[at] ?? '', before: was, after: is })
  })
  const alsoMoves = [...perStep]
    .filter(([of]) => of !== step)
    .map(([of, values]) => ({ step: of, by: mean(values.after) - mean(values.before) }))
    .filter((one) => Math.abs(one.by) > 5e-4)
    .sort((a, b) => a.step - b.step)
  return {
    tokens,
    meanBefore: mean(tokens.map((token) => token.before)),
    meanAfter: mean(tokens.map((token) => token.after)),
    scale,
    alsoMoves,
  }
}

/** +0.31, −0.04, 0: signed, with a real minus. */
export function signed(value: number, digits = 2): string {
  const text = Math.abs(value).toFixed(digits)
  if (Number(text) === 0) return (0).toFixed(digits)
  return `${value < 0 ? '−' : '+'}${text}`
}
